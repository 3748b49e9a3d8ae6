/** How large a job queues take, and whom they refuse. */
import { expect, test } from 'vitest';
import { limitsSize, overSize, sizeLimitOf } from './size-limits.ts';

const DEBUG = sizeLimitOf('debug', { max_nodes: 2, max_gpus: 0 });
const MAIN = sizeLimitOf('main', { max_cores: 64, default: true });
const FREE = sizeLimitOf('free', { max_nodes: 'many' });

test('which limit anything', () => {
  expect([DEBUG, MAIN, FREE].map(limitsSize)).toEqual([true, true, false]);
});

test.each([
  ['debug', { node: 2, core: 900 }, ''],
  [
    'debug',
    { node: 3 },
    'queue debug takes jobs of at most 2 nodes, not of 3: ask for less, or for queue main or free',
  ],
  ['debug', { gpu: 1 }, 'queue debug takes jobs of at most 0 gpus, not of 1: ask for less, or for queue main or free'],
  [
    null,
    { core: 65 },
    'its default queue main takes jobs of at most 64 cores, not of 65: ask for less, or for queue debug or free',
  ],
  ['debug,main', { node: 3 }, ''],
  ['nope', { node: 99 }, ''],
])('%s for %j', (queue, wants, why) => {
  expect(overSize(queue, new Map(Object.entries(wants)), [DEBUG, MAIN, FREE])).toBe(why);
});

test('an instance without queues', () => {
  const all = [sizeLimitOf('', { max_cores: 1, default: true })];
  expect(overSize(null, new Map([['core', 2]]), all)).toBe('it takes jobs of at most 1 core, not of 2: ask for less');
});

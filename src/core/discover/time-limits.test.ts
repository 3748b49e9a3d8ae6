/** Limits as Slurm and Flux write them, and whom they refuse. */
import { expect, test } from 'vitest';
import { limitOf, overLimit, timeAmong } from './time-limits.ts';

test.each([
  ['00:10:00', 600],
  ['7-00:00:00', 604_800],
  ['7-0', 604_800],
  ['UNLIMITED', Infinity],
  ['1h', 3600],
  ['90', 90],
  [90, 90],
  ['0', Infinity],
  ['inf', Infinity],
  ['nonsense', Infinity],
  [undefined, Infinity],
])('max_time %s', (said, most) => {
  expect(limitOf('a', { max_time: said })).toEqual({ name: 'a', most, own: null, isDefault: false });
});

const DEBUG = limitOf('debug', { max_time: '00:10:00' });
const MAIN = limitOf('main', { max_time: '7-00:00:00', default: true });
const FREE = limitOf('free', {});

test.each([
  ['debug', null, ''],
  ['debug', 600, ''],
  [
    'debug',
    1200,
    'partition debug lets a job run for 10 min, not for 20 min: ask for less time, or for partition main or free',
  ],
  [null, 86_400, ''],
  [
    null,
    691_200,
    'its default partition main lets a job run for 7 d, not for 8 d: ask for less time, or for partition free',
  ],
  ['debug,main', 1200, ''],
  [
    'debug,main',
    604_801,
    'partition debug, main lets a job run for 7 d, not for 604801 s: ask for less time, or for partition free',
  ],
  ['free', 1e9, ''],
  ['nope', 1e9, ''],
])('%s for %s s', (queue, walltime, why) => {
  expect(overLimit({ queue, walltime }, [DEBUG, MAIN, FREE])).toBe(why);
});

test('no partition is the default one: its own scheduler says', () => {
  expect(overLimit({ queue: null, walltime: 1200 }, [DEBUG])).toBe('');
});

const DAY = limitOf('day', { max_time: '2-00:00:00', default_time: '1-00:00:00' });
const SHORT = limitOf('short', { max_time: '00:10:00', default_time: '30:00' });

test.each([
  ['what it asks for', 'day', 60, 60],
  ['what its partition gives, which is more', 'day', null, 86_400],
  ['no more than that lets it have', 'short', null, 600],
  ['of several the longest', 'short,day', null, 86_400],
  ['the server’s, or less, where one gives none', 'day,debug', null, 600],
  ['of the default partition', null, null, 3600],
  ['the server’s where nothing is known', 'nope', null, 3600],
])('the time of a job: %s', (_why, queue, walltime, seconds) => {
  expect(timeAmong({ queue, walltime }, [DEBUG, MAIN, FREE, DAY, SHORT], 3600)).toBe(seconds);
});

test.each([
  [600, '', 600],
  [601, 'partition debug lets a job run for 10 min, not for 601 s', 1200],
  [null, 'partition debug lets a job run for 10 min, not for 20 min', 1200],
])('of 20 min in 10, with at least %s s', (leastTime, why, seconds) => {
  const asked = { queue: 'debug', walltime: 1200, leastTime };
  expect(overLimit(asked, [DEBUG, MAIN]).split(':')[0]).toBe(why);
  expect(timeAmong(asked, [DEBUG, MAIN], 3600)).toBe(seconds);
  expect(timeAmong({ ...asked, queue: 'main' }, [DEBUG, MAIN], 3600)).toBe(1200);
});

test('of the default partition, what that gives', () => {
  const own = limitOf('main', { default_time: '02:00:00', default: true });
  expect(timeAmong({ queue: null, walltime: null }, [DEBUG, own], 3600)).toBe(7200);
});

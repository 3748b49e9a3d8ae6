import { expect, test } from 'vitest';
import { DEFAULT_RETRY_ON } from '../job/retry.ts';
import { readRetry } from './retry.ts';

const jobspec = (retry: unknown): string => JSON.stringify({ version: 1, attributes: { rainbow: { retry } } });

test('what it says, with what is left out', () => {
  expect(readRetry(jobspec({ limit: 4 }))).toEqual({ limit: 4, on: DEFAULT_RETRY_ON, where: 'anywhere', delay: 10 });
  expect(readRetry(jobspec({ limit: 1, on: ['exit:3'], where: 'here', delay: 0 }))).toEqual({
    limit: 1,
    on: ['exit:3'],
    where: 'here',
    delay: 0,
  });
  expect(readRetry(jobspec({ limit: 1, on: 'exit:3,4' }))?.on).toEqual(['exit:3', 'exit:4']);
});

test('nothing where it says nothing, or never', () => {
  expect(readRetry('version: 1')).toBeNull();
  expect(readRetry('version: 1\nname: retry\nattributes: {rainbow: 5}')).toBeNull();
  expect(readRetry(jobspec({ limit: 0 }))).toBeNull();
});

test.each([
  [5, 'must be a map'],
  [{ on: ['exit'] }, '`limit` is missing'],
  [{ limit: -1 }, 'attributes.rainbow.retry.limit'],
  [{ limit: 1, on: ['sunday'] }, '"sunday"'],
  [{ limit: 1, wher: 'here' }, 'wher'],
])('%j is refused', (retry, message) => {
  expect(() => readRetry(jobspec(retry))).toThrow(message);
});

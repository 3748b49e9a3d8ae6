import { expect, test } from 'vitest';
import { DEFAULT_RETRY_ON, isRetried, retryDelay, retryPolicy, splitConditions } from './retry.ts';
import type { RetryPolicy } from './retry.ts';
import type { ReasonCode } from './state.ts';

const policy = (on: string, more: Partial<RetryPolicy> = {}): RetryPolicy =>
  retryPolicy({ limit: 3, where: '', delay: null, ...more, on: splitConditions(on) }, 'retry');
const failure = (code: ReasonCode, exitCode: number | null = null, signal: number | null = null) => ({
  reason: { code, message: '' },
  exitCode,
  signal,
});

test('a bare number belongs to the word before it', () => {
  expect(splitConditions('exit:1,137, node_failure,2,signal:9,15')).toEqual([
    'exit:1',
    'exit:137',
    'node_failure',
    'exit:2',
    'signal:9',
    'signal:15',
  ]);
});

test('conditions are what they say, and what nobody said is not retried', () => {
  const some = policy('exit:1,137,node_failure');
  expect(isRetried(some, failure('exit', 1))).toBe(true);
  expect(isRetried(some, failure('exit', 2))).toBe(false);
  expect(isRetried(some, failure('signal', 137, 9)), 'by its exit code').toBe(true);
  expect(isRetried(some, failure('node_failure'))).toBe(true);
  expect(isRetried(some, failure('time_limit', 137, 9)), 'a time limit is a time limit').toBe(false);
  expect(isRetried(policy('signal:9'), failure('signal', 137, 9))).toBe(true);
  expect(isRetried(policy('exit'), failure('signal', 137, 9))).toBe(false);
  expect(policy('').on).toEqual(DEFAULT_RETRY_ON);
  for (const code of ['user', 'deadline', 'never_fits', 'dependency'] as const) {
    expect(isRetried(policy(''), failure(code))).toBe(false);
  }
});

test('the delay doubles up to its bound', () => {
  const delays = [1, 2, 3, 7, 50].map((nth) => retryDelay(policy('exit', { delay: 30 }), nth));
  expect(delays).toEqual([30, 60, 120, 600, 600]);
  expect(retryDelay(policy('exit', { delay: 0 }), 9)).toBe(0);
  expect(retryDelay(policy('exit', { delay: 7200 }), 3)).toBe(7200);
});

test.each([
  ['exit:0', {}, 'exit codes of failures are 1 to 255'],
  ['exit:256', {}, 'exit codes'],
  ['signal:99', {}, 'signals are 1 to 64'],
  ['user', {}, '"user" is no failure to try again after'],
  ['exit', { limit: -1 }, 'retry.limit'],
  ['exit', { limit: 1.5 }, 'retry.limit'],
  ['exit', { where: 'mars' as never }, 'retry.where'],
  ['exit', { delay: Number.NaN }, 'retry.delay'],
])('%s %j is refused with its place', (on, more, message) => {
  expect(() => policy(on, more)).toThrow(message);
});

import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { stateOfArray } from './array-state.ts';
import { readArraySpec } from './array-spec.ts';

test.each([
  ['0-3', [0, 1, 2, 3], null],
  ['5', [5], null],
  ['0-9:4,20%3', [0, 4, 8, 20], 3],
  [' 3,1,2-3 ', [1, 2, 3], null],
] as const)('%s', (text, tasks, mostAtOnce) => {
  expect(readArraySpec(text, 'array', 100)).toMatchObject({ tasks, mostAtOnce });
});

test.each([
  ['', /list of indices/],
  ['a-b', /list of indices/],
  ['5-1', /backwards/],
  ['0-4:0', /step of 0/],
  ['0-4%0', /at once/],
  ['0-4%1%2', /at once/],
  ['0-4294967295', /indices go up to/],
  ['0-2147483647', /more than 100 tasks/],
  ['0-99,200-299', /more than 100 tasks/],
])('%s is refused, and says what is right', (text, message) => {
  expect(() => readArraySpec(text, 'array', 100)).toThrow(message);
});

test('whatever it is given, it answers or refuses, quickly', () => {
  const text = fc
    .array(fc.constantFrom('0', '9', '-', ',', ':', '%', '1000000000', ' ', 'x'))
    .map((parts) => parts.join(''));
  const outcome = (given: string): string => {
    try {
      const { tasks } = readArraySpec(given, 'array', 1000);
      const sorted = [...new Set(tasks)].sort((a, b) => a - b);
      return tasks.length > 0 && tasks.length <= 1000 && tasks.join() === sorted.join() ? 'right' : 'wrong';
    } catch (error) {
      return (error as { code?: string }).code === 'invalid_input' ? 'right' : 'wrong';
    }
  };
  const wrong = fc.sample(text, 500).filter((given) => outcome(given) !== 'right');
  expect(wrong).toEqual([]);
});

test('an array is as far as the furthest of its tasks that go on, then as bad as the worst', () => {
  expect(stateOfArray({ pending: 3, running: 1, failed: 1 })).toBe('running');
  expect(stateOfArray({ pending: 3, failed: 1 })).toBe('pending');
  expect(stateOfArray({ completed: 3, failed: 1, canceled: 2 })).toBe('failed');
  expect(stateOfArray({ completed: 3, canceled: 2 })).toBe('canceled');
  expect(stateOfArray({ completed: 3 })).toBe('completed');
});

import { expect, test } from 'vitest';
import { createOver } from './over.ts';

test('an attempt that ended while its write is awaited is known, and the ones after it are not', () => {
  const over = createOver<object>();
  const write = {};
  over.note('1', 1);
  over.opened(write);
  // It was over before that write began: not of what it begins.
  expect(over.has('1', 1)).toBe(false);
  over.note('1', 1);
  over.note('2', Infinity);
  over.note('3', 0);
  expect([over.has('1', 1), over.has('1', 2), over.has('2', 7), over.has('3', 1)]).toEqual([true, false, true, false]);
  // Told late of an earlier one.
  over.note('1', 3);
  over.note('1', 2);
  expect(over.has('1', 3)).toBe(true);
  over.closed(write);
  expect(over.size).toBe(0);
});

test('it keeps no more than what ended since the oldest write that is awaited began', () => {
  const over = createOver<object>();
  const writes = Array.from({ length: 1000 }, () => ({}));
  over.opened(writes[0]!);
  for (const [index, write] of writes.slice(1).entries()) {
    over.opened(write);
    over.note(String(index), 1);
    // There is always one that is awaited.
    over.closed(writes[index]!);
    expect(over.size).toBe(1);
  }
  over.closed(writes.at(-1)!);
  expect(over.size).toBe(0);
});

test('where one write is never answered it keeps the newest', () => {
  const over = createOver<object>(3);
  over.opened({});
  for (const id of ['1', '2', '3', '4']) over.note(id, 1);
  expect(['1', '2', '3', '4'].map((id) => over.has(id, 1))).toEqual([false, true, true, true]);
});

import { expect, test } from 'vitest';
import { OwnEvents } from './own-events.ts';

test('runs join where they touch; what lies between is somebody else’s', () => {
  const own = new OwnEvents();
  own.add(3, 5);
  own.add(6, 6);
  own.add(9, 10);
  expect([2, 3, 6, 7, 8, 9, 11].map((seq) => own.has(seq))).toEqual([false, true, true, false, false, true, false]);
  expect([0, 1, 2, 4, 6, 7, 8, 10].map((seq) => own.after(seq))).toEqual([0, 1, 6, 6, 6, 7, 10, 10]);
});

test('what is passed is forgotten, but not what goes beyond it', () => {
  const own = new OwnEvents();
  own.add(1, 4);
  own.add(6, 8);
  own.forget(7);
  expect(own.has(2)).toBe(false);
  expect(own.after(7)).toBe(8);
});

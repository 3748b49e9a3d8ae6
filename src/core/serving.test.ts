import { expect, test } from 'vitest';
import { whyNotServing } from './serving.ts';

const HOUR = 3_600_000;
const window = { from: 10 * HOUR, until: 12 * HOUR, reason: 'disks' };
const serving = { drained: null, windows: [window] };

test('a drained cluster takes nothing, and says why', () => {
  expect(whyNotServing({ drained: { reason: 'a leak' }, windows: [] }, 0, 1)).toBe('it is drained: a leak');
  expect(whyNotServing({ drained: { reason: '' }, windows: [] }, 0, 1)).toBe('it is drained');
});

test('a job ends before a window begins, or begins when it is over', () => {
  expect(whyNotServing(serving, 8 * HOUR, 7200)).toBeNull();
  expect(whyNotServing(serving, 8 * HOUR, 7201)).toBe(
    'with its time limit it would run into maintenance from 1970-01-01T10:00Z until 1970-01-01T12:00Z (disks)',
  );
  expect(whyNotServing(serving, 11 * HOUR, 1)).toMatch(/is under way$/);
  expect(whyNotServing(serving, 12 * HOUR, 86_400)).toBeNull();
});

/**
 * Delivery under faults. A fixed number of steps, always the same: a quarter of a minute of one core; `npm run soak`
 * takes seeds that nobody has tried before (RAINBOW_SEED repeats them), and many more steps.
 */
import { expect, test } from 'vitest';
import { describeFailure, simulate } from './simulate.ts';

const isLong = process.env['RAINBOW_SOAK'] !== undefined;
const STEPS = isLong ? 3_000_000 : 60_000;
const first = isLong ? Number(process.env['RAINBOW_SEED'] ?? 1) : 1;

/** What the lives seen so far went through, of all seeds. */
const seen = new Set<string>();

test.each([0, 100_000, 200_000])('holds whatever breaks, from seed %d on', { timeout: 1_800_000 }, async (offset) => {
  const done = await simulate({ seed: first + offset, steps: STEPS });
  expect(done.failure === null ? '' : describeFailure(done.failure)).toBe('');
  expect(done.steps).toBeGreaterThanOrEqual(STEPS);
  for (const way of Object.keys(done.seen)) seen.add(way);
});

test('and not by having avoided all trouble', () => {
  const ends = ['completed', 'failed', 'canceled', 'cluster_deleted', 'deadline', 'dependency', 'pruned'];
  const ways = ['back: retry', 'back: moved', 'back: left', 'back: not_held', 'of an array'];
  const due = [...ends, ...ways, '0 starts', '1 starts', '2 starts'];
  expect([...seen]).toEqual(expect.arrayContaining(due));
});

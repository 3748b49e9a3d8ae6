/** The simulation itself: it finds what is wrong, soon; and a seed gives the same trace, whenever it is lived. */
import { describe, expect, test } from 'vitest';
import { live } from './life.ts';
import { planOf } from './plan.ts';
import { PLANTED } from './planted.ts';
import { describeFailure, kindOf, simulate } from './simulate.ts';

/** Within so many steps. */
const SOON = 400_000;

describe('planted', () => {
  test.each(PLANTED)('$bug', { timeout: 300_000 }, async ({ breaks, seed, ports }) => {
    const { failure } = await simulate({ seed, steps: SOON, ports: ports(), shrinks: false });
    expect(breaks).toContain(kindOf(failure?.violation ?? 'nothing: not found'));
  });

  test('a failure says how to see it again, and what it needs of all that was done', { timeout: 300_000 }, async () => {
    const { ports } = PLANTED.find(({ bug }) => bug.startsWith('idempotency'))!;
    const { failure } = await simulate({ seed: 1, steps: SOON, ports: ports() });
    const { seed, needed, planned, violation } = failure!;
    expect(needed.length).toBeLessThan(planned / 4);
    const again = await live(seed, { ...planOf(seed), actions: needed }, ports());
    expect(kindOf(again.violation!)).toBe(kindOf(violation));
    const text = describeFailure(failure!);
    expect(text).toContain(`--seed ${seed}`);
    expect(text).toContain(`step ${failure!.step}`);
  });
});

test('the same seed gives the same trace, another gives another', { timeout: 120_000 }, async () => {
  const trace = async (seed: number): Promise<string> => (await live(seed, planOf(seed))).digest;
  const first = await trace(13);
  expect(await trace(17)).not.toBe(first);
  expect(await trace(13)).toBe(first);
});

import { expect, test } from 'vitest';
import { correctedTime } from './corrected.ts';
import { realSystem } from './real.ts';

/** A machine whose clock is `ahead` of the one that is asked; questions and answers take `way` each. */
function machine(ahead: number) {
  let passed = 0;
  const clock = { now: () => 1_000_000 + ahead + passed, monotonic: () => passed };
  const { system, ask } = correctedTime({ ...realSystem, clock });
  return {
    now: () => system.clock.now() - 1_000_000 - passed,
    ask: (there: number, back: number) =>
      ask(() => {
        passed += there;
        const time = 1_000_000 + passed;
        passed += back;
        return Promise.resolve(time);
      }),
  };
}

test('a clock that is wrong is corrected, up to what the way of the answer leaves open', async () => {
  for (const ahead of [3_600_000, -3_600_000, 700]) {
    const own = machine(ahead);
    await own.ask(10, 10);
    expect(Math.abs(own.now())).toBeLessThanOrEqual(20);
    await own.ask(0, 0);
    expect(own.now()).toBe(0);
  }
});

test('one that is right is left alone, however slow the answer', async () => {
  const own = machine(0);
  for (const [there, back] of [
    [0, 5_000],
    [5_000, 0],
    [3, 4],
  ] as const) {
    await own.ask(there, back);
    expect(own.now()).toBe(0);
  }
});

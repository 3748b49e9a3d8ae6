import { expect, test } from 'vitest';
import { simulatedSystem } from './simulated.ts';

test('timers fire in the order of their time, then of their making, each at its time', async () => {
  const system = simulatedSystem();
  const began = system.clock.now();
  const fired: string[] = [];
  const note = (name: string) => () => void fired.push(`${name}@${system.clock.now() - began}`);
  system.timers.after(20, note('late'));
  system.timers.after(10, note('first'));
  system.timers.after(10, note('second'));
  const every = system.timers.every(15, note('every'));
  await system.advance(31);
  expect(fired).toEqual(['first@10', 'second@10', 'every@15', 'late@20', 'every@30']);
  every.cancel();
  expect(system.pendingTimers()).toBe(0);
  expect(system.clock.now() - began).toBe(31);
});

test('between two timers, promises go on', async () => {
  const system = simulatedSystem();
  const seen: number[] = [];
  system.timers.after(1, () => {
    void (async () => {
      await Promise.resolve();
      await Promise.resolve();
      system.timers.after(1, () => void seen.push(system.clock.monotonic()));
    })();
  });
  await system.advance(10);
  expect(seen).toEqual([2]);
});

test('until stops at the first timer after which the condition holds, and says what never came', async () => {
  const system = simulatedSystem();
  let done = false;
  system.timers.after(500, () => (done = true));
  await system.until(() => done, 'done');
  expect(system.clock.monotonic()).toBe(500);
  await expect(system.until(() => false, 'the impossible')).rejects.toThrow('the impossible');
});

test('entropy replays from its seed', () => {
  const bytes = (seed: string) => [...simulatedSystem({ seed }).entropy.bytes(16)];
  expect(bytes('a')).toEqual(bytes('a'));
  expect(bytes('a')).not.toEqual(bytes('b'));
});

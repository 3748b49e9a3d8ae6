import { expect, test } from 'vitest';
import { realSystem } from '../system/real.ts';
import type { System } from '../system/system.ts';
import { createHolding, newEntry, withEnd } from './holding.ts';
import { memoryJournal } from './journal.ts';
import { silentLog } from './log.ts';
import { createReporter } from './report.ts';
import type { Runner } from './runners/runner.ts';
import { noHook } from './sentinels.ts';

test('an end whose files could not be removed is said again, and what is acknowledged then is forgotten', async () => {
  const key = { jobId: '1', epoch: 1 };
  const order = { ...key, name: '', owner: '', jobspec: '', walltime: 1, priority: 0 };
  const holding = createHolding(memoryJournal(), silentLog);
  const repeats: (() => void)[] = [];
  const system: System = {
    ...realSystem,
    timers: { ...realSystem.timers, every: (_ms, action) => (repeats.push(action), { cancel: () => undefined }) },
  };
  let forgets = 0;
  const runner: Pick<Runner, 'forget'> = {
    forget: async () => {
      if (++forgets === 1) throw new Error('no space left on device');
    },
  };
  const reporter = createReporter({
    holding,
    runner: runner as Runner,
    output: {
      connected: () => undefined,
      disconnected: () => undefined,
      acknowledged: () => undefined,
      follow: () => undefined,
      changed: () => undefined,
      isDrained: () => true,
      forget: () => undefined,
      close: () => undefined,
    },
    system,
    log: silentLog,
    reached: noHook,
    maxJobs: 1,
    isCollected: () => true,
    settled: () => undefined,
  });
  const end = { state: 'canceled', reason: { code: 'user', message: '' }, endedAt: 1 } as const;
  await holding.add(withEnd(newEntry(order, 'held'), end));
  const said: string[] = [];
  reporter.connected((message) => void (message.kind === 'report' && said.push(message.report.state)));
  await reporter.acknowledged(key, 'canceled');
  expect([forgets, holding.all().length]).toEqual([1, 1]);
  expect(said).toEqual(['canceled']);
  for (const repeat of repeats) repeat();
  await Promise.resolve();
  expect(said).toEqual(['canceled', 'canceled']);
  await reporter.acknowledged(key, 'canceled');
  expect([forgets, holding.all().length]).toEqual([2, 0]);
  // Nothing is left to be said.
  for (const repeat of repeats) repeat();
  await Promise.resolve();
  expect(said).toHaveLength(2);
});

import { setImmediate as nextTurn } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { realSystem } from '../system/real.ts';
import { createHolding } from './holding.ts';
import { memoryJournal } from './journal.ts';
import { silentLog } from './log.ts';
import { createReceiver } from './receive.ts';
import { keyText, type Order, type Runner } from './runners/runner.ts';
import { noHook } from './sentinels.ts';

const order = (jobId: string): Order => ({
  jobId,
  epoch: 1,
  name: '',
  owner: '',
  jobspec: '',
  walltime: 1,
  priority: 0,
});

/** `turns`: how many turns after the first one's `from` the second Start comes. What was submitted. */
async function submitted(turns: number, from: 'start' | 'submit'): Promise<readonly string[]> {
  const holding = createHolding(memoryJournal(), silentLog);
  const jobs: string[] = [];
  const { promise: mayAnswer, resolve: answer } = Promise.withResolvers<void>();
  const runner: Pick<Runner, 'find' | 'submit' | 'stop'> = {
    find: async () => [],
    submit: async (given) => {
      jobs.push(given.jobId);
      if (from === 'submit') await mayAnswer;
      return keyText(given);
    },
    stop: async () => undefined,
  };
  const receiver = createReceiver({
    holding,
    runner: runner as Runner,
    system: realSystem,
    log: silentLog,
    reached: noHook,
    prepared: (given) => given,
    repeat: () => undefined,
    deny: () => undefined,
  });
  receiver.start(order('1'));
  if (from === 'submit') {
    await nextTurn();
    answer();
  }
  for (let turn = 0; turn < turns; turn++) await Promise.resolve();
  receiver.start(order('2'));
  // Nothing here waits for a disk, a timer or a process: by then all is done that will be.
  await nextTurn();
  await receiver.close();
  return jobs;
}

test.each(['start', 'submit'] as const)(
  'a Start is taken, at whatever moment after another’s %s it comes',
  async (from) => {
    for (let turns = 0; turns < 80; turns++)
      expect([turns, ...(await submitted(turns, from))]).toEqual([turns, '1', '2']);
  },
);

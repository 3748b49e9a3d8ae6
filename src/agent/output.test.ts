import { expect, onTestFinished, test } from 'vitest';
import { realSystem } from '../system/real.ts';
import { until } from '../system/testing/until.ts';
import { createHolding, newEntry, withNative, type Holding } from './holding.ts';
import { memoryJournal } from './journal.ts';
import { silentLog } from './log.ts';
import { createOutputPump, defaultOutputLimits, type OutputPump } from './output.ts';
import type { JobKey, OutputRead, Runner } from './runners/runner.ts';

const key = (jobId: string): JobKey => ({ jobId, epoch: 1 });

/** A pump that is connected, and jobs 1, 2, … of which each has ended. `read`: how the runner answers. */
async function pumped(
  jobs: number,
  read: (jobId: string) => Promise<OutputRead>,
  more: { drained?: (key: JobKey) => void; warn?: (text: string) => void } = {},
): Promise<{ pump: OutputPump; holding: Holding }> {
  const holding = createHolding(memoryJournal(), silentLog);
  const runner: Pick<Runner, 'output'> = { output: ({ jobId }) => read(jobId) };
  const pump = createOutputPump({
    holding,
    runner: runner as Runner,
    system: realSystem,
    log: { ...silentLog, warn: (text) => more.warn?.(text) },
    limits: defaultOutputLimits,
    drained: more.drained ?? (() => undefined),
  });
  onTestFinished(() => pump.close());
  for (let id = 1; id <= jobs; id++) {
    const order = { ...key(String(id)), name: '', owner: '', jobspec: '', walltime: 1, priority: 0 };
    const end = { outcome: 'completed', reason: { code: 'exit', message: '' }, exitCode: 0, signal: null } as const;
    const status = { state: 'ended', acceptedAt: 1, startedAt: 1, endedAt: 2, end } as const;
    await holding.add(withNative(newEntry(order, 'held'), { ...key(String(id)), nativeId: 'n', order, status }));
  }
  pump.connected(() => undefined);
  return { pump, holding };
}

const NOTHING: OutputRead = { pieces: [], complete: true };

test('a job that is forgotten while another is read is not taken up again', async () => {
  const asked: string[] = [];
  const { promise: mayAnswer, resolve: answer } = Promise.withResolvers<void>();
  const { pump, holding } = await pumped(3, async (jobId) => {
    asked.push(jobId);
    if (jobId === '1') await mayAnswer;
    return NOTHING;
  });
  await until('the first is read', () => asked.length > 0);
  pump.forget(key('2'));
  await holding.remove(key('2'));
  answer();
  await until('the last is read', () => pump.isDrained(key('3')));
  expect(asked).toEqual(['1', '3']);
});

test('a job whose output cannot be read holds up no other’s, and that is said once', async () => {
  let tries = 0;
  const said: string[] = [];
  const { pump } = await pumped(
    2,
    async (jobId) => {
      if (jobId === '2') return NOTHING;
      if (++tries < 3) throw new Error('permission denied');
      return NOTHING;
    },
    { warn: (text) => said.push(text) },
  );
  await until('the other is read', () => pump.isDrained(key('2')));
  await until('this one is read', () => pump.isDrained(key('1')));
  expect(said).toEqual([expect.stringContaining('permission denied')]);
});

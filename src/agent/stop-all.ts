/**
 * The cluster was deleted under the agent: everything that it holds is stopped natively (as a cancel does it), seen to
 * its end, and forgotten. In this order: the stop is journaled → asked for natively → waited for → forgotten; so an
 * agent that is killed in between asks again at its next start (run.ts). What may still arrive in the native queue is
 * waited for likewise.
 * Nothing is reported: there is nobody to report to. The caller has closed the receiver, so nothing new is submitted.
 */
import type { Reason } from '../core/job/state.ts';
import type { System } from '../system/system.ts';
import type { Holding } from './holding.ts';
import { entryKey } from './journal.ts';
import { describe, type Log } from './log.ts';
import { isOver } from './messages.ts';
import { keyText, type NativeJob, type Runner } from './runners/runner.ts';
import { wait } from './wait.ts';

const LOOK_MS = 200;
/** A stop is asked for again after so many looks: a native queue may have lost the first. */
const ASK_EVERY = 50;

/** Looks at all that is asked for cost more: each so many looks. */
const UNSURE_EVERY = 5;

/**
 * `stopped`: native jobs that had not ended before, or may still arrive; `left`: of these, those that still run, or may,
 * because `signal` aborted.
 */
export async function stopAll(
  parts: {
    readonly holding: Holding;
    readonly runner: Runner;
    readonly system: System;
    readonly log: Log;
    readonly cluster: string;
  },
  signal: AbortSignal,
): Promise<{ readonly stopped: number; readonly left: number }> {
  const { holding, runner, system, log, cluster } = parts;
  const reason: Reason = { code: 'cluster_deleted', message: `cluster ${cluster} was deleted` };
  const stopped = new Set<string>();
  const saidUnsure = new Set<string>();
  let isBlind = false;
  const ask = async (native: NativeJob): Promise<void> => {
    try {
      await runner.stop(native, reason);
    } catch (error) {
      log.warn(`job ${keyText(native)}: could not be stopped yet: ${describe(error)}`);
    }
  };
  const alive = async (): Promise<readonly NativeJob[] | null> => {
    try {
      const natives = await runner.find();
      isBlind = false;
      return natives.filter((native) => native.status.state !== 'ended');
    } catch (error) {
      if (!isBlind) log.warn(`cluster ${cluster}: what runs there cannot be seen: ${describe(error)}; looking again`);
      isBlind = true;
      return null;
    }
  };

  // 1. Durable.
  const held = holding.all().filter((entry) => !isOver(entry.report.state));
  await Promise.all(
    held.map((entry) => holding.note(entryKey(entry), (now) => ({ ...now, stop: now.stop ?? reason }))),
  );

  // 2. Natively, until none is left, and none can come any more.
  const mayCome = runner.arrived === undefined ? [] : held.filter(({ step }) => step === 'intent');
  const unsure = new Map(mayCome.map((entry) => [keyText(entryKey(entry)), entryKey(entry)]));
  const settle = async (): Promise<void> => {
    for (const [text, key] of unsure) {
      try {
        await runner.stop(key, reason);
        if (await runner.arrived!(key)) stopped.add(text);
        unsure.delete(text);
      } catch (error) {
        if (!saidUnsure.has(text))
          log.warn(`job ${text}: not known yet whether it is in the queue: ${describe(error)}`);
        saidUnsure.add(text);
      }
    }
  };
  await settle();
  let left = await alive();
  const isDone = (): boolean => left !== null && left.length === 0 && unsure.size === 0;
  if (!isDone()) log.warn(`cluster ${cluster} was deleted: stopping what runs for it`);
  for (let look = 0; !isDone(); look++) {
    for (const native of left ?? []) {
      const isNew = !stopped.has(keyText(native));
      stopped.add(keyText(native));
      if (isNew || look % ASK_EVERY === 0) await ask(native);
    }
    if (signal.aborted) break;
    await wait(system, LOOK_MS, signal);
    if (look % UNSURE_EVERY === 0) await settle();
    left = await alive();
  }

  // 3. Forgotten, but for what has not ended: the next start stops that.
  for (const text of unsure.keys()) stopped.add(text);
  if (left === null) return { stopped: stopped.size, left: stopped.size };
  const still = new Set([...left.map(keyText), ...unsure.keys()]);
  for (const entry of holding.all()) {
    const key = entryKey(entry);
    if (still.has(keyText(key))) continue;
    await runner
      .forget(key)
      .catch((error: unknown) => log.warn(`job ${keyText(key)}: its files could not be removed: ${describe(error)}`));
    await holding.remove(key);
  }
  return { stopped: stopped.size, left: still.size };
}

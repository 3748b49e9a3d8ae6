/**
 * The cluster was deleted under the agent: everything that it holds is stopped natively (as a cancel does it), seen to
 * its end, and forgotten. In this order: the stop is journaled → asked for natively → waited for → forgotten; so an
 * agent that is killed in between asks again at its next start (run.ts).
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

/** `stopped`: native jobs that had not ended before; `left`: of these, those that still run because `signal` aborted. */
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

  // 2. Natively, until none is left.
  let left = await alive();
  if (left === null || left.length > 0) log.warn(`cluster ${cluster} was deleted: stopping what runs for it`);
  for (let look = 0; left === null || left.length > 0; look++) {
    for (const native of left ?? []) {
      const isNew = !stopped.has(keyText(native));
      stopped.add(keyText(native));
      if (isNew || look % ASK_EVERY === 0) await ask(native);
    }
    if (signal.aborted) break;
    await wait(system, LOOK_MS, signal);
    left = await alive();
  }

  // 3. Forgotten, but for what has not ended: the next start stops that.
  if (left === null) return { stopped: stopped.size, left: stopped.size };
  const still = new Set(left.map(keyText));
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

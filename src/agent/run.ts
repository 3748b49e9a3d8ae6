/**
 * Run: follows native jobs to their end, and after a restart makes journal and native queue agree again. What the
 * native side says is taken as it stands; every change is journaled and then reported.
 */
import type { System } from '../system/system.ts';
import { newEntry, withEnd, withNative, type Holding } from './holding.ts';
import { entryKey } from './journal.ts';
import { describe, type Log } from './log.ts';
import { isOver } from './messages.ts';
import { orderOf } from './receive.ts';
import { keyText, type NativeJob, type Runner } from './runners/runner.ts';
import type { ReachedHook } from './sentinels.ts';

export interface RunParts {
  readonly holding: Holding;
  readonly runner: Runner;
  readonly system: System;
  readonly log: Log;
  readonly reached: ReachedHook;
}

/** Before the first Hello. Afterwards every native job is held, and every entry is true. */
export async function reconcile({ holding, runner, system, log }: RunParts): Promise<void> {
  const natives = new Map((await runner.find()).map((native) => [keyText(native), native]));
  // 1. What is native and not in the journal is held all the same: it may be running.
  for (const native of natives.values()) {
    const { jobId, epoch } = native;
    if (holding.get(native) === null) {
      log.warn(
        `job ${keyText(native)}: found natively as ${native.nativeId}, not in the journal; it is held from now on`,
      );
      await holding.add(newEntry(native.order ?? orderOf({ jobId, epoch }), 'held'));
    }
    await holding.update(native, (entry) => withNative(entry, native));
  }
  for (const entry of holding.all()) {
    const key = entryKey(entry);
    if (isOver(entry.report.state)) continue;
    const native = natives.get(keyText(key));
    // 2. What was in the native queue and is not there any more.
    if (native === undefined && entry.step === 'held') {
      const message = `${entry.report.nativeId || 'the native job'} is gone from the cluster's own queue`;
      const endedAt = system.clock.now();
      await holding.update(key, (now) =>
        withEnd(now, { state: 'failed', reason: { code: 'native', message }, endedAt }),
      );
    }
    // 3. A stop that may not have got through.
    if (native !== undefined && entry.stop !== null) await runner.stop(key, entry.stop);
  }
}

/** Calls `ended` after the end of a job is journaled. Returns how to stop following. */
export function follow(parts: RunParts, ended: (native: NativeJob) => void): () => void {
  const { holding, runner, log, reached } = parts;
  const on = async (native: NativeJob): Promise<void> => {
    const over = native.status.state === 'ended';
    const entry = holding.get(native);
    if (entry === null || isOver(entry.report.state)) return;
    if (over) await reached('beforeEnd', native);
    await holding.note(native, (now) => withNative(now, native));
    if (!over) return;
    await reached('afterEnd', native);
    ended(native);
  };
  return runner.watch((native) => {
    on(native).catch((error: unknown) => log.warn(`job ${keyText(native)}: ${describe(error)}`));
  });
}

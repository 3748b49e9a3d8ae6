/**
 * Report: tells the server how each job stands, until it is acknowledged. Level-triggered: a report says all that is
 * known, so the newest alone counts, and saying it again is harmless. After the acknowledgement of an end the native
 * record, the files and the journal's entry go, in that order: a crash in between only means to say it once more.
 */
import type { Reason } from '../core/job/state.ts';
import type { System, Timer } from '../system/system.ts';
import { newEntry, withEnd, type Holding } from './holding.ts';
import { entryKey, type Entry } from './journal.ts';
import { describe, type Log } from './log.ts';
import { isOver, type Report, type ReportState, type ToServer } from './messages.ts';
import type { OutputPump } from './output.ts';
import { orderOf } from './receive.ts';
import { keyText, type JobKey, type Runner } from './runners/runner.ts';
import type { ReachedHook } from './sentinels.ts';

export type Send = (message: ToServer, key?: string) => void;

export interface Reporter {
  /** For Hello: everything that is held. What is said there counts as told once `connected` is called. */
  holds(): readonly Report[];
  /** How many more jobs may be in the native queue. */
  capacity(): number;
  /** Says how much room there is, where that is not what was said last. */
  sayCapacity(): void;
  connected(send: Send): void;
  disconnected(): void;
  changed(key: JobKey): void;
  /** Say it again, though nothing changed. */
  repeat(key: JobKey): void;
  deny(key: JobKey, reason: Reason): void;
  acknowledged(key: JobKey, state: ReportState): Promise<void>;
  close(): void;
}

/** A report that is not acknowledged is said again. */
const REPEAT_MS = 15_000;
/** Why a job waits may change with each look of its cluster's scheduler: said so often at most. */
const REASON_EVERY_MS = 30_000;

export function createReporter(parts: {
  readonly holding: Holding;
  readonly runner: Runner;
  readonly output: OutputPump;
  readonly system: System;
  readonly log: Log;
  readonly reached: ReachedHook;
  readonly maxJobs: number;
  /** What it left behind is with the server, or cannot be. */
  readonly isCollected: (entry: Entry) => boolean;
  /** A job's resources may have become free, or taken. */
  readonly settled: () => void;
}): Reporter {
  const { holding, runner, output, system, log, reached } = parts;
  /** What was said last on this stream, by job. */
  const told = new Map<string, string>();
  const unacknowledged = new Map<string, JobKey>();
  const changed = new Map<string, JobKey>();
  const denied = new Map<string, Report>();
  const settling = new Set<string>();
  /** When a reason alone was said last, monotonic, and what waits to be said after that. */
  const reasonSaidAt = new Map<string, number>();
  const later = new Map<string, Timer>();
  let send: Send | null = null;
  let toldCapacity = -1;
  let planned = false;
  let repeating: Timer | null = null;

  const capacity = (): number => Math.max(0, parts.maxJobs - holding.count());

  /** An end waits until the output before it is with the server, and what it left behind. */
  const sayable = (entry: Entry): Report => {
    const { report } = entry;
    if (!isOver(report.state)) return report;
    const isDrained = report.startedAt === null || output.isDrained(entryKey(entry));
    if (isDrained && parts.isCollected(entry)) return report;
    const [state, code] = report.startedAt === null ? ['accepted', 'in_native_queue'] : ['running', 'started'];
    const reason = { code, message: '' } as Reason;
    return { ...report, state: state as ReportState, reason, endedAt: null, exitCode: null, signal: null };
  };

  const flush = (): void => {
    planned = false;
    if (send === null) return;
    for (const [text, key] of changed) {
      changed.delete(text);
      const entry = holding.get(key);
      const report = entry === null ? denied.get(text) : sayable(entry);
      if (report === undefined) {
        told.delete(text);
        unacknowledged.delete(text);
        continue;
      }
      const now = JSON.stringify(report);
      if (told.get(text) === now) continue;
      if (isTooSoon(text, report)) continue;
      // Capacity first: an acceptance frees a place at the server, and it must not fill it with what we cannot take.
      sayCapacity();
      told.set(text, now);
      unacknowledged.set(text, key);
      send({ kind: 'report', report }, `report ${text}`);
    }
    sayCapacity();
  };

  /** Of a report that says another reason for waiting, and nothing else: then it is said later. */
  const isTooSoon = (text: string, report: Report): boolean => {
    later.get(text)?.cancel();
    later.delete(text);
    const before = told.get(text);
    if (report.state !== 'accepted' || before === undefined) return false;
    if (besideReason(JSON.parse(before) as Report) !== besideReason(report)) return false;
    const now = system.clock.monotonic();
    const wait = (reasonSaidAt.get(text) ?? -Infinity) + REASON_EVERY_MS - now;
    if (wait > 0) {
      const { jobId, epoch } = report;
      later.set(
        text,
        system.timers.after(wait, () => plan({ jobId, epoch })),
      );
      return true;
    }
    reasonSaidAt.set(text, now);
    return false;
  };

  const sayCapacity = (): void => {
    const now = capacity();
    if (now === toldCapacity || send === null) return;
    toldCapacity = now;
    send({ kind: 'heartbeat', at: system.clock.now(), capacity: now }, 'heartbeat');
  };

  const plan = (key: JobKey): void => {
    const { jobId, epoch } = key;
    changed.set(keyText(key), { jobId, epoch });
    if (planned || send === null) return;
    planned = true;
    // What changes together is said together.
    queueMicrotask(flush);
  };

  const repeat = (key: JobKey): void => {
    told.delete(keyText(key));
    plan(key);
  };

  const settle = async (key: JobKey): Promise<void> => {
    const text = keyText(key);
    if (settling.has(text)) return;
    settling.add(text);
    try {
      reasonSaidAt.delete(text);
      await reached('beforeForget', key);
      await runner.forget(key);
      await reached('afterForgotten', key);
      output.forget(key);
      await holding.remove(key);
      await reached('afterRemoved', key);
    } catch (error) {
      // Said again, it is acknowledged again, and this tried again.
      unacknowledged.set(text, key);
      log.warn(`job ${text}: its files could not be removed yet: ${describe(error)}`);
    } finally {
      settling.delete(text);
      parts.settled();
    }
  };

  return {
    holds() {
      told.clear();
      unacknowledged.clear();
      const reports = holding.all().map(sayable);
      for (const report of reports) {
        told.set(keyText(report), JSON.stringify(report));
        unacknowledged.set(keyText(report), { jobId: report.jobId, epoch: report.epoch });
      }
      toldCapacity = capacity();
      return reports;
    },
    capacity,
    sayCapacity,
    connected(to) {
      send = to;
      for (const entry of holding.all()) changed.set(keyText(entryKey(entry)), entryKey(entry));
      for (const [text, report] of denied) changed.set(text, report);
      flush();
      repeating?.cancel();
      repeating = system.timers.every(REPEAT_MS, () => {
        for (const key of unacknowledged.values()) repeat(key);
      });
    },
    disconnected() {
      send = null;
      for (const timer of later.values()) timer.cancel();
      later.clear();
      repeating?.cancel();
      repeating = null;
    },
    changed: plan,
    repeat,
    deny(key, reason) {
      const { report } = withEnd(newEntry(orderOf(key), 'received'), {
        state: 'canceled',
        reason,
        endedAt: system.clock.now(),
      });
      denied.set(keyText(key), report);
      repeat(key);
    },
    async acknowledged(key, state) {
      const text = keyText(key);
      const entry = holding.get(key);
      if (entry === null) {
        if (isOver(state)) denied.delete(text);
        unacknowledged.delete(text);
        return;
      }
      if (sayable(entry).state !== state) return;
      unacknowledged.delete(text);
      if (isOver(state)) await settle(key);
    },
    close() {
      this.disconnected();
    },
  };
}

function besideReason(report: Report): string {
  return JSON.stringify({ ...report, reason: null });
}

/**
 * What the agent holds: the journal's entries in memory, changed only here. An entry is held once it is durable; a
 * change counts at once and is journaled in the order of changes, so that nothing else has to wait for the disk
 * unless it says so.
 */
import { describe, type Log } from './log.ts';
import { isOver, type Report } from './messages.ts';
import { entryKey, type Entry, type Journal } from './journal.ts';
import { keyText, type JobKey, type NativeJob, type Order } from './runners/runner.ts';

export interface Holding {
  load(): Promise<void>;
  get(key: JobKey): Entry | null;
  all(): readonly Entry[];
  ofJob(jobId: string): readonly Entry[];
  /** Held when it resolves, and told to nobody before. */
  add(entry: Entry): Promise<void>;
  /** Durable when it resolves. No change where it is not held (any more), or where `change` answers the same. */
  update(key: JobKey, change: (entry: Entry) => Entry): Promise<void>;
  /** As `update`; a failing disk is only logged: what is lost is found again by looking at the native job. */
  note(key: JobKey, change: (entry: Entry) => Entry): Promise<void>;
  remove(key: JobKey): Promise<void>;
  /** Called after every change of an entry. */
  onChange(listener: (key: JobKey) => void): void;
  /** In the native queue, or running. */
  count(): number;
}

export function createHolding(journal: Journal, log: Log): Holding {
  const entries = new Map<string, Entry>();
  const byJob = new Map<string, Set<string>>();
  const listeners: ((key: JobKey) => void)[] = [];
  /** Forgotten here, and still in the journal: the disk failed. Tried again with what is written next. */
  const leftover = new Map<string, JobKey>();

  const removeEntry = async (key: JobKey): Promise<void> => {
    const text = keyText(key);
    leftover.delete(text);
    await journal.remove(key).catch((error: unknown) => {
      leftover.set(text, key);
      log.warn(`job ${text}: ${describe(error)}`);
    });
  };
  /** Also what a failing disk left there. */
  const put = async (entry: Entry): Promise<void> => {
    await journal.put(entry);
    leftover.delete(keyText(entryKey(entry)));
    for (const key of leftover.values()) void removeEntry(key);
  };

  const changed = (key: JobKey): void => {
    for (const listener of listeners) listener(key);
  };
  const set = (entry: Entry): void => {
    const key = entryKey(entry);
    entries.set(keyText(key), entry);
    const attempts = byJob.get(key.jobId) ?? new Set();
    byJob.set(key.jobId, attempts.add(keyText(key)));
    changed(key);
  };
  const update = async (key: JobKey, change: (entry: Entry) => Entry): Promise<void> => {
    const entry = entries.get(keyText(key));
    if (entry === undefined) return;
    const next = change(entry);
    if (next === entry) return;
    set(next);
    await put(next);
  };

  return {
    async load() {
      for (const entry of await journal.entries()) set(entry);
    },
    get: (key) => entries.get(keyText(key)) ?? null,
    all: () => [...entries.values()],
    ofJob: (jobId) => [...(byJob.get(jobId) ?? [])].map((text) => entries.get(text)!),
    async add(entry) {
      await put(entry);
      set(entry);
    },
    update,
    async note(key, change) {
      try {
        await update(key, change);
      } catch (error) {
        log.warn(`job ${keyText(key)}: ${describe(error)}`);
      }
    },
    async remove(key) {
      const text = keyText(key);
      if (!entries.delete(text)) return;
      const attempts = byJob.get(key.jobId);
      attempts?.delete(text);
      if (attempts?.size === 0) byJob.delete(key.jobId);
      await removeEntry(key);
      changed(key);
    },
    onChange: (listener) => void listeners.push(listener),
    count: () => [...entries.values()].filter((entry) => entry.step === 'held' && !isOver(entry.report.state)).length,
  };
}

export function newEntry(order: Order, step: Entry['step']): Entry {
  return {
    order,
    step,
    stop: null,
    report: {
      jobId: order.jobId,
      epoch: order.epoch,
      state: 'received',
      reason: { code: 'leased', message: '' },
      nativeId: '',
      acceptedAt: null,
      startedAt: null,
      endedAt: null,
      exitCode: null,
      signal: null,
    },
  };
}

const RANK = { received: 0, accepted: 1, running: 2 } as const;

/** What is now known, from how the native job stands. Never backwards; an end stays. */
export function withNative(entry: Entry, native: NativeJob): Entry {
  const { report } = entry;
  const { status } = native;
  const before = report.state;
  if (isOver(before)) return entry;
  const facts = {
    nativeId: native.nativeId,
    acceptedAt: status.acceptedAt ?? report.acceptedAt,
    startedAt: status.startedAt ?? report.startedAt,
  };
  let next: Report;
  if (status.state === 'ended' && status.end !== null) {
    const { outcome, reason, exitCode, signal } = status.end;
    // Taken out of the queue so that another cluster may have it: the server gets it back.
    const state = outcome === 'canceled' && reason.code === 'moved' ? 'pending' : outcome;
    next = { ...report, ...facts, state, reason, exitCode, signal, endedAt: status.endedAt };
  } else {
    const state = status.state === 'running' ? 'running' : 'accepted';
    if (before in RANK && RANK[before as keyof typeof RANK] > RANK[state]) return entry;
    const code = state === 'running' ? 'started' : 'in_native_queue';
    next = { ...report, ...facts, state, reason: { code, message: status.waitsFor ?? '' } };
  }
  if (entry.step === 'held' && JSON.stringify(next) === JSON.stringify(report)) return entry;
  return { ...entry, step: 'held', report: next };
}

/** It ended without a native job. */
export function withEnd(entry: Entry, end: Pick<Report, 'state' | 'reason' | 'endedAt'>): Entry {
  return isOver(entry.report.state) ? entry : { ...entry, report: { ...entry.report, ...end } };
}

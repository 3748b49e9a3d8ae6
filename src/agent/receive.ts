/**
 * Receive: from the server's Start to a native job, once, whatever happens in between. In this order:
 * journal (received) → look for a native job with that id, any epoch → journal (intent) → submit → journal (held).
 * Invariants: nothing is submitted that a later Hello would not mention; nothing is submitted while a native job with
 * that id exists, or may still arrive from what was asked for before; a Start from a stream that has ended and that was not journaled yet is dropped, because the next
 * Hello has told the server that it is not held.
 */
import { RainbowError } from '../core/errors.ts';
import type { Reason } from '../core/job/state.ts';
import type { System, Timer } from '../system/system.ts';
import { newEntry, withEnd, withNative, type Holding } from './holding.ts';
import { entryKey, type Entry } from './journal.ts';
import { describe, type Log } from './log.ts';
import { isOver } from './messages.ts';
import { keyText, type JobKey, type NativeJob, type Order, type Runner } from './runners/runner.ts';
import type { ReachedHook } from './sentinels.ts';

export interface Receiver {
  /**
   * After a restart: what is journaled and not submitted waits until the server has confirmed that it is still
   * wanted here. Its owner may have had it moved while this agent was away.
   */
  resume(): void;
  /** The server has acknowledged that this job is held. */
  confirmed(key: JobKey): void;
  start(order: Order): void;
  stop(key: JobKey, reason: Reason): void;
  /** Gives it back where it has not started; a job that has is left alone. */
  withdraw(key: JobKey, message: string): void;
  /** The stream ended: what is not journaled is dropped. Resolves when nothing is being journaled. */
  streamEnded(): Promise<void>;
  /** The native job with this key has ended, or is gone: what waits for that may go on. */
  again(): void;
  /** Resolves when nothing is under way; nothing more is taken. */
  close(): Promise<void>;
}

export interface ReceiveParts {
  readonly holding: Holding;
  readonly runner: Runner;
  readonly system: System;
  readonly log: Log;
  readonly reached: ReachedHook;
  /** The order with its files in place; null: they are on their way, and `again` is called. Throws RainbowError. */
  readonly prepared: (order: Order) => Order | null;
  /** How this job stands is to be said again. */
  readonly repeat: (key: JobKey) => void;
  /** The server is to be told of a job that is not held (any more). */
  readonly deny: (key: JobKey, reason: Reason) => void;
}

const FIRST_RETRY_MS = 250;
const LAST_RETRY_MS = 30_000;

export function createReceiver(parts: ReceiveParts): Receiver {
  const { holding, runner, system, log, reached } = parts;
  /** Come, not journaled. */
  const arrived = new Map<string, { readonly order: Order; stop: Reason | null }>();
  /** Journaled by an agent before this one, not confirmed by the server yet. */
  const unconfirmed = new Map<string, JobKey>();
  /** Journaled, to be submitted. */
  const ready = new Map<string, JobKey>();
  let journaling: Promise<void> | null = null;
  let working: Promise<void> | null = null;
  let again = false;
  let retry: { timer: Timer; ms: number } | null = null;
  let retryMs = FIRST_RETRY_MS;
  let closed = false;

  // ── 1. received ───────────────────────────────────────────────────────────────────────────────────────────

  function start(order: Order): void {
    const text = keyText(order);
    if (closed || arrived.has(text)) return;
    if (holding.get(order) !== null) return parts.repeat(order);
    const newer = holding.ofJob(order.jobId).find((entry) => entry.order.epoch > order.epoch);
    if (newer !== undefined) {
      log.warn(`job ${text}: refused, epoch ${newer.order.epoch} of it is held`);
      return parts.repeat(entryKey(newer));
    }
    arrived.set(text, { order, stop: null });
    journal();
  }

  function journal(): void {
    journaling ??= journalArrived().finally(() => {
      journaling = null;
      // Come between the last look and now.
      if (arrived.size > 0) journal();
    });
  }

  async function journaled(): Promise<void> {
    await journaling;
    if (journaling !== null) await journaled();
  }

  async function journalArrived(): Promise<void> {
    // Starts that came together share a commit.
    await Promise.resolve();
    while (arrived.size > 0) {
      const batch = [...arrived];
      await Promise.all(
        batch.map(async ([text, come]) => {
          try {
            await reached('beforeReceived', come.order);
            if (arrived.get(text) !== come) return;
            await holding.add(newEntry(come.order, 'received'));
            arrived.delete(text);
            if (come.stop !== null) await holding.update(come.order, (entry) => ({ ...entry, stop: come.stop }));
            await reached('afterReceived', come.order);
            ready.set(text, come.order);
          } catch (error) {
            // Not held: the server starts it again, or gets it back with the next Hello.
            arrived.delete(text);
            log.warn(`job ${text}: not taken: ${describe(error)}`);
          }
        }),
      );
      work();
    }
  }

  // ── 2. to a native job ────────────────────────────────────────────────────────────────────────────────────

  function work(): void {
    again = true;
    if (closed) return;
    working ??= (async () => {
      while (isWanted()) await submitReady();
    })()
      .catch((error: unknown) => {
        log.warn(`submitting: ${describe(error)}`);
        later();
      })
      .finally(() => {
        working = null;
        // Asked for between the last look and now.
        if (again) work();
      });
  }

  /** Asked for since the last look, and not closed. */
  function isWanted(): boolean {
    const wanted = again && !closed;
    again = false;
    return wanted;
  }

  function later(): void {
    if (retry !== null || closed) return;
    const timer = system.timers.after(retryMs, () => {
      retry = null;
      work();
    });
    retry = { timer, ms: retryMs };
    retryMs = Math.min(retryMs * 2, LAST_RETRY_MS);
  }

  async function submitReady(): Promise<void> {
    if (ready.size === 0) return;
    // What becomes ready meanwhile waits for the next look at the native jobs.
    const batch = Array.from(ready);
    const natives = await runner.find();
    for (const [text, key] of batch) {
      if (closed) return;
      const entry = holding.get(key);
      if (entry === null || isOver(entry.report.state)) {
        ready.delete(text);
        continue;
      }
      // A newer epoch of it is held: this one is never to be submitted; that one stops what is native of it.
      if (holding.ofJob(key.jobId).some((other) => other.order.epoch > key.epoch)) {
        ready.delete(text);
        if (entry.step === 'received') await holding.remove(key);
        continue;
      }
      const outcome = await submitOne(entry, natives);
      if (outcome === 'done') {
        ready.delete(text);
        retryMs = FIRST_RETRY_MS;
      } else if (outcome === 'later') {
        later();
      }
    }
  }

  async function submitOne(entry: Entry, natives: readonly NativeJob[]): Promise<'done' | 'later' | 'waits'> {
    const key = entryKey(entry);
    const text = keyText(key);
    // 1. Is there a native job of this id already, of any epoch?
    for (const native of natives.filter((each) => each.jobId === key.jobId)) {
      if (native.epoch === key.epoch) {
        log.info(`job ${text}: adopted, it is ${native.status.state} as ${native.nativeId}`);
        await holding.note(key, (now) => withNative(now, native));
        await stopIfAsked(key);
        return 'done';
      }
      if (native.epoch > key.epoch) {
        const message = `epoch ${native.epoch} of it is here`;
        await holding.note(key, (now) =>
          withEnd(now, { state: 'pending', reason: { code: 'refused', message }, endedAt: null }),
        );
        return 'done';
      }
      if (native.status.state !== 'ended') {
        await runner.stop(native, { code: 'moved', message: `epoch ${key.epoch} takes its place` });
        return 'later';
      }
      // The server has gone on to a newer epoch: nobody waits for this one's end.
      await holding.remove(native);
      await runner.forget(native);
    }
    for (const old of holding.ofJob(key.jobId)) {
      if (old.order.epoch >= key.epoch) continue;
      const reason: Reason = { code: 'moved', message: `epoch ${key.epoch} takes its place` };
      const coming = await mayStillCome({ ...old, stop: old.stop ?? reason });
      if (coming !== null) return coming;
      await holding.remove(entryKey(old));
      await runner.forget(entryKey(old));
    }
    const coming = await mayStillCome(holding.get(key) ?? entry);
    if (coming !== null) return coming;

    // 2. Not wanted any more, and nothing native exists.
    const current = holding.get(key);
    if (current === null) return 'done';
    if (current.stop !== null) {
      const reason = current.stop;
      const endedAt = system.clock.now();
      await holding.note(key, (now) => withEnd(now, { state: 'canceled', reason, endedAt }));
      return 'done';
    }

    // 3. Its files.
    let order: Order | null;
    try {
      order = parts.prepared(entry.order);
    } catch (error) {
      if (!(error instanceof RainbowError)) throw error;
      await holding.note(key, (now) => withEnd(now, refusal(error, system.clock.now())));
      return 'done';
    }
    if (order === null) return 'waits';

    // 4. Submit.
    await reached('beforeIntent', key);
    try {
      await holding.update(key, (now) => ({ ...now, step: 'intent' }));
    } catch (error) {
      log.warn(`job ${text}: waits: ${describe(error)}`);
      return 'later';
    }
    await reached('beforeSubmit', key);
    let nativeId: string;
    try {
      nativeId = await runner.submit(order);
    } catch (error) {
      if (error instanceof RainbowError && error.code !== 'unavailable') {
        await holding.note(key, (now) => withEnd(now, refusal(error, system.clock.now())));
        return 'done';
      }
      log.warn(`job ${text}: could not be submitted, trying again: ${describe(error)}`);
      return 'later';
    }
    await reached('afterSubmit', key);
    const status = {
      state: 'accepted',
      acceptedAt: system.clock.now(),
      startedAt: null,
      endedAt: null,
      end: null,
    } as const;
    // `watch` may have told more meanwhile; what is known never goes backwards.
    await holding.note(key, (now) =>
      now.step === 'held' ? now : withNative(now, { ...key, nativeId, status, order: entry.order }),
    );
    await reached('afterHeld', key);
    await stopIfAsked(key);
    return 'done';
  }

  /**
   * An agent before this one, or an earlier try, may have asked for it with a command that still runs. Until it is known
   * what became of that, nothing is said of the job, and nothing else is done. Null: nothing came of it, or ever will.
   */
  async function mayStillCome(entry: Entry): Promise<'later' | 'waits' | null> {
    if (entry.step !== 'intent' || runner.arrived === undefined) return null;
    const key = entryKey(entry);
    try {
      // What comes from now on is stopped, also where this agent is not there to see it.
      if (entry.stop !== null) await runner.stop(key, entry.stop);
      if (!(await runner.arrived(key))) return null;
    } catch (error) {
      log.warn(`job ${keyText(key)}: not known yet whether it is in the cluster's queue: ${describe(error)}`);
      return 'later';
    }
    // It came after the native jobs were looked at.
    work();
    return 'waits';
  }

  async function stopIfAsked(key: JobKey): Promise<void> {
    const entry = holding.get(key);
    if (entry === null || entry.stop === null || isOver(entry.report.state)) return;
    await runner.stop(key, entry.stop);
  }

  // ── stop ──────────────────────────────────────────────────────────────────────────────────────────────────

  function stop(key: JobKey, reason: Reason): void {
    const text = keyText(key);
    const come = arrived.get(text);
    if (come !== undefined) {
      come.stop ??= reason;
      return;
    }
    void (async () => {
      const isNew = holding.get(key)?.stop?.code !== reason.code;
      if (holding.get(key) === null) {
        // Never taken, or forgotten after its end: what may be there natively is stopped, and the server told.
        const native = (await runner.find()).find((each) => keyText(each) === text);
        if (native === undefined || native.status.state === 'ended') return parts.deny(key, reason);
        await holding.add({ ...newEntry(native.order ?? orderOf(key), 'held'), stop: reason });
        await holding.note(key, (entry) => withNative(entry, native));
      }
      const entry = holding.get(key);
      if (entry === null) return;
      if (isOver(entry.report.state)) return parts.repeat(key);
      // Nobody asked for it who could tell: the owner may not find the job any more.
      if (isNew && reason.code === 'moved') {
        log.warn(`job ${text}: stopped, the server does not want it here any more: ${reason.message}`);
      }
      await holding.note(key, (now) => ({ ...now, stop: now.stop ?? reason }));
      if (entry.step !== 'held') {
        // Where it is being submitted, that is seen right after.
        unconfirmed.delete(text);
        ready.set(text, key);
        return work();
      }
      await runner.stop(key, reason);
    })().catch((error: unknown) => log.warn(`job ${text}: could not be stopped yet: ${describe(error)}`));
  }

  function withdraw(key: JobKey, message: string): void {
    const entry = holding.get(key);
    // What is just being taken is asked for again, if it is still wanted elsewhere then.
    if (entry === null || entry.step !== 'held' || entry.report.state !== 'accepted') return;
    runner
      .withdraw?.(key, { code: 'moved', message })
      .catch((error: unknown) => log.warn(`job ${keyText(key)}: could not be taken back: ${describe(error)}`));
  }

  return {
    withdraw,
    resume() {
      for (const entry of holding.all()) {
        const key = entryKey(entry);
        if (entry.step !== 'held' && !isOver(entry.report.state)) unconfirmed.set(keyText(key), key);
      }
    },
    confirmed(key) {
      const text = keyText(key);
      const mine = unconfirmed.get(text);
      if (mine === undefined) return;
      unconfirmed.delete(text);
      ready.set(text, mine);
      work();
    },
    start,
    stop,
    async streamEnded() {
      arrived.clear();
      await journaling;
    },
    again: () => {
      if (ready.size > 0) work();
    },
    async close() {
      closed = true;
      retry?.timer.cancel();
      await journaled();
      await working;
    },
  };
}

/** A jobspec that no cluster could run ends the job; what only this cluster will not take goes back. */
function refusal(error: RainbowError, now: number): Parameters<typeof withEnd>[1] {
  const wrong = error.code === 'invalid_input' || error.code === 'unimplemented' || error.code === 'resource_exhausted';
  return wrong
    ? { state: 'failed', reason: { code: 'cannot_start', message: error.message }, endedAt: now }
    : { state: 'pending', reason: { code: 'refused', message: error.message }, endedAt: null };
}

export function orderOf(key: JobKey): Order {
  return { ...key, name: '', owner: '', jobspec: '', walltime: 0, priority: 0 };
}

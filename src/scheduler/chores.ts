/**
 * What has to be done for jobs besides deciding on them, each round in this order: times that have come or passed,
 * dependencies that have ended, arrays that are canceled, what ended too long ago. Everything is found in the store, so
 * a crash at any point loses none of it. A round runs every second; never two at once. Of several servers the first
 * that is alive does the rounds; the others only what they are woken for, since it happened there. That saves work: every
 * write is conditional, and two that do the same at once do no harm.
 */
import type { Store } from '../store/store.ts';
import type { System, Timer } from '../system/system.ts';
import { keepDeadlines } from './deadlines.ts';
import type { Log } from './log.ts';
import type { Moves } from './moves.ts';
import { pruneEnded } from './retention.ts';
import type { SchedulerSettings } from './settings.ts';

/** Jobs settled, or tasks canceled, in one transaction: others' writes get their turn in between. */
const BATCH = 500;
/** Arrays looked at in a round. */
const ARRAYS = 100;
/** Lists and contents of files that are dropped in one transaction. */
const FILES = 20;
/** Seconds that they are kept where there are many: longer than a submit may send. */
const HOUR = 3600;

export interface Chores {
  start(): void;
  stop(): Promise<void>;
  /** Something ended that others depend on, or an array was canceled. */
  wake(): void;
}

export interface ChoreDependencies {
  readonly store: Pick<Store, 'jobs' | 'arrays' | 'retention' | 'files'>;
  readonly system: System;
  readonly settings: SchedulerSettings;
  readonly moves: Moves;
  /** Of several servers: is it this one's turn? */
  readonly isFirst: () => boolean;
  readonly wakeCycle: () => void;
  readonly log: Log;
}

export function createChores(deps: ChoreDependencies): Chores {
  const { store, system, settings, moves } = deps;
  const { clock } = system;
  let timer: Timer | null = null;
  let running: Promise<void> | null = null;
  let asked = false;
  /** Was it time that asked? */
  let whole = false;
  let stopped = true;
  let prunedAt = 0;
  let droppedAt = 0;

  const settle = async (): Promise<void> => {
    for (;;) {
      if (stopped) return;
      const done = await store.jobs.settleDependencies(BATCH, clock.now());
      if (done === null) return;
      if (done.released > 0) deps.wakeCycle();
    }
  };

  const cancelArrays = async (): Promise<void> => {
    for (const id of await store.arrays.canceling(ARRAYS)) {
      for (;;) {
        const found = await store.arrays.toCancel(id, BATCH);
        if (found === null || found.tasks.length === 0 || stopped) break;
        await Promise.all(found.tasks.map((task) => moves.cancel(task.id, found.reason)));
      }
    }
  };

  const prune = async (): Promise<void> => {
    const { retention } = settings;
    if (retention.days === null && retention.count === null) return;
    if (clock.now() - prunedAt < retention.every * 1000) return;
    prunedAt = clock.now();
    await pruneEnded(store.retention, retention, clock, () => stopped);
  };

  /** What no job names; each may be large, so few at a time. */
  const dropFiles = async (): Promise<void> => {
    if (clock.now() - droppedAt < settings.retention.every * 1000) return;
    droppedAt = clock.now();
    // Half of one's share; see FileRoom.
    const isMuch = (await store.files.unused()) > settings.filesUnusedBytes / 8;
    const kept = isMuch ? Math.min(settings.filesUnused, HOUR) : settings.filesUnused;
    const before = Math.trunc(clock.now() - kept * 1000);
    for (;;) {
      if (stopped || (await store.files.prune(before, FILES)) === 0) return;
    }
  };

  const round = async (isWhole: boolean): Promise<void> => {
    if (isWhole) await keepDeadlines({ jobs: store.jobs, clock, moves, wakeCycle: deps.wakeCycle });
    await settle();
    await cancelArrays();
    if (isWhole) await prune();
    if (isWhole) await dropFiles();
  };

  const isAsked = (): boolean => {
    const now = asked && !stopped;
    asked = false;
    return now;
  };
  const run = async (): Promise<void> => {
    while (isAsked()) {
      const isWhole = whole;
      whole = false;
      await round(isWhole).catch((error: unknown) => {
        const message = error instanceof Error ? error.message : String(error);
        deps.log.warn({ error: message }, 'a round of chores failed');
        asked = false; // The store is not well: the timer asks again.
      });
    }
    running = null;
  };
  const wake = (): void => {
    asked = true;
    if (!stopped) running ??= run();
  };

  const tick = (): void => {
    if (!deps.isFirst()) return;
    whole = true;
    wake();
  };

  return {
    wake,
    start() {
      stopped = false;
      timer ??= system.timers.every(settings.sweepEvery * 1000, tick);
      tick();
      wake();
    },
    async stop() {
      stopped = true;
      timer?.cancel();
      timer = null;
      await running;
    },
  };
}

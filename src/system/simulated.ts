/**
 * A clock that is moved by hand, timers that fire when it passes them, and entropy that replays: the outside world
 * of tests and of the fault simulation. Time never passes by itself, so nothing here ever waits for the wall clock.
 * Invariant: timers fire in the order of their time, then of their making; between two of them every promise that
 * can go on has gone on.
 */
import { setImmediate as nextTurn } from 'node:timers/promises';
import { seededRandom } from '../core/random.ts';
import type { System, Timer } from './system.ts';

export interface SimulatedSystem extends System {
  /** Moves the clock on by `ms`, firing what falls due on the way. */
  advance(ms: number): Promise<void>;
  /** Somebody sets the wall clock, forwards or back; no time passes, and timers do not notice. */
  turnClock(ms: number): void;
  /** Lets everything go on that waits for no timer. */
  settle(): Promise<void>;
  /** Moves on from timer to timer until `condition` holds; throws when it still does not after `limitMs`. */
  until(condition: () => boolean, what: string, limitMs?: number): Promise<void>;
  /** Timers that have been neither fired nor canceled: a test may ask that there is none left. */
  pendingTimers(): number;
}

export interface SimulatedOptions {
  readonly seed?: string;
  /** Milliseconds since 1970 at the start. */
  readonly startAt?: number;
}

interface Planned {
  at: number;
  readonly order: number;
  readonly every: number | null;
  readonly action: () => void;
}

const FIRST_OF_2026 = 1_767_225_600_000;

/** Turns of the event loop that `settle` gives; a chain of that many callbacks gets through. */
const TURNS = 8;

export function simulatedSystem(options: SimulatedOptions = {}): SimulatedSystem {
  const random = seededRandom(options.seed ?? 'rainbow');
  let origin = options.startAt ?? FIRST_OF_2026;
  const planned = new Set<Planned>();
  let elapsed = 0;
  let made = 0;

  const plan = (ms: number, every: number | null, action: () => void): Timer => {
    const entry: Planned = { at: elapsed + Math.max(0, ms), order: made++, every, action };
    planned.add(entry);
    return { cancel: () => void planned.delete(entry) };
  };

  const earliest = (): Planned | null => {
    let found: Planned | null = null;
    for (const entry of planned) {
      if (found === null || entry.at < found.at || (entry.at === found.at && entry.order < found.order)) found = entry;
    }
    return found;
  };

  const fire = (entry: Planned): void => {
    elapsed = Math.max(elapsed, entry.at);
    if (entry.every === null) planned.delete(entry);
    else entry.at += Math.max(1, entry.every);
    entry.action();
  };

  const settle = async (): Promise<void> => {
    for (let turn = 0; turn < TURNS; turn++) await nextTurn();
  };

  const advance = async (ms: number): Promise<void> => {
    const end = elapsed + ms;
    await settle();
    for (let next = earliest(); next !== null && next.at <= end; next = earliest()) {
      fire(next);
      await settle();
    }
    elapsed = end;
  };

  return {
    clock: { now: () => origin + Math.floor(elapsed), monotonic: () => elapsed },
    timers: {
      after: (ms, action) => plan(ms, null, action),
      every: (ms, action) => plan(ms, ms, action),
      soon: (action) => void plan(0, null, action),
    },
    entropy: { bytes: (length) => Uint8Array.from({ length }, () => random.below(256)) },
    advance,
    turnClock: (ms) => void (origin += ms),
    settle,
    async until(condition, what, limitMs = 600_000) {
      const end = elapsed + limitMs;
      await settle();
      while (!condition()) {
        const next = earliest();
        if (next === null || next.at > end) throw new Error(`still not so after ${limitMs} simulated ms: ${what}`);
        fire(next);
        await settle();
      }
    },
    pendingTimers: () => planned.size,
  };
}

/**
 * One look at all jobs of a batch system, as often as it is worth: soon after something changed, ever more seldom while
 * nothing does, and never more than about a tenth of the time. Callers that ask at once share one.
 */
import type { System, Timer } from '../../../system/system.ts';

export interface Snapshot<R> {
  readonly records: readonly R[];
  /** Monotonic, before it was asked: what was submitted earlier is in it. */
  readonly askedAt: number;
}

export interface Pace {
  /** Milliseconds. */
  readonly least: number;
  readonly most: number;
}

export interface Poll<R> {
  /** A snapshot that was asked for after `since` (monotonic). Throws `unavailable` where the scheduler is away. */
  newerThan(since: number): Promise<Snapshot<R>>;
  now(): number;
  /** Something was asked for, or has changed: look soon. */
  soon(): void;
  close(): void;
}

/** A pause is at least so many times as long as the answer took: on a slow machine, ever fewer questions. */
const GENTLE = 10;
const GROWTH = 1.5;

export function createPoll<R>(
  parts: {
    /** Asks for all jobs at once. Throws RainbowError: whatever is said, nothing is known of any job then. */
    readonly look: () => Promise<readonly R[]>;
    readonly pace: Pace;
    /** Is there anything to look for? */
    readonly isNeeded: () => boolean;
    /** Takes in what was seen; true where something changed. */
    readonly seen: (snapshot: Snapshot<R>) => Promise<boolean>;
    readonly away: (error: unknown) => void;
  },
  { clock, timers }: System,
): Poll<R> {
  const { pace } = parts;
  let current: { readonly askedAt: number; readonly answer: Promise<Snapshot<R>> } | null = null;
  let lastTook = 0;
  let waitMs = pace.least;
  let timer: Timer | null = null;
  let dueAt = 0;
  let closed = false;

  const ask = async (askedAt: number): Promise<Snapshot<R>> => {
    let records: readonly R[];
    try {
      records = await parts.look();
    } catch (error) {
      parts.away(error);
      throw error;
    }
    lastTook = clock.monotonic() - askedAt;
    const snapshot = { records, askedAt };
    if (await parts.seen(snapshot)) soon();
    return snapshot;
  };

  const newerThan = async (since: number): Promise<Snapshot<R>> => {
    if (current !== null && current.askedAt > since) return current.answer;
    if (current !== null) await current.answer.catch(() => undefined);
    // Somebody else may have asked meanwhile.
    if (current !== null && current.askedAt > since) return current.answer;
    const askedAt = clock.monotonic();
    current = { askedAt, answer: ask(askedAt) };
    return current.answer;
  };

  const schedule = (ms: number): void => {
    const wait = Math.max(ms, lastTook * GENTLE);
    const due = clock.monotonic() + wait;
    // News after news must not put it off for ever.
    if (closed || (timer !== null && dueAt <= due)) return;
    timer?.cancel();
    dueAt = due;
    timer = timers.after(wait, () => {
      timer = null;
      void tick();
    });
  };

  const tick = async (): Promise<void> => {
    if (closed || !parts.isNeeded()) return;
    await newerThan(clock.monotonic() - 1).catch(() => undefined);
    waitMs = Math.min(waitMs * GROWTH, pace.most);
    if (timer === null) schedule(waitMs);
  };

  function soon(): void {
    waitMs = pace.least;
    schedule(waitMs);
  }

  return {
    newerThan,
    now: () => clock.monotonic(),
    soon,
    close() {
      closed = true;
      timer?.cancel();
    },
  };
}

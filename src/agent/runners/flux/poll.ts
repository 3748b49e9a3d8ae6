/**
 * One look at all jobs: those that are there (`flux job list`) and those that ended since the last look
 * (`flux job list-inactive`). As often as it is worth: at once where the journal (journal.ts) tells of something, ever
 * more seldom while nothing changes, and never more than about a tenth of the time. Callers that ask at once share one.
 */
import { RainbowError } from '../../../core/errors.ts';
import type { System, Timer } from '../../../system/system.ts';
import { failed, type Flux } from './commands.ts';
import { readJobList, type FluxRecord } from './records.ts';

export interface Snapshot {
  /** Where a job ended between the two questions it is there once, as ended. */
  readonly records: readonly FluxRecord[];
  /** Monotonic, before it was asked: what was submitted earlier is in it. */
  readonly askedAt: number;
}

export interface Pace {
  /** Milliseconds. */
  readonly least: number;
  readonly most: number;
}

export const DEFAULT_PACE: Pace = { least: 250, most: 10_000 };

export interface Poll {
  /** A snapshot that was asked for after `since` (monotonic). Throws `unavailable` where the instance is away. */
  newerThan(since: number): Promise<Snapshot>;
  now(): number;
  /** Something was asked for, or has changed: look soon. */
  soon(): void;
  close(): void;
}

/** A pause is at least so many times as long as the answer took: on a slow machine, ever fewer questions. */
const GENTLE = 10;
const GROWTH = 1.5;
/** Ends are asked for again for so long: an end may be stamped a little before it is listed. */
const OVERLAP_MS = 60_000;

export function createPoll(
  parts: {
    readonly flux: Flux;
    readonly pace: Pace;
    /** Is there anything to look for? */
    readonly isNeeded: () => boolean;
    /** Takes in what was seen; true where something changed. */
    readonly seen: (snapshot: Snapshot) => Promise<boolean>;
    readonly away: (error: unknown) => void;
  },
  system: System,
): Poll {
  const { flux, pace } = parts;
  const { clock } = system;
  let current: { readonly askedAt: number; readonly answer: Promise<Snapshot> } | null = null;
  let lastTook = 0;
  let waitMs = pace.least;
  let timer: Timer | null = null;
  let closed = false;
  /** By Flux's own clock. The first look is at all that it still knows. */
  let endedSince = 0;

  const list = async (args: readonly string[]): Promise<readonly FluxRecord[]> => {
    const answer = await flux.ask(['job', ...args]);
    if (answer.code === 0) return readJobList(answer.stdout);
    const error = failed(`flux job ${args[0]}`, answer);
    // Whatever it complains of, nothing is known of any job.
    throw error.code === 'unavailable' ? error : new RainbowError('unavailable', error.message);
  };

  const ask = async (askedAt: number): Promise<Snapshot> => {
    const active = await list(['list']);
    const ended = await list(['list-inactive', '-s', String(Math.max(0, endedSince - OVERLAP_MS) / 1000)]);
    lastTook = clock.monotonic() - askedAt;
    endedSince = ended.reduce((last, { endedAt }) => Math.max(last, endedAt ?? 0), endedSince);
    return { records: [...new Map([...active, ...ended].map((record) => [record.id, record])).values()], askedAt };
  };

  const newerThan = async (since: number): Promise<Snapshot> => {
    if (current !== null && current.askedAt > since) return current.answer;
    if (current !== null) await current.answer.catch(() => undefined);
    // Somebody else may have asked meanwhile.
    if (current !== null && current.askedAt > since) return current.answer;
    const askedAt = clock.monotonic();
    const mine = {
      askedAt,
      answer: ask(askedAt).then(
        async (snapshot) => {
          if (await parts.seen(snapshot)) soon();
          return snapshot;
        },
        (error: unknown) => {
          // Another instance may answer next, with a clock and a history of its own.
          endedSince = 0;
          parts.away(error);
          throw error;
        },
      ),
    };
    current = mine;
    return mine.answer;
  };

  const schedule = (ms: number): void => {
    const wait = Math.max(ms, lastTook * GENTLE);
    const due = clock.monotonic() + wait;
    // News after news must not put it off for ever.
    if (closed || (timer !== null && dueAt <= due)) return;
    timer?.cancel();
    dueAt = due;
    timer = system.timers.after(wait, () => {
      timer = null;
      void tick();
    });
  };
  let dueAt = 0;

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

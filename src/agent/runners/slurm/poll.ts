/**
 * One squeue for all jobs, as often as it is worth: soon after something changed, ever more seldom while nothing does,
 * and never more than about a tenth of the time. Callers that ask at once share one.
 */
import { RainbowError } from '../../../core/errors.ts';
import type { System, Timer } from '../../../system/system.ts';
import { failed, type Slurm } from './commands.ts';
import { readSqueue, SQUEUE_FORMAT, type SlurmRecord } from './records.ts';

export interface Snapshot {
  readonly records: readonly SlurmRecord[];
  /** Monotonic, before it was asked: what was submitted earlier is in it. */
  readonly askedAt: number;
}

export interface Pace {
  /** Milliseconds. */
  readonly least: number;
  readonly most: number;
}

export const DEFAULT_PACE: Pace = { least: 1000, most: 10_000 };

export interface Poll {
  /** A snapshot that was asked for after `since` (monotonic). Throws `unavailable` where the controller is away. */
  newerThan(since: number): Promise<Snapshot>;
  now(): number;
  /** Something was asked for, or has changed: look soon. */
  soon(): void;
  close(): void;
}

/** A pause is at least so many times as long as the answer took: on a slow controller, ever fewer questions. */
const GENTLE = 10;
const GROWTH = 1.5;

export function createPoll(
  parts: {
    readonly slurm: Slurm;
    readonly users: () => readonly string[];
    readonly pace: Pace;
    /** Is there anything to look for? */
    readonly isNeeded: () => boolean;
    /** Takes in what was seen; true where something changed. */
    readonly seen: (snapshot: Snapshot) => Promise<boolean>;
    readonly away: (error: unknown) => void;
  },
  system: System,
): Poll {
  const { slurm, pace } = parts;
  const { clock } = system;
  let current: { readonly askedAt: number; readonly answer: Promise<Snapshot> } | null = null;
  let lastTook = 0;
  let waitMs = pace.least;
  let timer: Timer | null = null;
  let closed = false;

  const ask = async (askedAt: number): Promise<Snapshot> => {
    const users = parts.users();
    const answer = await slurm('squeue', [
      '-h',
      '-a',
      '-t',
      'all',
      ...(users.length === 0 ? [] : ['-u', users.join(',')]),
      '-O',
      SQUEUE_FORMAT,
    ]);
    lastTook = clock.monotonic() - askedAt;
    if (answer.code !== 0) {
      const error = failed('squeue', answer);
      // Whatever it complains of, nothing is known of any job.
      throw error.code === 'unavailable' ? error : new RainbowError('unavailable', error.message);
    }
    return { records: readSqueue(answer.stdout), askedAt };
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
          parts.away(error);
          throw error;
        },
      ),
    };
    current = mine;
    return mine.answer;
  };

  const schedule = (ms: number): void => {
    timer?.cancel();
    if (closed) return;
    timer = system.timers.after(Math.max(ms, lastTook * GENTLE), () => {
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

/**
 * What owners asked for of when and how often their jobs run, checked event by event. In the order of a job's life:
 *   assigned   not while it is held or its cancel is asked for, not before its time or before what it depends on has
 *              ended as asked, not after its latest start; of an array at most so many tasks at once
 *   retried    at most as often as asked; after a cancel it may be pending for a moment, and is never assigned
 *   waits      a pending job's row says what it waits for, and why
 *   ended      canceled for a dependency only where that can never be met, and always where it cannot
 *   arrays     over when all of their tasks are, not before
 */
import type { RetryPolicy } from '../../src/core/job/retry.ts';
import { isFinal, type JobState } from '../../src/core/job/state.ts';
import { verdictOf, WAITS } from '../../src/core/job/waits.ts';
import type { OnEnd } from './people.ts';

/** By one submit. */
export interface Wanted {
  /** It has a key: one job, however often it is said. */
  readonly once: boolean;
  readonly held: boolean;
  readonly dependencies: readonly OnEnd[];
  /** By the server's clock. */
  readonly beginAt: number | null;
  readonly mostAtOnce: number | null;
  readonly retry: RetryPolicy | null;
}

export interface KnownJob {
  readonly id: string;
  state: JobState;
  epoch: number;
  reason: string;
  cluster: string | null;
  readonly onClusterLoss: string;
  /** A polling client had it under a lease once. */
  polled: boolean;
  /** Why; null: nobody did. */
  cancelAsked: string | null;
  /** Epochs under which it was received, and where. */
  readonly leases: Map<number, string>;
  /** `epoch@cluster` of every native start. */
  readonly starts: string[];
  /** Attempts that are over, and why it went back to pending. */
  readonly closed: Map<number, string>;
  /** The earlier attempt that ended it. */
  endedBy: number | null;
  /** Null: its row was gone before anybody looked. */
  readonly wanted: Wanted | null;
  readonly startBy: number | null;
  readonly array: string | null;
  held: boolean;
  /** It was assigned once. */
  begun: boolean;
  retries: number;
  /** Retention took it. */
  gone: boolean;
}

export interface KnownArray {
  readonly id: string;
  readonly wanted: Wanted | null;
  readonly tasks: string[];
  over: boolean;
  cancelAsked: boolean;
}

export interface Promises {
  /** Clocks were turned by so many milliseconds, at the most. */
  turned: number;
  assigned(job: KnownJob, at: number): void;
  retried(job: KnownJob): void;
  /** It is pending for another reason; `released`: what is said of all tasks of an array, and whether they were let go. */
  reasonOf(job: KnownJob, reason: string, released?: boolean): void;
  /** As its row has it. */
  waits(job: KnownJob, waits: number, reason: string): void;
  ended(job: KnownJob, from: JobState): void;
  arrayEnded(array: KnownArray, as: string): void;
  /** At the end of everything. */
  kept(job: KnownJob): void;
}

/** What a pending job is told to wait for, by the first of its bits. */
const REASONS: readonly (readonly [number, string])[] = [
  [WAITS.held, 'held'],
  [WAITS.dependency, 'dependency'],
  [WAITS.begin, 'begin'],
  [WAITS.array, 'array_limit'],
];
/** Reasons that a release leaves behind; nothing else writes them while a job is held. */
const RELEASED = new Set(['submitted', 'dependency', 'begin', 'array_limit']);

export function createPromises(
  jobs: ReadonlyMap<string, KnownJob>,
  arrays: ReadonlyMap<string, KnownArray>,
  holds: (claim: boolean, what: () => string) => void,
): Promises {
  const standing = (on: string): { readonly ended: boolean; readonly allCompleted: boolean } => {
    const tasks = (arrays.get(on)?.tasks ?? [on]).flatMap((id) => jobs.get(id)?.state ?? []);
    return {
      ended: tasks.every(isFinal),
      allCompleted: tasks.every((state) => !isFinal(state) || state === 'completed'),
    };
  };
  const verdict = ({ kind, on }: OnEnd): ReturnType<typeof verdictOf> => verdictOf(kind, standing(on));
  const unended = (array: KnownArray): readonly KnownJob[] =>
    array.tasks.flatMap((id) => jobs.get(id) ?? []).filter(({ state }) => !isFinal(state));

  const promises: Promises = {
    turned: 0,

    assigned(job, at) {
      const { id, wanted, startBy } = job;
      const say = (what: string) => (): string => `asked: job ${id} is assigned, ${what}`;
      job.begun = true;
      holds(!job.held, say('and it is held'));
      holds(job.cancelAsked === null, say('and its cancel is asked for'));
      holds(startBy === null || at <= startBy, say(`too late by ${at - (startBy ?? 0)} ms`));
      const early = (wanted?.beginAt ?? 0) - at;
      holds(early <= promises.turned, say(`too early by ${early} ms`));
      for (const each of wanted?.dependencies ?? []) {
        holds(verdict(each) === 'met', say(`and ${each.kind} ${each.on} is not met`));
      }
      const array = job.array === null ? undefined : arrays.get(job.array);
      const most = array?.wanted?.mostAtOnce ?? null;
      if (array === undefined || most === null) return;
      const begun = unended(array).filter((task) => task.begun).length;
      holds(begun <= most, say(`one of ${begun} tasks of array ${array.id}, which may have ${most} at once`));
    },

    retried(job) {
      job.retries += 1;
      const limit = job.wanted?.retry?.limit ?? 0;
      const allowed = job.wanted === null || job.retries <= limit;
      holds(allowed, () => `asked: job ${job.id} is tried again for the ${job.retries}. time, of ${limit}`);
    },

    reasonOf(job, reason, released) {
      if (job.state !== 'pending') return;
      if (reason === 'held') job.held = true;
      else if (released ?? RELEASED.has(reason)) job.held = false;
      // What is said of tasks together is not said again of each.
      if (released === undefined) job.reason = reason;
    },

    waits(job, waits, reason) {
      holds(
        ((waits & WAITS.held) !== 0) === job.held,
        () => `asked: job ${job.id} is ${job.held ? '' : 'not '}held, and its row says otherwise (${waits})`,
      );
      const first = REASONS.find(([bit]) => (waits & bit) !== 0)?.[1];
      holds(
        first === undefined || first === reason,
        () => `asked: job ${job.id} waits for ${first} (${waits}), and is told ${reason}`,
      );
    },

    ended(job, from) {
      const { id, state, reason } = job;
      const never = (job.wanted?.dependencies ?? []).some((each) => verdict(each) === 'never');
      if (state === 'canceled' && reason === 'dependency' && job.wanted !== null) {
        holds(never, () => `asked: job ${id} is canceled, and what it depends on may still come`);
      }
      if (state === 'canceled' && reason === 'user') {
        holds(job.cancelAsked !== 'deadline', () => `ends: job ${id} is canceled by a user, and it was its deadline`);
      }
      holds(
        reason !== 'deadline' || from === 'received' || state === 'failed',
        () => `ends: job ${id} did not meet its deadline, and is ${state}, not failed (it was ${from})`,
      );
    },

    arrayEnded(array, as) {
      const open = unended(array);
      holds(open.length === 0, () => `asked: array ${array.id} is ${as}, and job ${open[0]?.id} is ${open[0]?.state}`);
    },

    kept(job) {
      const never = (job.wanted?.dependencies ?? []).find((each) => verdict(each) === 'never');
      // Rejected: no cluster could ever hold it when it came, whatever became of what it depends on.
      const may = never === undefined || ['canceled', 'failed', 'rejected'].includes(job.state);
      holds(may, () => `asked: job ${job.id} is ${job.state}, and ${never?.kind} ${never?.on} is never met`);
      const array = job.array === null ? undefined : arrays.get(job.array);
      holds(array?.over !== false, () => `asked: array ${array?.id} is not over, and all of its tasks are`);
    },
  };
  return promises;
}

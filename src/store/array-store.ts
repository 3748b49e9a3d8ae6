/** What the store keeps of arrays: many tasks under one id. Part of store.ts, whose words on calls and errors hold. */
import type { JobState, Reason } from '../core/job/state.ts';
import type { JobFilter, JobId, JobRecord, NewJob } from './store.ts';

/** A task's place in its array. */
export interface ArrayPlace {
  readonly id: JobId;
  readonly index: number;
  /** Of the whole array: how many tasks, and their lowest and highest index. */
  readonly count: number;
  readonly least: number;
  readonly most: number;
}

/** Many tasks of one jobspec under one id: it is kept once, and they begin alike, never assigned. */
export interface NewArray extends Omit<NewJob, 'outcome'> {
  /** As it was asked for: `0-9,20-30:2`. */
  readonly indices: string;
  /** Ascending, distinct; at least one. */
  readonly tasks: readonly number[];
  /** At most so many at once; null: all. */
  readonly mostAtOnce: number | null;
  readonly outcome: { readonly state: 'pending' | 'rejected' | 'canceled'; readonly reason: Reason };
}

export interface ArrayRecord {
  readonly id: JobId;
  readonly name: string;
  readonly owner: string;
  readonly indices: string;
  readonly mostAtOnce: number | null;
  readonly tasks: number;
  readonly leastIndex: number;
  readonly mostIndex: number;
  readonly priority: number;
  readonly submittedAt: number;
  /** When the last of its tasks ended. */
  readonly endedAt: number | null;
  /** Tasks by state. */
  readonly counts: Readonly<Partial<Record<JobState, number>>>;
  /** The highest of its tasks that have ended. */
  readonly exitCode: number | null;
  readonly cancelRequestedAt: number | null;
}

/** As of jobs; an array counts as in a state, or at a cluster, where one of its tasks is. */
export type ArrayFilter = Omit<JobFilter, 'array' | 'indices'>;

export interface ArrayStore {
  /**
   * Everything in one transaction. The same (owner, key) answers the earlier array; `job` where that is a job by itself.
   * One event tells of all tasks' beginning; each has its own from its first move on.
   */
  submit(
    array: NewArray,
  ): Promise<{ readonly array: ArrayRecord | null; readonly job: JobRecord | null; readonly created: boolean }>;
  get(id: JobId): Promise<ArrayRecord | null>;
  /** Many at once; missing ones are left out. */
  list(filter: ArrayFilter): Promise<readonly ArrayRecord[]>;
  /** From here on no task of it is begun. Idempotent; null: no such array. */
  requestCancel(id: JobId, reason: Reason, at: number): Promise<ArrayRecord | null>;
  /** Arrays whose cancel was asked for and that have tasks which have not ended. */
  canceling(limit: number): Promise<readonly JobId[]>;
  /** Tasks of a canceled array to be ended still (not ended, and not asked to), and why; null where it is not canceled. */
  toCancel(id: JobId, limit: number): Promise<{ readonly reason: Reason; readonly tasks: readonly JobRecord[] } | null>;
  /** All of its pending tasks. Null: no such array. */
  hold(id: JobId, reason: Reason, at: number): Promise<ArrayRecord | null>;
  release(id: JobId, at: number): Promise<ArrayRecord | null>;
}

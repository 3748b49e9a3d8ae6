/** What happened, numbered in commit order. */
import type { Reason } from '../core/job/state.ts';
import type { JobId } from './store.ts';

export interface EventRecord {
  /** In commit order, without gaps that fill later: whoever has read up to `seq` has missed nothing. */
  readonly seq: number;
  readonly at: number;
  readonly subject: 'job' | 'cluster' | 'group';
  readonly jobId: JobId | null;
  readonly owner: string | null;
  readonly cluster: string | null;
  /** Of a task, and of its array itself: that array. */
  readonly arrayId: JobId | null;
  /** For a job the state it came to, `cancel_requested`, `reason` (another reason in the same state), or `files` (what it leaves behind was brought back); for a cluster `registered`, `replaced`, `deleted` … */
  readonly kind: string;
  readonly epoch: number | null;
  readonly reason: Reason | null;
  readonly detail: Readonly<Record<string, unknown>> | null;
}

export interface EventStore {
  /** After `seq`, in order, at most `limit`. */
  after(
    seq: number,
    limit: number,
    filter?: { readonly jobId?: JobId; readonly arrayId?: JobId; readonly owner?: string },
  ): Promise<readonly EventRecord[]>;
  /** The newest number; 0 where there is none. */
  last(): Promise<number>;
  /** Called after each commit that wrote events, with the newest number. Returns how to stop. */
  subscribe(listener: (seq: number) => void): () => void;
}

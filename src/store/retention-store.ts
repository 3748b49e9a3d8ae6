/** How the store lets go of what ended long ago. Part of store.ts, whose words on calls and errors hold. */
import type { JobId } from './store.ts';

export interface RetentionStore {
  /**
   * Deletes up to `limit` jobs and tasks that ended before `endedBefore`, or that more than `keep` jobs (or arrays) have
   * ended after, with all that hangs on them. An array goes when all of it has ended. How many were deleted.
   */
  prune(rule: { readonly endedBefore: number | null; readonly keep: number | null }, limit: number): Promise<number>;
  /** The highest number of an event that was deleted; 0: none was. */
  prunedEvents(): Promise<number>;
  /** Is this a number that a job or an array has had? Then, if there is none, it was deleted. */
  wasGiven(id: JobId): Promise<boolean>;
}

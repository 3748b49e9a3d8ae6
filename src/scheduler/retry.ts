/**
 * Tries again what failed and may be tried again, as the job's own policy says: instead of `failed` the job goes back to
 * `pending`, a new attempt under the next epoch; the attempt that failed keeps how and why. Then when and where the next
 * one may start, from the stored attempts alone, so that a restart forgets nothing.
 * Invariants: never after a cancel (moves.ts cancels what comes back to pending with one asked for); at most `limit`
 * retries, counted by the attempts that are stored as failed.
 */
import { isRetried, retryDelay } from '../core/job/retry.ts';
import { isAllowed } from '../core/job/state.ts';
import type { AttemptRecord, JobRecord, Transition } from '../store/store.ts';

/** Closed attempts that failed and were tried again. */
function failures(attempts: readonly AttemptRecord[], epoch: number): readonly AttemptRecord[] {
  return attempts.filter((attempt) => attempt.state === 'failed' && attempt.epoch < epoch);
}

/**
 * What is written instead of `change`, a move to `failed`; `change` itself where that is the job's end.
 * `hasAlternative`: could a cluster that is none of these take it?
 */
export function retryInstead(
  job: JobRecord,
  attempts: readonly AttemptRecord[],
  change: Transition,
  hasAlternative: (job: JobRecord, but: readonly string[]) => boolean,
): Transition {
  const { retry } = job.handling;
  if (retry === undefined || change.to !== 'failed' || job.cancelRequestedAt !== null) return change;
  if (job.epoch !== change.epoch || job.cluster === null || !isAllowed(job.state, 'pending')) return change;
  const { reason, exitCode = null, signal = null } = change;
  if (!isRetried(retry, { reason, exitCode, signal })) return change;
  const before = failures(attempts, job.epoch);
  const nth = before.length + 1;
  const why = reason.message === '' ? reason.code.replaceAll('_', ' ') : reason.message;
  if (nth > retry.limit) {
    if (retry.limit === 0) return change;
    return { ...change, reason: { ...reason, message: `${why}; it was tried again ${times(retry.limit)}` } };
  }
  if (retry.where === 'elsewhere') {
    const failed = [job.cluster, ...before.flatMap(({ cluster }) => cluster ?? [])];
    if (!hasAlternative(job, failed)) {
      return { ...change, reason: { ...reason, message: `${why}; no other cluster can hold it, to try it again` } };
    }
  }
  const delay = retryDelay(retry, nth);
  const when = delay === 0 ? '' : `, ${delay} s after it failed`;
  const message = `attempt ${job.epoch} on ${job.cluster} failed: ${why}; retry ${nth} of ${retry.limit}${when}`;
  return { ...change, to: 'pending', reason: { code: 'retry', message }, attempt: { state: 'failed', reason } };
}

function times(count: number): string {
  return count === 1 ? 'once' : count === 2 ? 'twice' : `${count} times`;
}

export interface Retrying {
  /** Milliseconds since 1970; not to be decided before. */
  readonly notBefore: number;
  /** Null: anywhere that it may go. */
  readonly only: string | null;
  /** Not to be chosen, and why. */
  readonly barred: ReadonlyMap<string, string>;
}

export const notRetrying: Retrying = { notBefore: 0, only: null, barred: new Map() };

/** What the job's policy says of the attempt that is to begin. */
export function readRetrying(job: JobRecord, attempts: readonly AttemptRecord[]): Retrying {
  const { retry } = job.handling;
  const failed = failures(attempts, job.epoch);
  const last = failed.at(-1);
  if (retry === undefined || last === undefined) return notRetrying;
  const barred = new Map<string, string>();
  if (retry.where === 'elsewhere') {
    for (const { cluster } of failed) if (cluster !== null) barred.set(cluster, 'it failed there (retry elsewhere)');
  }
  return {
    notBefore: (last.endedAt ?? 0) + retryDelay(retry, failed.length) * 1000,
    only: retry.where === 'here' ? last.cluster : null,
    barred,
  };
}

/**
 * What to do about the report of an attempt that was duplicated: the job has gone on to a second one elsewhere, and this
 * one may still run. Whichever ends first counts, so it is left running; its end, if it comes first, is the job's. Pure.
 */
import { isRetried } from '../../core/job/retry.ts';
import { isFinal } from '../../core/job/state.ts';
import type { AttemptRecord, JobRecord, Outrun } from '../../store/store.ts';
import type { Report } from './report.ts';

export type DuplicateAnswer =
  | { readonly kind: 'acknowledge' }
  /** Its end is the job's. */
  | { readonly kind: 'outrun'; readonly end: Outrun }
  /** As for any attempt that is over: it is to stop, or was never duplicated. */
  | { readonly kind: 'stale' };

/** Could there be such an attempt? Asked before the attempts are read. */
export function mayBeDuplicate(job: JobRecord | null, report: Report): job is JobRecord {
  return job !== null && job.onClusterLoss === 'duplicate' && report.epoch < job.epoch && !isFinal(job.state);
}

/** `cluster`: name of the one whose agent speaks. */
export function answerDuplicate(
  job: JobRecord,
  attempts: readonly AttemptRecord[],
  report: Report,
  cluster: string,
  now: number,
): DuplicateAnswer {
  const attempt = attempts.find(({ epoch }) => epoch === report.epoch);
  if (attempt === undefined || attempt.reason.code !== 'duplicated' || attempt.cluster !== cluster) {
    return { kind: 'stale' };
  }
  const { state, reason, exitCode, signal } = report;
  // Canceled or given back: that attempt is over, and says nothing about the job.
  if (state === 'canceled' || state === 'pending') return { kind: 'acknowledge' };
  if (state === 'completed' || state === 'failed') {
    const { retry } = job.handling;
    // The second attempt is the retry.
    if (state === 'failed' && retry !== undefined && isRetried(retry, { reason, exitCode, signal })) {
      return { kind: 'acknowledge' };
    }
    const end: Outrun = {
      id: job.id,
      epoch: job.epoch,
      attempt: report.epoch,
      to: state,
      reason,
      at: now,
      endedAt: report.endedAt ?? now,
      exitCode,
      signal,
      ...(report.nativeId === '' ? {} : { nativeId: report.nativeId }),
      ...(report.startedAt === null ? {} : { startedAt: report.startedAt }),
    };
    return { kind: 'outrun', end };
  }
  // Nothing of it runs yet, or nobody wants any of it: then it need not begin.
  return state === 'received' || job.cancelRequestedAt !== null ? { kind: 'stale' } : { kind: 'acknowledge' };
}

/** What changes of a job while it stays where it is: its reason, hold and release, the time that it waits for. */
import type { Reason } from '../../core/job/state.ts';
import { WAITS, waitingReason } from '../../core/job/waits.ts';
import type { JobId, JobRecord } from '../store.ts';
import { clearWaits } from './clear-waits.ts';
import { getDependencies, waitsOnceReleased } from './dependencies.ts';
import { jobOf, selectJobBy, type JobRow } from './job-row.ts';
import { lockJob } from './read-jobs.ts';
import { all, limitOf, one, run, type Operation } from './statement.ts';
import { writeJobEvent } from './write-event.ts';

export function* changeReason(id: JobId, epoch: number, reason: Reason, at: number): Operation<JobRecord | null> {
  const job = yield* lockJob(id);
  const state = reason.code === 'in_native_queue' ? 'accepted' : 'pending';
  // Held meanwhile: whoever decided on it came too late, and what it waits for stays its reason.
  if (job === null || job.state !== state || job.epoch !== epoch || (state === 'pending' && job.waits !== 0))
    return null;
  if (job.reason.code === reason.code && job.reason.message === reason.message) return null;
  return yield* writeReason(job, job.waits, reason, at);
}

function* writeReason(job: JobRecord, waits: number, reason: Reason, at: number): Operation<JobRecord> {
  yield* run(
    'UPDATE jobs SET waits = ?, reason_code = ?, reason_message = ? WHERE id = ?',
    waits,
    reason.code,
    reason.message,
    BigInt(job.id),
  );
  yield* writeJobEvent(job, 'reason', job.cluster, reason, at);
  return { ...job, waits, reason };
}

export function* holdJob(id: JobId, reason: Reason, at: number): Operation<JobRecord | null> {
  const job = yield* lockJob(id);
  if (job === null || job.state !== 'pending' || (job.waits & WAITS.held) !== 0) return job;
  return yield* writeReason(job, job.waits | WAITS.held, reason, at);
}

export function* releaseJob(id: JobId, at: number): Operation<JobRecord | null> {
  const job = yield* lockJob(id);
  if (job === null || job.state !== 'pending' || (job.waits & WAITS.held) === 0) return job;
  const waits = yield* waitsOnceReleased(job, job.waits & ~WAITS.held);
  const dependencies = yield* getDependencies(job.array?.id ?? id);
  const left = waitingReason(waits, { dependencies, beginAt: job.beginAt, mostAtOnce: null });
  return yield* writeReason(job, waits, left ?? { code: 'submitted', message: 'released' }, at);
}

export function* releaseBegun(at: number, limit: number): Operation<number> {
  const rows = yield* all<JobRow>(
    `${selectJobBy('jobs_begin')} WHERE jobs.state = 'pending' AND (jobs.waits & 4) <> 0 AND jobs.begin_at <= ?
     ORDER BY jobs.begin_at, jobs.id LIMIT ? FOR UPDATE SKIP LOCKED`,
    at,
    limitOf(limit),
  );
  for (const row of rows) {
    const job = jobOf(row);
    const now = yield* one<{ waits: number }>(
      `UPDATE jobs SET ${clearWaits(WAITS.begin)} WHERE id = ? RETURNING waits`,
      BigInt(job.id),
    );
    if (now?.waits === 0)
      yield* writeJobEvent(job, 'reason', null, { code: 'submitted', message: 'its time has come' }, at);
  }
  return rows.length;
}

/**
 * First those that have not started and may not start any more, then those that run too long. A job of a store that was
 * put back may have started in time: it is not among the first before it is released, or its agent has said how it is.
 */
export function* overdueJobs(at: number, limit: number): Operation<readonly JobRecord[]> {
  const most = limitOf(limit);
  const late = yield* all<JobRow>(
    `${selectJobBy('jobs_start_by')} WHERE jobs.start_by IS NOT NULL
       AND jobs.state IN ('pending','assigned','received','accepted') AND jobs.cancel_requested_at IS NULL
       AND jobs.start_by < ? AND NOT (jobs.state = 'pending' AND jobs.reason_code = 'restored')
       AND NOT (jobs.state = 'received' AND jobs.reason_code = 'agent_back')
       AND NOT (jobs.state = 'accepted' AND jobs.started_at IS NOT NULL) ORDER BY jobs.start_by, jobs.id LIMIT ?`,
    at,
    most,
  );
  const long = yield* all<JobRow>(
    `${selectJobBy('jobs_deadline')} WHERE jobs.deadline IS NOT NULL AND jobs.state IN ('running','unknown')
       AND jobs.cancel_requested_at IS NULL AND jobs.deadline <= ? ORDER BY jobs.deadline, jobs.id LIMIT ?`,
    at,
    most - late.length,
  );
  return [...late, ...long].map(jobOf);
}

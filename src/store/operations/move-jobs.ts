/** Changes of jobs that are not one conditional write: receive, leases that are over, asking for a cancel. */
import { isFinal, type Reason } from '../../core/job/state.ts';
import type { ClusterRef, JobId, JobRecord } from '../store.ts';
import { jobOf, selectJobBy, type JobRow } from './job-row.ts';
import { lockJob } from './read-jobs.ts';
import { all, limitOf, run, type Operation } from './statement.ts';
import { holdStream } from './streams.ts';
import { writeJobEvent } from './write-event.ts';
import { applyChange, type Change } from './write-transition.ts';

/** A job whose cancel was asked for is not handed out any more: nobody could tell a polling client to stop it. */
export function* receiveJobs(
  cluster: ClusterRef,
  limit: number,
  leaseExpiresAt: number | null,
  at: number,
  stream: string | null = null,
): Operation<readonly JobRecord[]> {
  if (stream !== null) yield* holdStream(cluster, stream);
  const rows = yield* all<JobRow>(
    `${selectJobBy('jobs_assigned')} WHERE jobs.cluster = ? AND jobs.cluster_id = ? AND jobs.state = 'assigned'
       AND jobs.cancel_requested_at IS NULL
     ORDER BY jobs.priority DESC, jobs.id LIMIT ? FOR UPDATE SKIP LOCKED`,
    cluster.name,
    cluster.id,
    limitOf(limit),
  );
  const leased: Reason = { code: 'leased', message: '' };
  return yield* applyToAll(rows, { to: 'received', reason: leased, at, leaseExpiresAt });
}

export function* returnExpired(at: number, limit: number): Operation<readonly JobRecord[]> {
  const rows = yield* all<JobRow>(
    `${selectJobBy('jobs_lease')} WHERE jobs.state = 'received' AND jobs.lease_expires_at IS NOT NULL AND jobs.lease_expires_at <= ?
     ORDER BY jobs.lease_expires_at, jobs.id LIMIT ? FOR UPDATE SKIP LOCKED`,
    at,
    limitOf(limit),
  );
  const expired: Reason = { code: 'lease_expired', message: 'received and not accepted in time' };
  return yield* applyToAll(rows, { to: 'pending', reason: expired, at });
}

function* applyToAll(rows: readonly JobRow[], change: Change): Operation<readonly JobRecord[]> {
  const moved: JobRecord[] = [];
  for (const row of rows) moved.push(yield* applyChange(jobOf(row), change));
  return moved;
}

export function* requestCancel(id: JobId, reason: Reason, at: number): Operation<JobRecord | null> {
  const job = yield* lockJob(id);
  if (job === null || isFinal(job.state) || job.cancelRequestedAt !== null) return job;
  const code = reason.code === 'deadline' ? 'deadline' : 'user';
  yield* run(
    'UPDATE jobs SET cancel_requested_at = ?, cancel_code = ?, cancel_message = ? WHERE id = ?',
    at,
    code,
    reason.message,
    BigInt(job.id),
  );
  yield* writeJobEvent(job, 'cancel_requested', job.cluster, reason, at);
  return { ...job, cancelRequestedAt: at, cancelCode: code, cancelMessage: reason.message };
}

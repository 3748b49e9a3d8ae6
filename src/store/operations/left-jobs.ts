/**
 * Assigned jobs as an agent that chooses sees them: offered in order, taken by name, or left lying for a time. A job that
 * is left stays assigned; its reason says why, and `left_until` when it may go elsewhere.
 */
import type { Reason } from '../../core/job/state.ts';
import type { ClusterRef, JobId, JobRecord } from '../store.ts';
import { jobOf, selectJobBy, type JobRow } from './job-row.ts';
import { lockJob } from './read-jobs.ts';
import { all, limitOf, run, type Operation } from './statement.ts';
import { holdStream } from './streams.ts';
import { writeJobEvent } from './write-event.ts';
import { applyChange } from './write-transition.ts';

export function* leaveJobs(
  jobs: readonly { readonly id: JobId; readonly epoch: number; readonly message: string; readonly until: number }[],
  at: number,
): Operation<readonly JobRecord[]> {
  const left: JobRecord[] = [];
  for (const { id, epoch, message, until } of inOrder(jobs)) {
    const job = yield* lockJob(id);
    if (job === null || job.state !== 'assigned' || job.epoch !== epoch) continue;
    const reason: Reason = { code: 'left', message };
    const next = {
      ...job,
      reason,
      leftUntil: job.leftUntil !== null && job.leftUntil > at ? job.leftUntil : Math.trunc(until),
    };
    yield* run(
      'UPDATE jobs SET reason_code = ?, reason_message = ?, left_until = ? WHERE id = ?',
      reason.code,
      reason.message,
      next.leftUntil,
      BigInt(job.id),
    );
    // Left again, for the same reason or another: whoever watches has heard of it.
    if (job.reason.code !== 'left') yield* writeJobEvent(next, 'left', job.cluster, reason, at);
    left.push(next);
  }
  return left;
}

export function* leftOverJobs(at: number, limit: number): Operation<readonly JobRecord[]> {
  const rows = yield* all<JobRow>(
    `${selectJobBy('jobs_left')} WHERE jobs.state = 'assigned' AND jobs.left_until IS NOT NULL AND jobs.left_until <= ?
     ORDER BY jobs.left_until, jobs.id LIMIT ?`,
    at,
    limitOf(limit),
  );
  return rows.map(jobOf);
}

export function* assignedJobs(cluster: ClusterRef, limit: number): Operation<readonly JobRecord[]> {
  const rows = yield* all<JobRow>(
    `${selectJobBy('jobs_assigned')} WHERE jobs.cluster = ? AND jobs.cluster_id = ? AND jobs.state = 'assigned'
       AND jobs.cancel_requested_at IS NULL
     ORDER BY jobs.priority DESC, jobs.id LIMIT ?`,
    cluster.name,
    cluster.id,
    limitOf(limit),
  );
  return rows.map(jobOf);
}

export function* receiveTheseJobs(
  cluster: ClusterRef,
  jobs: readonly { readonly id: JobId; readonly epoch: number }[],
  at: number,
  stream: string | null = null,
): Operation<readonly JobRecord[]> {
  if (stream !== null) yield* holdStream(cluster, stream);
  const received: JobRecord[] = [];
  for (const { id, epoch } of inOrder(jobs)) {
    const job = yield* lockJob(id);
    if (job === null || job.state !== 'assigned' || job.epoch !== epoch || job.clusterId !== cluster.id) continue;
    if (job.cancelRequestedAt !== null) continue;
    received.push(yield* applyChange(job, { to: 'received', reason: { code: 'leased', message: '' }, at }));
  }
  return received.sort((a, b) => b.priority - a.priority);
}

/** Locked in one order by everybody, or two transactions could wait for each other. */
function inOrder<T extends { readonly id: JobId }>(jobs: readonly T[]): readonly T[] {
  return jobs.toSorted((a, b) => a.id.length - b.id.length || (a.id < b.id ? -1 : 1));
}

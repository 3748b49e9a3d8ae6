/**
 * The end of a job by an earlier attempt of it that was duplicated: whichever ends first counts. The job's row then tells
 * of that attempt (`ended_by`), and the attempt that was current is closed beside it. The epoch stays: it only grows.
 */
import { mayBeOutrun } from '../../core/job/state.ts';
import type { JobRecord, Outrun, TransitionResult } from '../store.ts';
import { lockJob } from './read-jobs.ts';
import { one, run, type Operation } from './statement.ts';
import { tellEnd } from './tell-end.ts';
import { writeJobEvent } from './write-event.ts';
import { closeAttempt, whole } from './write-transition.ts';

interface EarlierRow {
  readonly cluster: string | null;
  readonly cluster_id: number | null;
  readonly native_id: string | null;
  readonly assigned_at: number | null;
  readonly received_at: number | null;
  readonly accepted_at: number | null;
  readonly started_at: number | null;
}

export function* outrunJob(end: Outrun): Operation<TransitionResult> {
  // 1. Is there such a race?
  const job = yield* lockJob(end.id);
  if (job === null) return { done: false, job: null };
  if (job.epoch !== end.epoch || end.attempt >= job.epoch || !mayBeOutrun(job.state)) return { done: false, job };
  const key = BigInt(job.id);
  const earlier = yield* one<EarlierRow>(
    `DELETE FROM attempts WHERE job_id = ? AND epoch = ? AND reason_code = 'duplicated'
     RETURNING cluster, cluster_id, native_id, assigned_at, received_at, accepted_at, started_at`,
    key,
    end.attempt,
  );
  if (earlier === undefined) return { done: false, job };

  // 2. The current attempt is closed, and the job tells of the other.
  const where = earlier.cluster ?? '';
  const outrun = { code: 'duplicated' as const, message: `attempt ${end.attempt} on ${where} ended first` };
  yield* closeAttempt(key, job, job, { to: 'pending', reason: outrun, at: end.at });
  const next: JobRecord = {
    ...job,
    state: end.to,
    reason: end.reason,
    endedBy: end.attempt,
    cluster: earlier.cluster,
    clusterId: earlier.cluster_id,
    nativeId: end.nativeId ?? earlier.native_id,
    exitCode: end.exitCode ?? null,
    signal: end.signal ?? null,
    assignedAt: earlier.assigned_at,
    receivedAt: earlier.received_at,
    acceptedAt: earlier.accepted_at,
    startedAt: whole(end.startedAt) ?? earlier.started_at,
    endedAt: whole(end.endedAt) ?? end.at,
    leaseExpiresAt: null,
    leftUntil: null,
  };
  yield* run(
    `UPDATE jobs SET state = ?, reason_code = ?, reason_message = ?, ended_by = ?, cluster = ?, cluster_id = ?,
       native_id = ?, exit_code = ?, signal = ?, assigned_at = ?, received_at = ?, accepted_at = ?, started_at = ?,
       ended_at = ?, lease_expires_at = NULL, left_until = NULL WHERE id = ?`,
    next.state,
    next.reason.code,
    next.reason.message,
    next.endedBy,
    next.cluster,
    next.clusterId,
    next.nativeId,
    next.exitCode,
    next.signal,
    next.assignedAt,
    next.receivedAt,
    next.acceptedAt,
    next.startedAt,
    next.endedAt,
    key,
  );
  const detail = { attempt: end.attempt, exitCode: next.exitCode, signal: next.signal };
  yield* writeJobEvent(next, next.state, next.cluster, next.reason, end.at, detail);
  yield* tellEnd(next, job);
  return { done: true, job: next };
}

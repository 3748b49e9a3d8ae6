/**
 * The one place where a job's state is written: the row, the closed attempt, the decision and the event, together.
 * Whoever calls `applyChange` has read and locked the job in the same transaction.
 * Invariants: only moves of core/job/state.ts; a final state has an end time; a move to `pending` closes the attempt
 * and opens the next under epoch + 1.
 */
import { RainbowError } from '../../core/errors.ts';
import { isAllowed, isFinal, type FinalState } from '../../core/job/state.ts';
import type { ClusterRef, JobRecord, Transition, TransitionResult } from '../store.ts';
import { tellBegun } from './begun.ts';
import { isRegistered } from './read-clusters.ts';
import { lockJob } from './read-jobs.ts';
import { tellBack } from './same-name.ts';
import { run, type Operation } from './statement.ts';
import { tellEnd } from './tell-end.ts';
import { writeJobEvent } from './write-event.ts';

/** The parts of a job that a change writes. */
type Written = Pick<
  JobRecord,
  | 'state'
  | 'reason'
  | 'epoch'
  | 'cluster'
  | 'clusterId'
  | 'nativeId'
  | 'exitCode'
  | 'signal'
  | 'assignedAt'
  | 'receivedAt'
  | 'acceptedAt'
  | 'startedAt'
  | 'endedAt'
  | 'leaseExpiresAt'
  | 'leftUntil'
  | 'allocation'
>;

export type Change = Omit<Transition, 'id' | 'from' | 'epoch'>;

export function* transitionJob(change: Transition): Operation<TransitionResult> {
  const job = yield* lockJob(change.id);
  if (job === null) return { done: false, job: null };
  const expected = change.from.includes(job.state) && change.epoch === job.epoch;
  if (!expected || !isAllowed(job.state, change.to)) return { done: false, job };
  // Held meanwhile, or the chosen cluster was deleted: a lost race like any other.
  if (change.to === 'assigned' && job.waits !== 0) return { done: false, job };
  if (change.to === 'assigned' && !(yield* isRegistered(chosen(change)))) return { done: false, job };
  return { done: true, job: yield* applyChange(job, change) };
}

function chosen(change: Transition): ClusterRef {
  if (change.cluster !== undefined) return change.cluster;
  throw new RainbowError('internal', 'a move to assigned names no cluster', { place: `job ${change.id}` });
}

/** Writes an allowed change of a locked job; for `assigned`, to a cluster that is registered. */
export function* applyChange(job: JobRecord, change: Change): Operation<JobRecord> {
  const key = BigInt(job.id);
  const reported = withReport(job, change);
  if (change.to === 'pending') yield* closeAttempt(key, job, reported, change);
  const next = { ...job, ...after(job, reported, change) };
  yield* run(
    `UPDATE jobs SET state = ?, reason_code = ?, reason_message = ?, epoch = ?, cluster = ?, cluster_id = ?,
       native_id = ?, exit_code = ?, signal = ?, assigned_at = ?, received_at = ?, accepted_at = ?, started_at = ?,
       ended_at = ?, lease_expires_at = ?, left_until = ? WHERE id = ?`,
    next.state,
    next.reason.code,
    next.reason.message,
    next.epoch,
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
    next.leaseExpiresAt,
    next.leftUntil,
    key,
  );
  if (next.allocation !== job.allocation) {
    yield* run('UPDATE job_documents SET allocation = ? WHERE job_id = ?', next.allocation, key);
  }
  if (change.decision !== undefined && change.decision !== null) {
    yield* writeDecision(key, next.epoch, change.at, change.decision);
  }
  yield* writeJobEvent(next, next.state, next.cluster ?? job.cluster, next.reason, change.at, detailOf(next, job));
  if (isFinal(next.state)) yield* tellEnd(next, job);
  else if (next.state === 'running' && next.dependedOn) yield* tellBegun(next);
  else if (next.state === 'pending') yield* tellBack(next);
  return next;
}

export function writeDecision(job: bigint, epoch: number, at: number, decision: string): Operation<void> {
  return run('INSERT INTO decisions (job_id, epoch, at, decision) VALUES (?, ?, ?, ?)', job, epoch, at, decision);
}

/** What the change says of the attempt that is current before it. */
function withReport(job: JobRecord, change: Change): Written {
  return {
    ...job,
    nativeId: change.nativeId ?? job.nativeId,
    exitCode: change.exitCode ?? job.exitCode,
    signal: change.signal ?? job.signal,
    acceptedAt: whole(change.acceptedAt) ?? job.acceptedAt,
    startedAt: whole(change.startedAt) ?? job.startedAt,
    leftUntil: null,
  };
}

/** An attempt that is closed keeps the state it was in, unless it is said how it ended; the reason says why it went back. */
export function closeAttempt(key: bigint, job: JobRecord, reported: Written, change: Change): Operation<void> {
  const { state, reason } = change.attempt ?? { state: job.state, reason: change.reason };
  return run(
    `INSERT INTO attempts (job_id, epoch, state, reason_code, reason_message, cluster, cluster_id, native_id,
       exit_code, signal, assigned_at, received_at, accepted_at, started_at, ended_at)
     VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
    key,
    job.epoch,
    state,
    reason.code,
    reason.message,
    job.cluster,
    job.clusterId,
    reported.nativeId,
    reported.exitCode,
    reported.signal,
    job.assignedAt,
    job.receivedAt,
    reported.acceptedAt,
    reported.startedAt,
    whole(change.endedAt) ?? change.at,
  );
}

function after(job: JobRecord, reported: Written, change: Change): Written {
  const { at, reason, to } = change;
  switch (to) {
    case 'pending':
      return { ...NOWHERE, state: to, reason, epoch: job.epoch + 1 };
    case 'assigned':
      return {
        ...NOWHERE,
        state: to,
        reason,
        epoch: job.epoch,
        cluster: change.cluster?.name ?? null,
        clusterId: change.cluster?.id ?? null,
        allocation: change.allocation ?? null,
        assignedAt: at,
      };
    case 'received':
      return { ...reported, state: to, reason, receivedAt: at, leaseExpiresAt: whole(change.leaseExpiresAt) ?? null };
    case 'accepted':
      return {
        ...reported,
        state: to,
        reason,
        acceptedAt: reported.acceptedAt ?? at,
        leaseExpiresAt: whole(change.leaseExpiresAt) ?? null,
      };
    case 'running':
      return { ...reported, state: to, reason, startedAt: reported.startedAt ?? at, leaseExpiresAt: null };
    case 'unknown':
      return { ...reported, state: to, reason, leaseExpiresAt: null };
    default:
      to satisfies FinalState;
      return { ...reported, state: to, reason, endedAt: whole(change.endedAt) ?? at, leaseExpiresAt: null };
  }
}

/** Of a job that no cluster has. */
const NOWHERE: Omit<Written, 'state' | 'reason' | 'epoch'> = {
  cluster: null,
  clusterId: null,
  nativeId: null,
  exitCode: null,
  signal: null,
  assignedAt: null,
  receivedAt: null,
  acceptedAt: null,
  startedAt: null,
  endedAt: null,
  leaseExpiresAt: null,
  leftUntil: null,
  allocation: null,
};

function detailOf(next: JobRecord, before: JobRecord): Readonly<Record<string, unknown>> | null {
  if (isFinal(next.state) && (next.exitCode !== null || next.signal !== null)) {
    return { exitCode: next.exitCode, signal: next.signal };
  }
  if (next.nativeId !== null && next.nativeId !== before.nativeId) return { nativeId: next.nativeId };
  return null;
}

/** Reported times may carry fractions of a millisecond; columns are whole. */
export function whole(time: number | null | undefined): number | null {
  return time === undefined || time === null ? null : Math.trunc(time);
}

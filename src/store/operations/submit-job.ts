/** A new job where it stands once stored, with its decision and its events; or the earlier one under the same key. */
import { RainbowError } from '../../core/errors.ts';
import type { ClusterRef, JobId, JobRecord, NewJob } from '../store.ts';
import { jobOf, SELECT_JOB, type JobRow } from './job-row.ts';
import { isRegistered } from './read-clusters.ts';
import { one, run, type Operation } from './statement.ts';
import { writeJobEvent } from './write-event.ts';
import { writeDecision } from './write-transition.ts';

export function* submitJob(job: NewJob): Operation<{ readonly job: JobRecord; readonly created: boolean }> {
  // 1. A repeated submit is answered with what the first one stored.
  if (job.idempotencyKey !== null) {
    const earlier = yield* one<JobRow>(
      `${SELECT_JOB} WHERE jobs.owner = ? AND jobs.idempotency_key = ?`,
      job.owner,
      job.idempotencyKey,
    );
    if (earlier !== undefined) return { job: jobOf(earlier), created: false };
  }

  // 2. The job, as the decision left it.
  const { outcome, at } = job;
  const assigned = outcome.state === 'assigned' ? outcome : null;
  if (assigned !== null && !(yield* isRegistered(assigned.cluster))) throw clusterGone(assigned.cluster);
  const cluster = assigned?.cluster.name ?? null;
  const clusterId = assigned?.cluster.id ?? null;
  const allocation = assigned?.allocation ?? null;
  const ended = outcome.state === 'rejected' ? at : null;
  const inserted = yield* one<{ id: string }>(
    `INSERT INTO jobs (name, owner, idempotency_key, priority, walltime, on_cluster_loss, submitted_at, state,
       reason_code, reason_message, epoch, cluster, cluster_id, assigned_at, ended_at)
     VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 1, ?, ?, ?, ?) RETURNING CAST(id AS TEXT) AS id`,
    job.name,
    job.owner,
    job.idempotencyKey,
    job.priority,
    job.walltime,
    job.onClusterLoss,
    at,
    outcome.state,
    outcome.reason.code,
    outcome.reason.message,
    cluster,
    clusterId,
    assigned === null ? null : at,
    ended,
  );
  const id = (inserted as { id: string }).id;
  const key = BigInt(id);
  yield* run(
    `INSERT INTO job_documents (job_id, jobspec, candidates, policy, policy_options, allocation, bidding)
     VALUES (?, ?, ?, ?, ?, ?, ?)`,
    key,
    job.jobspec,
    JSON.stringify(candidatesOf(job)),
    job.policy,
    JSON.stringify(job.policyOptions),
    allocation,
    biddingText(job),
  );
  if (job.decision !== null) yield* writeDecision(key, 1, at, job.decision);

  // 3. What it tells.
  const stored = storedJob(job, id);
  yield* writeBirth(stored);
  return { created: true, job: stored };
}

/** Every job begins as pending, for those who watch; where it went at once is the second event. */
export function* writeBirth(job: JobRecord): Operation<void> {
  const pending = job.state === 'pending' ? job.reason : { code: 'submitted' as const, message: '' };
  yield* writeJobEvent(job, 'pending', null, pending, job.submittedAt);
  if (job.state !== 'pending') yield* writeJobEvent(job, job.state, job.cluster, job.reason, job.submittedAt);
}

/** The new job as it can be read from now on. */
export function storedJob(job: NewJob, id: JobId): JobRecord {
  const { outcome, at } = job;
  const assigned = outcome.state === 'assigned' ? outcome : null;
  return {
    id,
    name: job.name,
    owner: job.owner,
    state: outcome.state,
    reason: outcome.reason,
    epoch: 1,
    cluster: assigned?.cluster.name ?? null,
    clusterId: assigned?.cluster.id ?? null,
    nativeId: null,
    exitCode: null,
    signal: null,
    submittedAt: at,
    assignedAt: assigned === null ? null : at,
    receivedAt: null,
    acceptedAt: null,
    startedAt: null,
    endedAt: outcome.state === 'rejected' ? at : null,
    leaseExpiresAt: null,
    cancelRequestedAt: null,
    priority: job.priority,
    walltime: job.walltime,
    onClusterLoss: job.onClusterLoss,
    candidates: candidatesOf(job),
    policy: job.policy,
    policyOptions: job.policyOptions,
    jobspec: job.jobspec,
    bidding: job.bidding ?? null,
    allocation: assigned?.allocation ?? null,
  };
}

export function biddingText({ bidding }: NewJob): string | null {
  return bidding === undefined || bidding === null ? null : JSON.stringify(bidding);
}

/** No more of them than who they are: callers have whole records. */
export function candidatesOf({ candidates }: NewJob): readonly ClusterRef[] {
  return candidates.map(({ name, id }) => ({ name, id }));
}

export function clusterGone({ name }: ClusterRef): RainbowError {
  return new RainbowError('aborted', `cluster ${name} was deleted while the job was being placed; submit it again`);
}

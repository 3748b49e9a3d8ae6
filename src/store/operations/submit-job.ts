/** A new job where it stands once stored, with its decision and its events; or the earlier one under the same key. */
import { RainbowError } from '../../core/errors.ts';
import { isNoHandling, NO_HANDLING } from '../../core/job/handling.ts';
import type { JobState } from '../../core/job/state.ts';
import type { ClusterRef, JobId, JobRecord, NewJob, WhenToRun } from '../store.ts';
import { isRegistered } from './read-clusters.ts';
import { getJob } from './read-jobs.ts';
import { insert, one, run, type Operation } from './statement.ts';
import { writeJobEvent } from './write-event.ts';
import { writeDecision } from './write-transition.ts';

/** A job that is new is what `storedJob` makes of it: it need not travel. */
export type Stored =
  | { readonly created: true; readonly id: JobId }
  | { readonly created: false; readonly job: JobRecord };

export function* submitJob(job: NewJob): Operation<Stored> {
  // 1. A repeated submit is answered with what the first one stored.
  const earlier = yield* earlierSubmit(job);
  if (earlier !== null) return { created: false, job: earlier };

  // 2. The job, as the decision left it.
  const { outcome, at } = job;
  const assigned = outcome.state === 'assigned' ? outcome : null;
  if (assigned !== null && !(yield* isRegistered(assigned.cluster))) throw clusterGone(assigned.cluster);
  const id = yield* insert(
    `INSERT INTO jobs (name, owner, idempotency_key, priority, walltime, on_cluster_loss, submitted_at, state,
       reason_code, reason_message, epoch, cluster, cluster_id, assigned_at, ended_at, waits, begin_at, start_before,
       deadline, start_by, overcommit, question)
     VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 1, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
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
    assigned?.cluster.name ?? null,
    assigned?.cluster.id ?? null,
    assigned === null ? null : at,
    isEnd(outcome.state) ? at : null,
    ...whenValues(job),
  );
  const key = BigInt(id);
  yield* run(
    `INSERT INTO job_documents
       (job_id, jobspec, candidates, policy, policy_options, handling, allocation, later, bidding, image)
     VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
    key,
    job.jobspec,
    JSON.stringify(candidatesOf(job)),
    job.policy,
    JSON.stringify(job.policyOptions),
    handlingText(job),
    assigned?.allocation ?? null,
    laterText(job),
    biddingText(job),
    job.image ?? null,
  );
  if (job.decision !== null) yield* writeDecision(key, 1, at, job.decision);

  // 3. What it tells.
  yield* writeBirth(job, id);
  return { created: true, id };
}

/** What was stored under that key; of an array its first task. */
export function* earlierSubmit(job: Pick<NewJob, 'owner' | 'idempotencyKey'>): Operation<JobRecord | null> {
  if (job.idempotencyKey === null) return null;
  // Nearly always there is none; asking for the whole row at once costs five times as much.
  const earlier = yield* one<{ id: string }>(
    'SELECT CAST(id AS TEXT) AS id FROM jobs WHERE owner = ? AND idempotency_key = ?',
    job.owner,
    job.idempotencyKey,
  );
  return earlier === undefined ? null : yield* getJob(earlier.id);
}

/** Every job begins as pending, for those who watch; where it went at once is the second event. */
export function* writeBirth({ owner, outcome, at }: NewJob, id: JobId): Operation<void> {
  const job = { id, owner, epoch: 1, array: null };
  const { state, reason } = outcome;
  const pending = state === 'pending' ? reason : { code: 'submitted' as const, message: '' };
  yield* writeJobEvent(job, 'pending', null, pending, at);
  if (state === 'pending') return;
  yield* writeJobEvent(job, state, outcome.state === 'assigned' ? outcome.cluster.name : null, reason, at);
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
    endedAt: isEnd(outcome.state) ? at : null,
    leaseExpiresAt: null,
    cancelRequestedAt: null,
    leftUntil: null,
    endedBy: null,
    priority: job.priority,
    walltime: job.walltime,
    onClusterLoss: job.onClusterLoss,
    candidates: candidatesOf(job),
    policy: job.policy,
    policyOptions: job.policyOptions,
    handling: job.handling ?? NO_HANDLING,
    jobspec: job.jobspec,
    bidding: job.bidding ?? null,
    image: job.image ?? null,
    allocation: assigned?.allocation ?? null,
    waits: isEnd(outcome.state) ? 0 : (job.waits ?? 0),
    beginAt: job.beginAt ?? null,
    startBefore: job.startBefore ?? null,
    deadline: job.deadline ?? null,
    startBy: job.startBy ?? null,
    array: null,
    dependedOn: false,
    cancelCode: null,
    cancelMessage: null,
    overcommit: job.overcommit ?? null,
    later: job.later ?? null,
    question: job.question ?? null,
  };
}

function isEnd(state: NewJob['outcome']['state']): boolean {
  return state === 'rejected' || state === 'canceled';
}

type When = WhenToRun & { readonly outcome: { readonly state: JobState } };

/** waits, begin_at, start_before, deadline, start_by, overcommit, question. */
export function whenValues(job: When): readonly (number | string | null)[] {
  const {
    beginAt = null,
    startBefore = null,
    deadline = null,
    startBy = null,
    overcommit = null,
    question = null,
  } = job;
  const waits = job.outcome.state === 'pending' ? (job.waits ?? 0) : 0;
  return [waits, beginAt, startBefore, deadline, startBy, overcommit, question];
}

export function laterText({ later }: WhenToRun): string | null {
  return later === undefined || later === null ? null : JSON.stringify(later);
}

export function biddingText({ bidding }: Pick<NewJob, 'bidding'>): string | null {
  return bidding === undefined || bidding === null ? null : JSON.stringify(bidding);
}

/** No more of them than who they are: callers have whole records. */
export function candidatesOf({ candidates }: Pick<NewJob, 'candidates'>): readonly ClusterRef[] {
  return candidates.map(({ name, id }) => ({ name, id }));
}

/** Null where nothing is asked for, as of most jobs. */
export function handlingText({ handling = NO_HANDLING }: NewJob): string | null {
  return isNoHandling(handling) ? null : JSON.stringify(handling);
}

export function clusterGone({ name }: ClusterRef): RainbowError {
  return new RainbowError('aborted', `cluster ${name} was deleted while the job was being placed; submit it again`);
}

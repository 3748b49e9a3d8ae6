/** A job as the database has it, and as the store's callers have it. */
import { NO_HANDLING, type Handling } from '../../core/job/handling.ts';
import type { JobState, OnClusterLoss, ReasonCode } from '../../core/job/state.ts';
import type { ArrayPlace, BiddingChoice, ClusterRef, JobId, JobRecord, LaterClusters } from '../store.ts';

export interface JobRow {
  readonly id: string;
  readonly name: string;
  readonly owner: string;
  readonly state: JobState;
  readonly reason_code: ReasonCode;
  readonly reason_message: string;
  readonly epoch: number;
  readonly cluster: string | null;
  readonly cluster_id: number | null;
  readonly native_id: string | null;
  readonly exit_code: number | null;
  readonly signal: number | null;
  readonly submitted_at: number;
  readonly assigned_at: number | null;
  readonly received_at: number | null;
  readonly accepted_at: number | null;
  readonly started_at: number | null;
  readonly ended_at: number | null;
  readonly lease_expires_at: number | null;
  readonly cancel_requested_at: number | null;
  readonly left_until: number | null;
  readonly ended_by: number | null;
  readonly priority: number;
  readonly walltime: number;
  readonly on_cluster_loss: OnClusterLoss;
  readonly candidates: string;
  readonly policy: string;
  readonly policy_options: string;
  readonly handling: string | null;
  readonly jobspec: string;
  readonly image: string | null;
  readonly allocation: string | null;
  readonly waits: number;
  readonly begin_at: number | null;
  readonly start_before: number | null;
  readonly deadline: number | null;
  readonly start_by: number | null;
  readonly array_id: string | null;
  readonly array_index: number | null;
  readonly array_facts: string | null;
  readonly depended_on: number;
  readonly cancel_code: 'user' | 'deadline' | null;
  readonly cancel_message: string | null;
  readonly overcommit: 'queue' | 'deny' | null;
  readonly later: string | null;
  readonly question: string | null;
  readonly bidding: string | null;
}

/** What the tasks of an array share is kept with it, and never changes. */
export function shared(column: string): string {
  return `CASE WHEN jobs.array_id IS NULL THEN job_documents.${column}
    ELSE (SELECT arrays.${column} FROM arrays WHERE arrays.id = jobs.array_id) END AS ${column}`;
}

const COLUMNS = `CAST(jobs.id AS TEXT) AS id, jobs.name, jobs.owner, jobs.state, jobs.reason_code,
  jobs.reason_message, jobs.epoch, jobs.cluster, jobs.cluster_id, jobs.native_id, jobs.exit_code, jobs.signal,
  jobs.submitted_at, jobs.assigned_at, jobs.received_at, jobs.accepted_at, jobs.started_at, jobs.ended_at,
  jobs.lease_expires_at, jobs.cancel_requested_at, jobs.left_until, jobs.ended_by, jobs.priority, jobs.walltime,
  jobs.on_cluster_loss, jobs.waits, jobs.begin_at, jobs.start_before, jobs.deadline, jobs.start_by,
  CAST(jobs.array_id AS TEXT) AS array_id,
  jobs.array_index, CASE WHEN jobs.array_id IS NULL THEN NULL ELSE (SELECT CAST(arrays.tasks AS TEXT) || ' ' ||
    arrays.least_index || ' ' || arrays.most_index FROM arrays WHERE arrays.id = jobs.array_id) END AS array_facts,
  jobs.depended_on, jobs.cancel_code, jobs.cancel_message, jobs.overcommit, jobs.question,
  ${shared('candidates')}, job_documents.policy, job_documents.policy_options, job_documents.handling,
  ${shared('jobspec')}, ${shared('image')}, job_documents.allocation, job_documents.later, job_documents.bidding`;
const DOCUMENTS = 'JOIN job_documents ON job_documents.job_id = jobs.id';

/** Follow it with WHERE. In ORDER BY, write `jobs.id`: a bare `id` is the text. */
export const SELECT_JOB = `SELECT ${COLUMNS} FROM jobs ${DOCUMENTS}`;

/** The same by one index, where SQLite would choose another and sort. */
export function selectJobBy(index: string): string {
  return `SELECT ${COLUMNS} FROM jobs INDEXED BY ${index} ${DOCUMENTS}`;
}

export function jobOf(row: JobRow): JobRecord {
  return {
    id: row.id,
    name: row.name,
    owner: row.owner,
    state: row.state,
    reason: { code: row.reason_code, message: row.reason_message },
    epoch: row.epoch,
    cluster: row.cluster,
    clusterId: row.cluster_id,
    nativeId: row.native_id,
    exitCode: row.exit_code,
    signal: row.signal,
    submittedAt: row.submitted_at,
    assignedAt: row.assigned_at,
    receivedAt: row.received_at,
    acceptedAt: row.accepted_at,
    startedAt: row.started_at,
    endedAt: row.ended_at,
    leaseExpiresAt: row.lease_expires_at,
    cancelRequestedAt: row.cancel_requested_at,
    leftUntil: row.left_until,
    endedBy: row.ended_by,
    priority: row.priority,
    walltime: row.walltime,
    onClusterLoss: row.on_cluster_loss,
    candidates: JSON.parse(row.candidates) as ClusterRef[],
    policy: row.policy,
    policyOptions: JSON.parse(row.policy_options) as Record<string, string>,
    handling: row.handling === null ? NO_HANDLING : (JSON.parse(row.handling) as Handling),
    jobspec: row.jobspec,
    bidding: row.bidding === null ? null : (JSON.parse(row.bidding) as BiddingChoice),
    image: row.image,
    allocation: row.allocation,
    waits: row.waits,
    beginAt: row.begin_at,
    startBefore: row.start_before,
    deadline: row.deadline,
    startBy: row.start_by,
    array: placeOf(row),
    dependedOn: row.depended_on !== 0,
    cancelCode: row.cancel_code,
    cancelMessage: row.cancel_message,
    overcommit: row.overcommit,
    later: row.later === null ? null : (JSON.parse(row.later) as LaterClusters),
    question: row.question,
  };
}

function placeOf({ array_id: id, array_index: index, array_facts: facts }: JobRow): ArrayPlace | null {
  if (id === null) return null;
  const [count = 0, least = 0, most = 0] = (facts ?? '').split(' ').map(Number);
  return { id, index: index ?? 0, count, least, most };
}

const ID = /^[1-9][0-9]{0,18}$/;
export const LARGEST_ID = 2n ** 63n - 1n;

/** The id as a number for the database; null where no job can have it, as with any text that is not an id. */
export function idOf(id: JobId): bigint | null {
  if (!ID.test(id)) return null;
  const value = BigInt(id);
  return value > LARGEST_ID ? null : value;
}

/**
 * The one table of a job's states (docs/life-of-a-job.md). Pure: nothing here reads or writes.
 * Invariant: a final state has no way out; every write is conditional on (state, epoch), so a lost race is a
 * normal outcome that the store reports as such.
 */
export const JOB_STATES = [
  'pending',
  'assigned',
  'received',
  'accepted',
  'running',
  'unknown',
  'completed',
  'failed',
  'canceled',
  'rejected',
] as const;
export type JobState = (typeof JOB_STATES)[number];

/** The moves that are allowed. Each way back to `pending` begins a new attempt under the next epoch. */
export const TRANSITIONS: Readonly<Record<JobState, readonly JobState[]>> = {
  pending: ['assigned', 'canceled', 'rejected', 'failed'],
  assigned: ['received', 'canceled', 'pending'],
  received: ['accepted', 'canceled', 'unknown', 'pending'],
  accepted: ['running', 'completed', 'failed', 'canceled', 'unknown', 'pending'],
  running: ['completed', 'failed', 'canceled', 'unknown', 'pending'],
  unknown: ['accepted', 'running', 'completed', 'failed', 'canceled', 'pending'],
  completed: [],
  failed: [],
  canceled: [],
  rejected: [],
};

export type FinalState = 'completed' | 'failed' | 'canceled' | 'rejected';

export function isFinal(state: JobState): state is FinalState {
  return TRANSITIONS[state].length === 0;
}

export function isAllowed(from: JobState, to: JobState): boolean {
  return TRANSITIONS[from].includes(to);
}

/**
 * Of a job whose attempt was duplicated: may an earlier attempt's end be its end, whatever the current one is at? Such
 * a job goes to `completed` or `failed` from any state that is not final.
 */
export function mayBeOutrun(state: JobState): boolean {
  return !isFinal(state);
}

/** States in which a cluster's agent (or poller) holds the job under a lease. */
export const HELD_STATES = ['received', 'accepted', 'running', 'unknown'] as const satisfies readonly JobState[];

/** States in which the job's resources are debited from its cluster. */
export const DEBITED_STATES = ['assigned', ...HELD_STATES] as const satisfies readonly JobState[];

/** Why a job is where it is. */
export interface Reason {
  readonly code: ReasonCode;
  /** For people; may be empty where the code says it all. */
  readonly message: string;
}

export const REASON_CODES = [
  // pending
  'submitted',
  'held',
  'dependency',
  'begin',
  'array_limit',
  'waiting_for_cluster',
  'match_unknown',
  'bidding',
  'nothing_free',
  // back to pending
  'moved',
  'cluster_drained',
  'cluster_deleted',
  'cluster_silent',
  'lease_expired',
  'not_held',
  'refused',
  'retry',
  'requeued',
  'duplicated', // a second attempt begins elsewhere, while this one may go on
  'left', // also of a job that is assigned: its agent leaves it lying
  // on the way
  'selected',
  'leased',
  'in_native_queue',
  'started',
  'agent_back',
  'restored', // the store was put back to an earlier state: it may have gone on meanwhile
  // files that it leaves behind
  'collected',
  // bids
  'invalid_bid', // an answer that cannot be one
  // ends
  'exit',
  'signal',
  'time_limit',
  'out_of_memory',
  'node_failure',
  'preempted',
  'deadline',
  'user',
  'native',
  'not_reported',
  'cluster_lost',
  'never_fits',
  'cannot_start', // the runner could not start its program: no such file, not permitted
] as const;
export type ReasonCode = (typeof REASON_CODES)[number];

/** What is done when the cluster that holds the job is silent. */
export type OnClusterLoss = 'wait' | 'requeue' | 'fail' | 'duplicate';

/**
 * What the store keeps, by subject. Both engines (sqlite/, postgres/) are admitted by one suite
 * (conformance.ts). Every call is one transaction; its promise resolves after the commit that holds it.
 * Calls of many callers share a commit (group commit); a failing call never takes others with it.
 *
 * Times are milliseconds since 1970. Job ids are 64-bit, as decimal strings. Secrets come in hashed.
 * Errors: RainbowError `unavailable` (disk full, closed, locked), `resource_exhausted` (too many calls wait),
 * `already_exists`, `not_found`; a lost race is a result, not an error.
 *
 * Long, because the port is read as one; arrays, retention and what a job waits for are in files beside it.
 */
import type { Handling } from '../core/job/handling.ts';
import type { JobState, OnClusterLoss, Reason } from '../core/job/state.ts';
import type { Dependency } from '../core/job/waits.ts';
import type { ArrayPlace, ArrayStore } from './array-store.ts';
import type { BiddingChoice, BidStore } from './bid-store.ts';
import type { ClusterRef, ClusterStore } from './cluster-store.ts';
import type { FileStore } from './file-store.ts';
import type { EventStore } from './event-store.ts';
import type { OutputChunk, OutputEnd, OutputStore } from './output-store.ts';
import type { RetentionStore } from './retention-store.ts';
import type { ServerStore } from './server-store.ts';
import type { KnownQuestion, LaterClusters, WhenToRun } from './when-to-run.ts';

export type { ArrayFilter, ArrayPlace, ArrayRecord, ArrayStore, NewArray } from './array-store.ts';
export type { BidCountKind, BiddingChoice, BidOutcome, BidStore, DecisionFilter, PlacedDecision } from './bid-store.ts';
export type {
  AgentInstance,
  ClusterRecord,
  ClusterRef,
  ClusterService,
  ClusterStore,
  Document,
  Documents,
  MaintenanceWindow,
  ResourceCount,
  ServiceEvent,
} from './cluster-store.ts';
export type { FileSetRecord, FileStore, JobFilesRecord, NewBlob } from './file-store.ts';
export { PIECE_BYTES } from './file-store.ts';
export type { EventRecord, EventStore } from './event-store.ts';
export { IN_SERVICE } from './cluster-store.ts';
export type { RetentionStore } from './retention-store.ts';
export type { KnownQuestion, LaterClusters, WhenToRun } from './when-to-run.ts';

export interface Store {
  readonly kind: 'sqlite' | 'postgres' | 'memory';
  /** Are calls run in the order in which they are made, and those of one turn in one commit? */
  readonly inOrder: boolean;
  readonly clusters: ClusterStore;
  readonly groups: GroupStore;
  readonly jobs: JobStore;
  readonly arrays: ArrayStore;
  readonly retention: RetentionStore;
  readonly bids: BidStore;
  readonly events: EventStore;
  readonly output: OutputStore;
  readonly files: FileStore;
  readonly settings: SettingStore;
  readonly servers: ServerStore;
  /** Waits for what is under way, then closes. Calls after it are `unavailable`. */
  close(): Promise<void>;
}

export type JobId = string;

// ── groups ──────────────────────────────────────────────────────────────────────────────────────────────────

export interface GroupRecord {
  readonly name: string;
  readonly tokenHash: Uint8Array;
  readonly clusters: readonly string[];
  readonly createdAt: number;
}

export interface GroupStore {
  /** `already_exists` where the name is taken (by a cluster or a group); `not_found` names a missing cluster. */
  create(group: { name: string; tokenHash: Uint8Array; clusters: readonly string[]; at: number }): Promise<GroupRecord>;
  update(name: string, clusters: readonly string[], at: number): Promise<GroupRecord>;
  delete(name: string, at: number): Promise<boolean>;
  get(name: string): Promise<GroupRecord | null>;
  list(): Promise<readonly GroupRecord[]>;
}

// ── jobs ────────────────────────────────────────────────────────────────────────────────────────────────────

export interface JobRecord {
  readonly id: JobId;
  readonly name: string;
  readonly owner: string;
  readonly state: JobState;
  readonly reason: Reason;
  /** Number of the current attempt, from 1, and its lease's epoch: the fence for every write. */
  readonly epoch: number;
  readonly cluster: string | null;
  readonly clusterId: number | null;
  readonly nativeId: string | null;
  readonly exitCode: number | null;
  readonly signal: number | null;
  readonly submittedAt: number;
  readonly assignedAt: number | null;
  readonly receivedAt: number | null;
  readonly acceptedAt: number | null;
  readonly startedAt: number | null;
  readonly endedAt: number | null;
  /** Only for a polling prototype client: when its unaccepted lease returns. */
  readonly leaseExpiresAt: number | null;
  readonly cancelRequestedAt: number | null;
  /** While assigned: its agent leaves it lying, and then it may go elsewhere. */
  readonly leftUntil: number | null;
  /**
   * Of a job that an earlier attempt ended, while a second ran (`duplicate`): that attempt. Cluster, times and exit are
   * then that attempt's; `epoch` stays what it was, since it only grows.
   */
  readonly endedBy: number | null;
  readonly priority: number;
  /** Seconds. */
  readonly walltime: number;
  readonly onClusterLoss: OnClusterLoss;
  /** The clusters that its submitter might use then: a later cluster of such a name is none of them. */
  readonly candidates: readonly ClusterRef[];
  readonly policy: string;
  readonly policyOptions: Readonly<Record<string, string>>;
  readonly handling: Handling;
  readonly jobspec: string;
  /** What its owner wants of bids; null: the server's default in everything. */
  readonly bidding: BiddingChoice | null;
  /** What its image needs, as JSON (core/image/resolved.ts); null: it names no image. */
  readonly image: string | null;
  /** The witness of the current attempt as JSON (vertices by id), so that debits survive a restart; null: none. */
  readonly allocation: string | null;
  /** Bits of core/job/waits.ts; only a pending job with none of them is decided. */
  readonly waits: number;
  /** Not to start before; null: at once. */
  readonly beginAt: number | null;
  /** To have started by then, or not at all. */
  readonly startBefore: number | null;
  /** To have ended by then. */
  readonly deadline: number | null;
  /** The latest start: by `startBefore`, and such that what it asked to run for fits before `deadline`. */
  readonly startBy: number | null;
  /** Its array, and its place there; null for a job by itself. */
  readonly array: ArrayPlace | null;
  /** Others wait for its end. */
  readonly dependedOn: boolean;
  /** Why its cancel was asked for; null where it was not. */
  readonly cancelCode: 'user' | 'deadline' | null;
  /** What they said; null while nobody has asked. */
  readonly cancelMessage: string | null;
  /** What to do where it fits and nothing is free; null: as the server is set. */
  readonly overcommit: 'queue' | 'deny' | null;
  /** Which later clusters it waits for and may use; null: it waits for none. */
  readonly later: LaterClusters | null;
  /** Jobs with equal ones are decided alike; null: with no other. */
  readonly question: string | null;
}

/** What a job takes of its cluster: all that is kept in memory of the jobs that are there. */
export interface DebitedJob extends Pick<
  JobRecord,
  | 'id'
  | 'epoch'
  | 'state'
  | 'cluster'
  | 'priority'
  | 'walltime'
  | 'startedAt'
  | 'allocation'
  | 'bidding'
  | 'jobspec'
  | 'image'
> {
  readonly reason: Pick<Reason, 'code'>;
}

export interface NewJob extends WhenToRun {
  readonly name: string;
  readonly owner: string;
  readonly jobspec: string;
  readonly candidates: readonly ClusterRef[];
  readonly policy: string;
  readonly policyOptions: Readonly<Record<string, string>>;
  readonly priority: number;
  readonly walltime: number;
  readonly onClusterLoss: OnClusterLoss;
  readonly handling?: Handling;
  /** Default: null. */
  readonly bidding?: BiddingChoice | null;
  /** As in JobRecord. */
  readonly image?: string | null;
  /** Unique per owner; null: none. */
  readonly idempotencyKey: string | null;
  readonly at: number;
  /** Where it stands once stored: pending, rejected or canceled (with the reason), or assigned. */
  readonly outcome:
    | { readonly state: 'pending' | 'rejected' | 'canceled'; readonly reason: Reason }
    | {
        readonly state: 'assigned';
        readonly reason: Reason;
        readonly cluster: ClusterRef;
        readonly allocation: string | null;
      };
  /** The decision as JSON; null where none was taken. */
  readonly decision: string | null;
}

/** One conditional write. It happens only if the job is in one of `from` under `epoch`. */
export interface Transition {
  readonly id: JobId;
  readonly from: readonly JobState[];
  readonly epoch: number;
  readonly to: JobState;
  readonly reason: Reason;
  readonly at: number;
  /** Needed for `assigned`: the cluster that was decided on. If it is gone, the race is lost, namesake or not. */
  readonly cluster?: ClusterRef;
  readonly allocation?: string | null;
  readonly decision?: string | null;
  readonly nativeId?: string;
  readonly leaseExpiresAt?: number | null;
  readonly acceptedAt?: number;
  readonly startedAt?: number;
  readonly endedAt?: number;
  readonly exitCode?: number | null;
  readonly signal?: number | null;
  /** Of a move to `pending`: how the attempt that it closes ended; else it keeps the state it was in, and `reason`. */
  readonly attempt?: { readonly state: 'failed'; readonly reason: Reason };
}

export type TransitionResult =
  /** `job` is the job after the write. */
  | { readonly done: true; readonly job: JobRecord }
  /** Lost the race, or not allowed by the table; `job` is what is there now, null if there is none. */
  | { readonly done: false; readonly job: JobRecord | null };

/** Tasks of arrays are left out, but for those of the array that is asked for. */
export interface JobFilter {
  readonly owner?: string;
  readonly states?: readonly JobState[];
  readonly cluster?: string;
  readonly name?: string;
  /** The tasks of this array, instead of jobs. */
  readonly array?: JobId;
  /** Of those, the ones with these indices. */
  readonly indices?: readonly number[];
  /** Submitted then or later; before then. */
  readonly since?: number;
  readonly until?: number;
  /**
   * `submitted` (by id) where it is left out. `ended`: those that have ended, by when. `priority`: those that have not,
   * highest first; sorted in memory, so as dear as there are many.
   */
  readonly sort?: 'submitted' | 'priority' | 'ended';
  readonly oldestFirst?: boolean;
  /** Exclusive: ids after this one in the order asked for. */
  readonly after?: JobId;
  /** With `after`, where the order is not by id: the end or the priority of that job. */
  readonly afterKey?: number;
  readonly limit: number;
}

/** How an earlier attempt ended that ran beside the current one. */
export interface Outrun {
  readonly id: JobId;
  /** The job's. */
  readonly epoch: number;
  readonly attempt: number;
  readonly to: 'completed' | 'failed';
  readonly reason: Reason;
  readonly at: number;
  readonly nativeId?: string;
  readonly startedAt?: number;
  readonly endedAt?: number;
  readonly exitCode?: number | null;
  readonly signal?: number | null;
}

export interface AttemptRecord {
  readonly epoch: number;
  readonly cluster: string | null;
  readonly nativeId: string | null;
  readonly state: JobState;
  readonly reason: Reason;
  readonly assignedAt: number | null;
  readonly receivedAt: number | null;
  readonly acceptedAt: number | null;
  readonly startedAt: number | null;
  readonly endedAt: number | null;
  readonly exitCode: number | null;
  readonly signal: number | null;
}

export interface Adoption {
  readonly id: JobId;
  readonly epoch: number;
  readonly cluster: ClusterRef;
  readonly at: number;
}

export interface JobStore {
  /**
   * Job, first attempt, events and decision in one transaction; the same (owner, key) answers the earlier job.
   * `aborted` where the cluster it was assigned to has been deleted meanwhile, also where another has its name now.
   */
  submit(job: NewJob): Promise<{ readonly job: JobRecord; readonly created: boolean }>;
  get(id: JobId): Promise<JobRecord | null>;
  /** What was stored under this key; of an array its first task. */
  submitted(owner: string, idempotencyKey: string): Promise<JobRecord | null>;
  /** Many at once, by id; those that are not there are left out. */
  many(ids: readonly JobId[]): Promise<readonly JobRecord[]>;
  attempts(id: JobId): Promise<readonly AttemptRecord[]>;
  list(filter: JobFilter): Promise<readonly JobRecord[]>;
  /** Jobs by state, per cluster: what is outstanding there. Ended jobs are not counted. */
  countsByCluster(): Promise<ReadonlyMap<string, Readonly<Partial<Record<JobState, number>>>>>;
  /**
   * Writes the change, the attempt and the event. A move to `pending` closes the attempt and opens the next one
   * under epoch + 1, without cluster, native id, lease, exit or allocation.
   */
  transition(change: Transition): Promise<TransitionResult>;
  /**
   * An earlier attempt that was duplicated (closed as `duplicated`) has ended while `epoch` was current: the job ends as
   * it did, the current attempt is closed as `duplicated`, in one transaction. Nothing where the job has ended, is in
   * another epoch, or that attempt was not duplicated.
   */
  outrun(end: Outrun): Promise<TransitionResult>;
  /**
   * A job of a store that was put back (core/job/restored.ts) is at this cluster under this epoch: received there. The
   * attempts between are closed as `restored`. Nothing where it is not such a job, or the cluster none of its.
   */
  adopt(adoption: Adoption): Promise<TransitionResult>;
  /**
   * Jobs assigned to a cluster whose agent leaves them lying: reason `left`, and until when; a time that was set
   * before counts until it is over. With an event where the reason is new. Those that are not assigned under that epoch any more are passed over. Resolves to the others.
   */
  leave(
    jobs: readonly { readonly id: JobId; readonly epoch: number; readonly message: string; readonly until: number }[],
    at: number,
  ): Promise<readonly JobRecord[]>;
  /** Assigned jobs whose time of being left is over, those that were over first first. */
  leftOver(at: number, limit: number): Promise<readonly JobRecord[]>;
  /** Assigned jobs of that cluster that nobody is asked to cancel, in the order in which `receive` takes them. */
  assigned(cluster: ClusterRef, limit: number): Promise<readonly JobRecord[]>;
  /** As `receive`, of these alone. */
  receiveThese(
    cluster: ClusterRef,
    jobs: readonly { readonly id: JobId; readonly epoch: number }[],
    at: number,
    stream?: string | null,
  ): Promise<readonly JobRecord[]>;
  /**
   * assigned → received for up to `limit` jobs of that cluster, highest priority first, then lowest id. No two
   * callers get the same job. One whose cancel was asked for is left out. Nothing where that cluster is gone.
   * `stream`: the agent's stream that asks; `aborted` where that is not the cluster's any more (servers.claimStream).
   */
  receive(
    cluster: ClusterRef,
    limit: number,
    leaseExpiresAt: number | null,
    at: number,
    stream?: string | null,
  ): Promise<readonly JobRecord[]>;
  /** received → pending where the lease of a polling client is over. */
  returnExpired(at: number, limit: number): Promise<readonly JobRecord[]>;
  /**
   * Jobs to decide on, highest priority first, then lowest id; `after`: those behind this place in that order.
   * `known`: questions whose answer is that reason; jobs that ask one and say so already are passed over.
   */
  pending(
    limit: number,
    after?: { readonly priority: number; readonly id: JobId } | null,
    known?: readonly KnownQuestion[],
  ): Promise<readonly JobRecord[]>;
  /** Jobs in the given states at one cluster, by id. */
  atCluster(cluster: ClusterRef, states: readonly JobState[]): Promise<readonly JobRecord[]>;
  /** Jobs that take something of one cluster (DEBITED_STATES), in no order. */
  debited(cluster: ClusterRef): Promise<readonly DebitedJob[]>;
  /**
   * Asks for a cancel; changes nothing where the job has ended. Idempotent; writes an event the first time. Resolves
   * to the job as it then is, null where there is none.
   */
  requestCancel(id: JobId, reason: Reason, at: number): Promise<JobRecord | null>;
  /**
   * The prototype's int32 number of a job at a cluster, from 1 in order of asking; made on first use. `not_found` where
   * there is no such job, or that cluster is gone.
   */
  numberAt(cluster: ClusterRef, id: JobId): Promise<number>;
  /** The jobs behind such numbers; unknown numbers are left out. */
  byNumbers(cluster: ClusterRef, numbers: readonly number[]): Promise<ReadonlyMap<number, JobRecord>>;
  /**
   * Another reason of a job that stays where it is, with its event: `in_native_queue` of one that is accepted, any other
   * of one that is pending. Null where it is not there under that epoch any more, or says so already.
   */
  changeReason(id: JobId, epoch: number, reason: Reason, at: number): Promise<JobRecord | null>;
  /** Pending jobs only: nobody decides on it until `release`. Null: no such job. The caller looks at what came out. */
  hold(id: JobId, reason: Reason, at: number): Promise<JobRecord | null>;
  release(id: JobId, at: number): Promise<JobRecord | null>;
  /** What a stored job depends on; the ended ones too. */
  dependencies(id: JobId): Promise<readonly Dependency[]>;
  /** How many of somebody's jobs have not ended, tasks of arrays aside; counted up to `most`. */
  unended(owner: string, most: number): Promise<number>;
  /**
   * Looks at up to `limit` jobs of which a dependency has begun or ended (fewer singletons, one at least): those that wait for nothing more are to be decided,
   * those that can never start are canceled, which may be the end that others waited for. Null: nothing was to be done.
   */
  settleDependencies(
    limit: number,
    at: number,
  ): Promise<{ readonly released: number; readonly canceled: number } | null>;
  /** Takes the wait for a time from up to `limit` jobs whose time has come; how many. */
  releaseBegun(at: number, limit: number): Promise<number>;
  /** Up to `limit` jobs that did not start by the time that they were to, or run past their deadline. */
  overdue(at: number, limit: number): Promise<readonly JobRecord[]>;
  /** Decisions on a job as JSON, oldest first. */
  decisions(id: JobId): Promise<readonly { readonly epoch: number; readonly at: number; readonly decision: string }[]>;
}

// ── output ──────────────────────────────────────────────────────────────────────────────────────────────────

export type { OutputChunk, OutputEnd, OutputStore };

// ── settings ────────────────────────────────────────────────────────────────────────────────────────────────

export interface SettingStore {
  get(key: string): Promise<string | null>;
  /** Sets it unless it is set; resolves to what is there. */
  setOnce(key: string, value: string): Promise<string>;
}

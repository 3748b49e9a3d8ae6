/**
 * What the store keeps, by subject. Both engines (sqlite/, later postgres/) are admitted by one suite
 * (conformance.ts). Every call is one transaction; its promise resolves after the commit that holds it.
 * Calls of many callers share a commit (group commit); a failing call never takes others with it.
 *
 * Times are milliseconds since 1970. Job ids are 64-bit, as decimal strings. Secrets come in hashed.
 * Errors: RainbowError `unavailable` (disk full, closed, locked), `resource_exhausted` (too many calls wait),
 * `already_exists`, `not_found`; a lost race is a result, not an error.
 */
import type { JobState, OnClusterLoss, Reason } from '../core/job/state.ts';

export interface Store {
  readonly kind: 'sqlite' | 'postgres' | 'memory';
  readonly clusters: ClusterStore;
  readonly groups: GroupStore;
  readonly jobs: JobStore;
  readonly events: EventStore;
  readonly output: OutputStore;
  readonly settings: SettingStore;
  /** Waits for what is under way, then closes. Calls after it are `unavailable`. */
  close(): Promise<void>;
}

export type JobId = string;

// ── clusters ────────────────────────────────────────────────────────────────────────────────────────────────

/** One cluster, for ever: a name may be registered anew by somebody else, an id never is. */
export interface ClusterRef {
  readonly name: string;
  /** Never used again, even if the name is. */
  readonly id: number;
}

export interface ClusterRecord extends ClusterRef {
  readonly secretHash: Uint8Array;
  readonly tokenHash: Uint8Array;
  readonly registeredAt: number;
  /** Grows with every change of the graph or of a subsystem. */
  readonly graphVersion: number;
  readonly counts: readonly ResourceCount[];
  readonly subsystems: readonly string[];
  /** As reported with UpdateState, keys merged; null until the first report. */
  readonly state: Readonly<Record<string, unknown>> | null;
  readonly lastSeenAt: number | null;
  readonly service: ClusterService;
  /** The agent's newest instance; null where only a prototype client has called. */
  readonly instance: AgentInstance | null;
}

/** Does it take new jobs? */
export interface ClusterService {
  /** By a person, until somebody resumes it; null: it takes jobs. */
  readonly drained: { readonly at: number; readonly reason: string } | null;
  /** Maintenance that no job may run into, the first to begin first; past ones are dropped with the next write. */
  readonly windows: readonly MaintenanceWindow[];
}

export interface MaintenanceWindow {
  readonly from: number;
  readonly until: number;
  readonly reason: string;
}

export const IN_SERVICE: ClusterService = { drained: null, windows: [] };

export interface AgentInstance {
  readonly id: string;
  readonly startedAt: number;
  readonly runner: string;
  readonly version: string;
  readonly runAs: 'single-user' | 'mapped';
}

export interface ResourceCount {
  readonly type: string;
  readonly total: number;
  readonly unit: string;
}

export type ServiceEvent = 'drained' | 'resumed' | 'maintenance_planned' | 'maintenance_canceled';

export interface ClusterStore {
  /** Graph, credentials and counts at once. `already_exists` where the name is taken (by a cluster or a group). */
  register(cluster: {
    name: string;
    secretHash: Uint8Array;
    tokenHash: Uint8Array;
    graph: string;
    counts: readonly ResourceCount[];
    at: number;
  }): Promise<ClusterRecord>;
  /** A new graph, the same credentials. */
  replaceGraph(name: string, graph: string, counts: readonly ResourceCount[], at: number): Promise<ClusterRecord>;
  /** `already_exists` unless `replace`. */
  putSubsystem(cluster: string, subsystem: string, graph: string, replace: boolean, at: number): Promise<ClusterRecord>;
  /** `not_found` where there is none. */
  deleteSubsystem(cluster: string, subsystem: string, at: number): Promise<ClusterRecord>;
  mergeState(cluster: string, state: Readonly<Record<string, unknown>>, at: number): Promise<ClusterRecord>;
  /** Whether it takes new jobs, in the place of what was said before; an event says what changed. `not_found` where it is gone. */
  setService(cluster: string, service: ClusterService, kind: ServiceEvent, at: number): Promise<ClusterRecord>;
  /**
   * With everything of it, in one transaction: subsystems, state, memberships; jobs that are assigned go back to
   * pending (cluster_deleted), jobs that somebody holds are canceled (cluster_deleted). Their reason says who stops
   * what still runs: the agent that is `agentConnected` and is about to be told, else a person.
   */
  delete(
    name: string,
    at: number,
    agentConnected?: boolean,
  ): Promise<{ readonly returned: readonly JobId[]; readonly canceled: readonly JobId[] }>;
  get(name: string): Promise<ClusterRecord | null>;
  /** By name. */
  list(): Promise<readonly ClusterRecord[]>;
  /** The documents as they were registered. */
  graph(name: string): Promise<{ readonly graph: string; readonly subsystems: ReadonlyMap<string, string> } | null>;
  /**
   * An agent's stream opened. The newest instance (by startedAt, then id) wins: false where a newer one is
   * recorded already. `not_found` where that cluster is gone, also where another has its name now.
   */
  claimInstance(cluster: ClusterRef, instance: AgentInstance, at: number): Promise<boolean>;
  /** Many at once; missing names are ignored. */
  seen(names: readonly string[], at: number): Promise<void>;
}

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
  readonly priority: number;
  /** Seconds. */
  readonly walltime: number;
  readonly onClusterLoss: OnClusterLoss;
  /** The clusters that its submitter might use then: a later cluster of such a name is none of them. */
  readonly candidates: readonly ClusterRef[];
  readonly policy: string;
  readonly policyOptions: Readonly<Record<string, string>>;
  readonly jobspec: string;
  /** The witness of the current attempt as JSON (vertices by id), so that debits survive a restart; null: none. */
  readonly allocation: string | null;
}

export interface NewJob {
  readonly name: string;
  readonly owner: string;
  readonly jobspec: string;
  readonly candidates: readonly ClusterRef[];
  readonly policy: string;
  readonly policyOptions: Readonly<Record<string, string>>;
  readonly priority: number;
  readonly walltime: number;
  readonly onClusterLoss: OnClusterLoss;
  /** Unique per owner; null: none. */
  readonly idempotencyKey: string | null;
  readonly at: number;
  /** Where it stands once stored: pending, rejected (with the reason), or assigned. */
  readonly outcome:
    | { readonly state: 'pending' | 'rejected'; readonly reason: Reason }
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
}

export type TransitionResult =
  /** `job` is the job after the write. */
  | { readonly done: true; readonly job: JobRecord }
  /** Lost the race, or not allowed by the table; `job` is what is there now, null if there is none. */
  | { readonly done: false; readonly job: JobRecord | null };

export interface JobFilter {
  readonly owner?: string;
  readonly states?: readonly JobState[];
  readonly cluster?: string;
  readonly name?: string;
  readonly oldestFirst?: boolean;
  /** Exclusive: ids after this one in the order asked for. */
  readonly after?: JobId;
  readonly limit: number;
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

export interface JobStore {
  /**
   * Job, first attempt, events and decision in one transaction; the same (owner, key) answers the earlier job.
   * `aborted` where the cluster it was assigned to has been deleted meanwhile, also where another has its name now.
   */
  submit(job: NewJob): Promise<{ readonly job: JobRecord; readonly created: boolean }>;
  get(id: JobId): Promise<JobRecord | null>;
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
   * assigned → received for up to `limit` jobs of that cluster, highest priority first, then lowest id. No two
   * callers get the same job. One whose cancel was asked for is left out. Nothing where that cluster is gone.
   */
  receive(cluster: ClusterRef, limit: number, leaseExpiresAt: number | null, at: number): Promise<readonly JobRecord[]>;
  /** received → pending where the lease of a polling client is over. */
  returnExpired(at: number, limit: number): Promise<readonly JobRecord[]>;
  /** Jobs to decide on, highest priority first, then lowest id; `after`: those behind this place in that order. */
  pending(limit: number, after?: { readonly priority: number; readonly id: JobId }): Promise<readonly JobRecord[]>;
  /** Jobs in the given states at one cluster, by id. */
  atCluster(cluster: ClusterRef, states: readonly JobState[]): Promise<readonly JobRecord[]>;
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
  /** Decisions on a job as JSON, oldest first. */
  decisions(id: JobId): Promise<readonly { readonly epoch: number; readonly at: number; readonly decision: string }[]>;
}

// ── events ──────────────────────────────────────────────────────────────────────────────────────────────────

export interface EventRecord {
  /** In commit order, without gaps that fill later: whoever has read up to `seq` has missed nothing. */
  readonly seq: number;
  readonly at: number;
  readonly subject: 'job' | 'cluster' | 'group';
  readonly jobId: JobId | null;
  readonly owner: string | null;
  readonly cluster: string | null;
  /** For a job the state it came to, or `cancel_requested`; for a cluster `registered`, `replaced`, `deleted` … */
  readonly kind: string;
  readonly epoch: number | null;
  readonly reason: Reason | null;
  readonly detail: Readonly<Record<string, unknown>> | null;
}

export interface EventStore {
  /** After `seq`, in order, at most `limit`. */
  after(
    seq: number,
    limit: number,
    filter?: { readonly jobId?: JobId; readonly owner?: string },
  ): Promise<readonly EventRecord[]>;
  /** The newest number; 0 where there is none. */
  last(): Promise<number>;
  /** Called after each commit that wrote events, with the newest number. Returns how to stop. */
  subscribe(listener: (seq: number) => void): () => void;
}

// ── output ──────────────────────────────────────────────────────────────────────────────────────────────────

export interface OutputChunk {
  readonly task: number;
  readonly stream: 'stdout' | 'stderr';
  /** Where the bytes stood in what the task wrote. */
  readonly offset: number;
  readonly data: Uint8Array;
  readonly at: number;
}

export interface OutputStore {
  /**
   * An empty chunk says how far its stream is, of which the rest was not kept.
   * Appends; bytes at offsets that are there already are dropped, so a repeated report changes nothing. Beyond
   * `cap` bytes of one task's stream, nothing more is kept. Resolves to the offset up to which all is dealt with
   * (kept, or dropped by the cap), per (task, stream) in the chunks: the sender may forget what is below it.
   * `not_found` where there is no such job or attempt.
   */
  append(
    id: JobId,
    epoch: number,
    chunks: readonly OutputChunk[],
    cap: number,
  ): Promise<readonly { readonly task: number; readonly stream: 'stdout' | 'stderr'; readonly offset: number }[]>;
  /** In the order in which they came, after the `after`-th, at most `limit` chunks. */
  read(
    id: JobId,
    epoch: number,
    after: number,
    limit: number,
  ): Promise<{ readonly chunks: readonly OutputChunk[]; readonly next: number }>;
  /** Streams of which something was not kept, and their full length as far as it was reported. */
  cut(
    id: JobId,
    epoch: number,
  ): Promise<readonly { readonly task: number; readonly stream: 'stdout' | 'stderr'; readonly offset: number }[]>;
  /** Called after each commit that wrote output of this job. */
  subscribe(id: JobId, listener: () => void): () => void;
}

// ── settings ────────────────────────────────────────────────────────────────────────────────────────────────

export interface SettingStore {
  get(key: string): Promise<string | null>;
  /** Sets it unless it is set; resolves to what is there. */
  setOnce(key: string, value: string): Promise<string>;
}

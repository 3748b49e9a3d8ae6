/**
 * The door to the scheduler: the clusters compiled in memory, decisions taken and written, jobs moved on.
 * Decide, then write: the core decides on a snapshot, the store writes conditionally, and only then does memory
 * change (debits, credits). Nothing durable lives here: `start` rebuilds everything from the store.
 */
import type { Bid, CorrectedOffer, Offer } from '../core/bid/bid.ts';
import type { Reason } from '../core/job/state.ts';
import type { Jobspec } from '../core/jobspec/jobspec.ts';
import type { Verdict, Witness } from '../core/match/matcher.ts';
import type { Opening } from '../core/match/openings.ts';
import type { RDocument } from '../core/match/r-document.ts';
import type { ArraySpec } from '../core/job/array-spec.ts';
import type { Dependency } from '../core/job/waits.ts';
import type { JobFacts } from '../core/select/policy.ts';
import type { BidLine, OpenLine } from './bidding/book.ts';
import type { Counts } from './bidding/counts.ts';
import type { ClassSummary } from './bidding/record.ts';
import type {
  Adoption,
  AgentInstance,
  ArrayRecord,
  ClusterRecord,
  ClusterRef,
  ClusterService,
  JobId,
  JobRecord,
  NewJob,
  Outrun,
  ServiceEvent,
  Transition,
  TransitionResult,
} from '../store/store.ts';
import type { Letters } from './following/letters.ts';
import type { Source } from './reading/reader.ts';

export interface Scheduler {
  readonly registry: Registry;
  /** Compiles every registered cluster, debits what unended jobs hold, decides what is pending, starts the sweeper. */
  start(): Promise<void>;
  stop(): Promise<void>;

  /**
   * Match only; nothing is written. Clusters in the order given. Without an owner: for anybody. `text`: the jobspec as it
   * was submitted; without it nobody looks whether a cluster can be told all of it.
   */
  match(jobspec: Jobspec, clusters: readonly string[], owner?: string, text?: string): readonly CandidateResult[];
  /** Which single changes would open those candidates that cannot hold it; the one that opens most first. */
  openings(jobspec: Jobspec, candidates: readonly CandidateResult[]): readonly Opening[];
  /** Which vertices it would take there: of what is free now, else of everything. Null where it does not fit. */
  place(jobspec: Jobspec, cluster: string): Witness | null;
  /** Decide and store in one transaction. A job that no candidate can ever hold is stored as rejected if `storeRejected`. */
  submit(submission: Submission): Promise<Submitted>;
  /** Idempotent at every stage; an agent that holds the job is told to stop it. Null: no such job. */
  cancel(id: JobId, reason: Reason): Promise<JobRecord | null>;
  /** Of all tasks that have not ended; what is asked is durable, and done little by little. Null: no such array. */
  cancelArray(id: JobId, reason: Reason): Promise<ArrayRecord | null>;
  /** Lets a held job, or all held tasks of an array, go, and decides. Null: neither. */
  release(id: JobId): Promise<JobRecord | ArrayRecord | null>;
  /** A cluster group has other members: jobs that wait for a cluster are decided again. */
  groupsChanged(): void;
  /**
   * Every write of a job's state goes through here: the conditional write, then the debit or credit, then wake-ups.
   */
  transition(change: Transition): Promise<TransitionResult>;
  /** An earlier attempt, which was duplicated, has ended first. */
  outrun(end: Outrun): Promise<TransitionResult>;
  /** A cluster has a job that the store, put back to an earlier state, does not know to be there. */
  adopt(adoption: Adoption): Promise<TransitionResult>;
  /** Polling client: assigned → received under a lease of `leaseMs`. */
  receive(
    cluster: ClusterRef,
    limit: number,
    leaseMs: number | null,
    /** Of an agent: `aborted` where it has another by now. */
    stream?: string | null,
  ): Promise<readonly JobRecord[]>;
  /** assigned → received, of these alone, without end: for an agent that chooses. */
  receiveThese(
    cluster: ClusterRef,
    jobs: readonly { readonly id: JobId; readonly epoch: number }[],
    stream?: string | null,
  ): Promise<readonly JobRecord[]>;
  /** Its agent leaves these lying, and why. */
  leave(jobs: readonly { readonly job: JobRecord; readonly message: string }[]): Promise<void>;
  /**
   * Called when a job was assigned to a cluster or is about to be, when a job that is held there is to be stopped, and when the
   * cluster itself was changed or deleted. Returns how to stop listening.
   */
  onWork(listener: (cluster: string, work: Work) => void): () => void;
  readonly bidding: BidDoor;
  readonly servers: Servers;
  /** What the cluster itself says is taken. The caller drops reports that are older than the last one of its stream. */
  reportFree(
    cluster: string,
    report: { seq: number; busyVertices: readonly string[]; includes: readonly { jobId: JobId; epoch: number }[] },
  ): void;
}

/** Other servers on the same store. */
export interface Servers {
  /** Is there anybody to share it with? */
  readonly shared: boolean;
  /** Resolves when what others committed before the call is followed. */
  catchUp(): Promise<void>;
  /** Is this still the stream of that cluster's agent, as far as is known? */
  holds(cluster: ClusterRef, stream: string | null): boolean;
  /** It ended. */
  release(cluster: ClusterRef, stream: string): Promise<void>;
  readonly letters: Letters;
  /** The server that holds the stream of that cluster's agent, where it is another; null: none, or this one. */
  holderOf(cluster: string): string | null;
  readonly id: string;
}

export interface BidDoor {
  /** An agent that answers questions has connected. */
  open(line: BidLine): OpenLine;
  /** How a cluster's bids compare with what happened. */
  record(cluster: ClusterRef): Promise<{ readonly counts: Counts; readonly summaries: readonly ClassSummary[] }>;
}

export type Work =
  /** `jobId`: a new one, which may have been received already (`coming`). */
  | { readonly kind: 'assigned'; readonly jobId?: JobId }
  /** One is being written: what is asked of the store in this very turn shares its commit, and finds it. */
  | { readonly kind: 'coming' }
  | { readonly kind: 'cancel'; readonly job: JobRecord }
  /** An attempt that ran beside the one that ended the job. */
  | { readonly kind: 'stop'; readonly jobId: JobId; readonly epoch: number; readonly reason: Reason }
  /** It is to be taken out of the cluster's own queue, if it has not started. */
  | { readonly kind: 'withdraw'; readonly job: JobRecord; readonly message: string }
  | { readonly kind: 'changed' };

/**
 * Writes of clusters: validated in full, then stored in one transaction, then compiled. Documents come whole or in
 * pieces; nothing of them is kept before all is there.
 */
export interface Registry {
  /** Throws `invalid_input` with the place, or `already_exists`. */
  register(cluster: {
    name: string;
    secretHash: Uint8Array;
    tokenHash: Uint8Array;
    graph: Source;
  }): Promise<ClusterRecord>;
  /** `not_found` where the cluster is deleted while the graph comes. */
  replaceGraph(name: string, graph: Source): Promise<ClusterRecord>;
  putSubsystem(cluster: string, subsystem: string, graph: Source, replace: boolean): Promise<ClusterRecord>;
  deleteSubsystem(cluster: string, subsystem: string): Promise<ClusterRecord>;
  /** Whether it takes new jobs; jobs that nobody holds yet leave a drained cluster with the next sweep. */
  setService(cluster: string, service: ClusterService, kind: ServiceEvent): Promise<ClusterRecord>;
  mergeState(cluster: string, state: Readonly<Record<string, unknown>>): Promise<ClusterRecord>;
  /** An agent that is connected is told by the end of its stream, after the commit. */
  delete(name: string): Promise<{ readonly returned: readonly JobId[]; readonly canceled: readonly JobId[] }>;
  get(name: string): ClusterRecord | null;
  /** Reads one that another server registered a moment ago. */
  find(name: string): Promise<void>;
  findAll(names: readonly string[]): Promise<void>;
  list(): readonly ClusterRecord[];
  /** What a witness takes, with the names that only the stored graph has; null where the cluster was changed since. */
  placement(name: string, witness: Witness, times: { start: number; end: number }): Promise<RDocument | null>;
  /** Per type, in all and free now. */
  counts(
    name: string,
  ): readonly { readonly type: string; readonly total: number; readonly free: number; readonly unit: string }[];
  /**
   * The newest instance of a cluster's agent wins: false where a newer one is recorded. `not_found` where that cluster
   * is gone.
   */
  claimInstance(
    cluster: ClusterRef,
    instance: AgentInstance,
    stream?: { readonly id: string | null; readonly bids: boolean },
  ): Promise<boolean>;
  /** An agent's stream was opened or closed, or it spoke. */
  setConnected(name: string, connected: boolean): void;
  isConnected(name: string): boolean;
  seen(name: string): void;
}

export interface CandidateResult {
  readonly cluster: string;
  readonly satisfiable: Verdict;
  readonly startable: Verdict;
  /** As a selection policy sees it: reported keys, rainbow_queued, rainbow_free_<type>. */
  readonly state: Readonly<Record<string, unknown>>;
  /** Has it ever reported a state of its own? In decisions only, as all that follows. */
  readonly hasState?: boolean;
  /** The graph that was matched. */
  readonly graphVersion?: number;
  /** Where it was asked. */
  readonly bid?: Bid;
  /** What it said, moved by what was sent there since; not corrected. */
  readonly moved?: Offer | null;
  /** What the policy saw. */
  readonly offer?: CorrectedOffer | null;
  /** Why it was passed over, whatever the policy. */
  readonly passedOver?: string;
}

export interface Submission extends Omit<NewJob, 'outcome' | 'decision' | 'at' | 'candidates' | 'walltime' | 'waits'> {
  /** With what its image needs. */
  readonly parsed: Jobspec;
  /** For the decision that is stored: what else it was taken on. */
  readonly notes?: readonly string[];
  /** Clusters that the submitter may use and asked for; from here on those that have these names now are meant. */
  readonly candidates: readonly string[];
  /** Store a job that no candidate can ever hold as `rejected` (Rainbow's own call), or store nothing (the prototype's). */
  readonly storeRejected: boolean;
  /** Stored, and not decided before it is released. */
  readonly hold?: boolean;
  /** Jobs and arrays that it waits for, of the same owner. */
  readonly dependencies?: readonly Dependency[];
  /** Many tasks instead of one job. */
  readonly array?: ArraySpec | null;
}

export interface Submitted {
  /** Null where nothing was stored, or an array was. */
  readonly job: JobRecord | null;
  readonly array: ArrayRecord | null;
  readonly created: boolean;
  readonly decision: DecisionRecord;
}

/** One placement, as it is stored (JSON) and explained. */
export interface DecisionRecord {
  readonly at: number;
  readonly policy: string;
  readonly policyOptions: Readonly<Record<string, string>>;
  readonly seed: string;
  readonly candidates: readonly CandidateResult[];
  /** In order of preference. */
  readonly order: readonly string[];
  readonly notes: readonly string[];
  readonly chosen: string | null;
  readonly reason: Reason;
  /** Microseconds that the decision took. */
  readonly micros: number;
  /** What else the policy was handed, so that it can be asked again. Absent in decisions of earlier versions. */
  readonly job?: JobFacts;
  readonly parameters?: Readonly<Record<string, number | string | boolean>>;
  readonly overcommit?: 'queue' | 'deny';
  /** Were the clusters asked for bids? */
  readonly asked?: boolean;
  /** Milliseconds that answers were waited for. */
  readonly waitedMs?: number;
  readonly shape?: string;
  readonly shapeClass?: string;
  readonly shadow?: { readonly policy: string; readonly chosen: string | null } | null;
}

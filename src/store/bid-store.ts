/** Bids that led to assignments and what came of them, how each cluster answers, and past decisions to run anew. */
import type { ClusterRef, JobId } from './store.ts';

/** What a job's owner wants of bids; null: the server's default. */
export interface BiddingChoice {
  /** Ask the clusters before one is chosen? */
  readonly ask: boolean | null;
  /** Milliseconds that answers are waited for. */
  readonly withinMs: number | null;
  /** May it move to a better bid while it waits? */
  readonly rebid: boolean | null;
}

/** A bid that led to an assignment, and what happened. Times are milliseconds since 1970. */
export interface BidOutcome {
  readonly jobId: JobId;
  readonly epoch: number;
  readonly cluster: ClusterRef;
  readonly shapeClass: string;
  readonly decidedAt: number;
  /** As the cluster said it, moved by what was sent there since; not corrected. */
  readonly startP50: number;
  readonly startP90: number;
  /** Where it never started there: until when it had not. */
  readonly startedAt: number;
  readonly neverStarted: boolean;
  readonly endedAt: number | null;
  readonly currency: string | null;
  readonly costBid: number | null;
  /** By the time that it ran. */
  readonly costActual: number | null;
}

export type BidCountKind = 'asked' | 'yes' | 'no' | 'silent' | 'late' | 'invalid' | 'stray' | 'refused';

export interface DecisionFilter {
  /** From this time on, milliseconds since 1970. */
  readonly since: number;
  /** Before this time. */
  readonly until: number;
  readonly owner?: string;
  /** The last one of the page before. */
  readonly after?: { readonly at: number; readonly id: number };
  readonly limit: number;
}

export interface PlacedDecision {
  readonly id: number;
  readonly jobId: JobId;
  readonly epoch: number;
  readonly at: number;
  /** JSON. */
  readonly decision: string;
  /** Of the attempt that it began, where that is the job's current one and has started. */
  readonly startedAt: number | null;
}

export interface BidStore {
  /** Adds or replaces, by (job, epoch). Nothing where the cluster is gone. */
  keepOutcome(outcome: BidOutcome): Promise<void>;
  /** Newest first. */
  outcomes(cluster: ClusterRef, limit: number): Promise<readonly BidOutcome[]>;
  /** Adds to what is counted already. Nothing where the cluster is gone. */
  count(cluster: ClusterRef, counts: Readonly<Partial<Record<BidCountKind, number>>>): Promise<void>;
  counts(cluster: ClusterRef): Promise<Readonly<Partial<Record<BidCountKind, number>>>>;
  /** Decisions on all jobs, or of one owner, in order of their time. */
  decisions(filter: DecisionFilter): Promise<readonly PlacedDecision[]>;
}

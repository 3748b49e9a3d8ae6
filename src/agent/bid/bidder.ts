/**
 * What a bidder is: it says when a job would start on its cluster, and for how much. A new kind of cluster is one entry
 * in bidders.ts. Nothing is reserved by an answer. Temporary trouble is a later start; a no is for what will not pass.
 */
import type { BidQuestion, Cost } from '../../core/bid/bid.ts';
import type { Tariff } from '../../core/bid/tariff.ts';
import type { Reason } from '../../core/job/state.ts';
import type { System } from '../../system/system.ts';
import type { Order, Runner } from '../runners/runner.ts';

/** Seconds from now. */
export interface BidEstimate {
  readonly startP50: number;
  readonly startP90: number;
  readonly end: number;
  readonly expiresIn: number;
  readonly cost: Cost | null;
}

export type AgentBid =
  | { readonly kind: 'yes'; readonly estimate: BidEstimate }
  | { readonly kind: 'no'; readonly reason: Reason };

/** What a bidder is opened with. */
export interface BidderParts {
  readonly runner: Runner;
  /** Null: what a job costs is not known here. */
  readonly tariff: Tariff | null;
  /** Taken from the server, and not in the runner's queue yet. */
  readonly coming: () => readonly Order[];
  readonly system: System;
}

export interface Bidder {
  bid(question: BidQuestion): Promise<AgentBid>;
  close(): void;
}

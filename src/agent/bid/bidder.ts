/**
 * What a bidder is: it says when a job would start on its cluster, and for how much. A new kind of cluster is one entry
 * in bidders.ts. Nothing is reserved by an answer. Temporary trouble is a later start; a no is for what will not pass.
 */
import type { BidQuestion, Cost } from '../../core/bid/bid.ts';
import type { Reason } from '../../core/job/state.ts';

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

export interface Bidder {
  bid(question: BidQuestion): Promise<AgentBid>;
  close(): void;
}

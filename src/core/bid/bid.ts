/**
 * A bid: a cluster's answer to "would you take it?". Temporary trouble is a later start, never a no; a no is for what
 * will not pass. Times are milliseconds since 1970 by the server's clock; money is a decimal amount in a currency.
 */
import type { Reason } from '../job/state.ts';

/** What the agents are asked about: equal shapes share a bid. */
export interface BidQuestion {
  /** Digest of what decides the answer: the request, walltime, and what else a runner may look at. */
  readonly shape: string;
  readonly jobspec: string;
  /** Seconds. */
  readonly walltime: number;
  /**
   * `walltime` is the server's, of a job that asks for none, or Slurm may cut it down (Jobspec.leastTime): each cluster's
   * bid goes by what it gives such a job.
   */
  readonly isOpen?: boolean;
  readonly priority: number;
}

export interface Offer {
  /** Half of the jobs of this kind will have started by then. */
  readonly startP50: number;
  /** Nine in ten. Never before `startP50`. */
  readonly startP90: number;
  /** When it would end, by its walltime. */
  readonly end: number;
  /** Null: the cluster has no tariff. */
  readonly cost: Cost | null;
}

export interface Cost {
  /** At least 0. */
  readonly amount: number;
  /** ISO 4217, or a word of the site's own ("credits"). */
  readonly currency: string;
  /** How it is made up; adds to `amount`. */
  readonly parts: readonly CostPart[];
}

export interface CostPart {
  /** For people: "4 nodes × 2 h × 1.20". */
  readonly what: string;
  readonly amount: number;
}

export type Bid =
  | {
      readonly kind: 'yes';
      readonly id: string;
      /** As the cluster said it. */
      readonly offer: Offer;
      readonly expiresAt: number;
      /** Made by the server from the cluster's state: nobody there can be asked. */
      readonly byProxy: boolean;
    }
  | { readonly kind: 'no'; readonly id: string; readonly reason: Reason }
  /** No answer in time. */
  | { readonly kind: 'silent' }
  /** An answer that cannot be one (NaN, a negative cost, a start in the past): counted against the cluster. */
  | { readonly kind: 'invalid'; readonly reason: Reason };

/** An offer after the cluster's record was held against it. */
export interface CorrectedOffer extends Offer {
  /** For people: "starts 12 min later than it says, by 41 jobs"; empty: nothing was corrected. */
  readonly correction: string;
}

/** What a job may wait for, as it is stored. Part of store.ts. */
import type { Reason } from '../core/job/state.ts';
import type { Dependency } from '../core/job/waits.ts';

/**
 * Clusters that were not there when a job was submitted, and that its submitter has shown a right to: later members of
 * groups whose token was sent. A group is known by when it was made: a namesake has another token.
 */
export interface LaterClusters {
  /** Any cluster: of an operator who named no credentials. */
  readonly any: boolean;
  readonly groups: readonly { readonly name: string; readonly createdAt: number }[];
  /** Only those with these names; empty: all. */
  readonly only: readonly string[];
}

/** What a submit may say of when a job runs; what is left out asks for nothing. */
export interface WhenToRun {
  /** Bits that it begins with; with any, it is stored as pending. */
  readonly waits?: number;
  readonly beginAt?: number | null;
  readonly startBefore?: number | null;
  readonly deadline?: number | null;
  readonly startBy?: number | null;
  /** Only those that were not decided yet; with any, `waits` has the bit for it. */
  readonly dependencies?: readonly Dependency[];
  readonly overcommit?: 'queue' | 'deny' | null;
  readonly later?: LaterClusters | null;
  readonly question?: string | null;
}

/** A question to which the answer is known: a reason to wait. */
export interface KnownQuestion {
  readonly question: string;
  readonly reason: Reason;
}

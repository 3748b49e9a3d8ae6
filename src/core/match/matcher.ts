/**
 * The door to the matcher: can this cluster's graph hold this request? The answer is exact or `unknown`, never a
 * guess (spec 3.3, 3.4). Holds the compiled graphs of all clusters in one hash-consed class table; pure memory,
 * no I/O, no clock, no randomness.
 *
 * *Satisfiable* asks the full tree (everything idle), *startable* the residual one (what is free now).
 */
import type { ResourceGraph, Subsystem } from '../graph/graph.ts';
import type { Request } from '../jobspec/jobspec.ts';
import type { Ids } from './ids.ts';
import type { TreePlan } from './plan.ts';

export type Fits = 'yes' | 'no' | 'unknown';

export interface Verdict {
  readonly fits: Fits;
  /** Why not; empty on a yes. */
  readonly reasons: readonly MatchReason[];
}

/** Where a match failed, in the order in which it is looked for. proto/rainbow/v1/job.proto lists the same. */
export const MATCH_STAGES = [
  'owner', // its owner has no local user there; found by the scheduler, before anything is matched
  'partition', // it has not the partition or queue that is asked for, or that lets none run so long; found by the scheduler, too
  'told', // its own scheduler cannot be told all of it, or no images are run there; found by the scheduler, too
  'absent', // no vertex of that type
  'total', // too few in the whole cluster
  'per_vertex', // enough in all, too few under any one parent
  'predicate', // enough, but not with what `requires` asks
  'constraint', // RFC 31
  'image', // too few nodes that are good for the job's image
  'competition', // each request fits alone, not all together
  'budget', // the step budget was spent: unknown
] as const;

export type MatchStage = (typeof MATCH_STAGES)[number];

export interface MatchReason {
  readonly stage: MatchStage;
  /** Path of the request vertex in the jobspec. */
  readonly vertex: string;
  readonly type: string;
  readonly message: string;
  readonly needed: number | null;
  readonly best: number | null;
  readonly unit: string;
  readonly relaxation: Relaxation | null;
}

export interface Relaxation {
  readonly vertex: string;
  readonly field: 'count' | 'requires' | 'exclusive' | 'unit' | 'constraint' | 'image';
  readonly from: string;
  readonly to: string;
  readonly message: string;
}

/** The vertices that a placement uses. Indices are into the cluster's ResourceGraph. */
export interface Witness {
  readonly groups: readonly WitnessGroup[];
}

export interface WitnessGroup {
  readonly key: string;
  readonly slots: readonly WitnessSlot[];
  /** Chosen outside of any slot; debited only where exclusive or leaves. */
  readonly claims: readonly Claim[];
}

export interface WitnessSlot {
  readonly label: string | null;
  readonly claims: readonly Claim[];
}

export interface Claim {
  readonly vertex: number;
  /** Units drawn of a pool; 1 for a plain vertex. */
  readonly amount: number;
  /** The vertex and its whole subtree. */
  readonly exclusive: boolean;
  /** Path of the request vertex that it serves. */
  readonly request: string;
}

export interface MatcherOptions {
  /** Steps that one question may take before it is `unknown`; default 1,000,000. */
  readonly budget?: number;
}

/** Key of a debit: one job's one attempt. */
export type DebitKey = string;

/** One request, to be asked of many clusters: those that look alike share one verdict, the very same object. */
export interface Asking {
  satisfiable(cluster: string): Verdict;
  /** On what is free now. */
  startable(cluster: string): Verdict;
  /** Of every cluster that has these roots; null where the request names nodes, which are each cluster's own. */
  readonly of: ((roots: Roots) => Verdicts) | null;
}

/** What a cluster looks like: the classes of its whole tree and of what is free of it; null: nothing. */
export interface Roots {
  readonly full: { readonly id: number } | null;
  readonly free: { readonly id: number } | null;
}

export interface Verdicts {
  readonly satisfiable: Verdict;
  /** Not asked where it is not satisfiable: then the same. */
  readonly startable: Verdict;
}

/** Clusters whose empty graph holds a request. */
export interface Satisfying {
  /** A list for each look: clusters that are alike stand together, and are not copied. */
  readonly alike: readonly (readonly string[])[];
  /** All of them in one list, made when it is read. */
  readonly yes: readonly string[];
  readonly unknown: readonly string[];
}

export interface Matcher {
  /** Compile and take in; replaces what was there under that name, its debits kept where their vertices still exist. */
  setCluster(cluster: string, graph: ResourceGraph, subsystems: readonly Subsystem[]): void;
  setSubsystem(cluster: string, subsystem: Subsystem): void;
  /**
   * The same two, in slices of a millisecond at most: the caller may do something else between two steps. They count,
   * all at once, with the last step; what is not run to its end leaves no trace, once it is told so (`return`).
   */
  load(cluster: string, plan: TreePlan, subsystems: readonly Subsystem[]): Generator<void, void>;
  loadSubsystem(cluster: string, subsystem: Subsystem): Generator<void, void>;
  removeSubsystem(cluster: string, subsystem: string): void;
  removeCluster(cluster: string): void;
  clusters(): readonly string[];
  /** They change with `version`, and where something is taken or given back. */
  roots(cluster: string): Roots;
  /** Grows whenever some cluster's whole tree is another one. */
  readonly version: number;

  satisfiable(cluster: string, request: Request): Verdict;
  /** On what is free now. */
  startable(cluster: string, request: Request): Verdict;
  asking(request: Request): Asking;
  /** All clusters whose empty graph holds the request; costs as much as their distinct shapes. */
  satisfying(request: Request): Satisfying;
  /** Verdicts that were worked out so far: one for all clusters that look alike. */
  readonly answered: number;

  /** Which vertices; from what is free now, or from everything. Null where it does not fit (or is unknown). */
  place(cluster: string, request: Request, on: 'free' | 'all'): Witness | null;
  /** Take a witness's vertices out of what is free. The same key again is no change. */
  debit(cluster: string, key: DebitKey, witness: Witness): void;
  /** Is all of it free still? Of a whole vertex that is taken in part, only as far as its own units tell. */
  isFree(cluster: string, witness: Witness): boolean;
  /** Give them back. An unknown key is no change. */
  credit(cluster: string, key: DebitKey): void;
  /** What the cluster itself says is taken; debits under `includes` are dropped, the others stay on top. */
  report(cluster: string, busy: readonly number[], includes: readonly DebitKey[]): void;

  /** Per type, vertices or pool units: in all and free. */
  counts(
    cluster: string,
  ): readonly { readonly type: string; readonly total: number; readonly free: number; readonly unit: string }[];
  /** Index of a vertex by its id in the registered document; −1 where there is none. */
  vertexIndex(cluster: string, id: string): number;
  /** The other way round; '' where there is none. */
  vertexId(cluster: string, vertex: number): string;
  /** All of them, as data. */
  ids(cluster: string): Ids;
}

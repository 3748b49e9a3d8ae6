/**
 * What is asked for, in one form, whatever dialect it came in. Readers (`read.ts`) make it, the matcher and the
 * runners use it; the text as submitted is kept beside it and delivered unchanged.
 * Sources: RFC 14, RFC 25, RFC 31, RFC 45; the prototype's nextgen v1.
 */

import type { Compatibility } from '../image/compatibility.ts';

/** `experimental` is the older nextgen form (list resources, singular `task`). */
export type Dialect = 'nextgen' | 'rfc14' | 'rfc25' | 'experimental' | 'flags';

export interface Jobspec {
  readonly dialect: Dialect;
  readonly name: string | null;
  readonly request: Request;
  readonly tasks: readonly Task[];
  /** Seconds; null where none is given (the server's default then applies). */
  readonly walltime: number | null;
  /**
   * Seconds, less than `walltime`: what Slurm may give it where it has no more (sbatch's --time-min,
   * `attributes.rainbow.slurm.time-min`); null: it needs all.
   */
  readonly leastTime: number | null;
  readonly cwd: string | null;
  readonly environment: Readonly<Record<string, string>>;
  /** Variables that the jobspec wants absent (RFC 14: a null in `environment`). */
  readonly unset: readonly string[];
  /** nextgen `attributes.parameter`: input to selection policies. Numbers, strings and booleans only. */
  readonly parameters: Readonly<Record<string, number | string | boolean>>;
  /** `attributes.image`: an OCI reference, or null. */
  readonly image: string | null;
  /** `attributes.system.queue`: the partition or queue that it is to run in; several with commas. */
  readonly queue: string | null;
  /** `attributes.rainbow.allowLossy`: it may run where some of what it asks for has no meaning. */
  readonly allowLossy: boolean;
}

/** The resources of one scheduling request. */
export interface Request {
  /**
   * nextgen: every scheduled group; each must be feasible on the same cluster by itself (spec 3.3, rule 9).
   * RFC 14: exactly one group, a joint request. Empty: every cluster matches.
   */
  readonly groups: readonly RequestGroup[];
  /** RFC 31, applied to every allocated `node`; null where there is none. */
  readonly constraint: Constraint | null;
  /** What the job's image needs of every allocated `node`: from `attributes.compatibility`, or found with the image. */
  readonly image?: Compatibility | null;
}

export interface RequestGroup {
  /** nextgen: the key in `resources`; RFC 14: ''. Groups are told apart by this, never by label. */
  readonly key: string;
  readonly vertices: readonly RequestVertex[];
  /**
   * Set when the simple-shape rule (spec 3.3, rule 12) applies: then this is matched, not `vertices`.
   * `tasks` cores in all, balanced over the nodes, at least one in each; 0 where no cores are asked for.
   */
  readonly simple: { readonly nodes: number; readonly tasks: number } | null;
}

export interface RequestVertex {
  /** 'slot' is the virtual slot. */
  readonly type: string;
  readonly count: Count;
  /** Was `count` written, or is it the default of 1? (spec 3.3, rule 4 asks.) */
  readonly countGiven: boolean;
  /** nextgen: the number of slots, each inside one vertex of `type` (spec 3.3, rule 4); null elsewhere. */
  readonly replicas: number | null;
  /** '' where none is given. */
  readonly unit: string;
  /** As written; null where not: then true inside a slot, false outside. */
  readonly exclusive: boolean | null;
  readonly requires: readonly Requirement[];
  readonly with: readonly RequestVertex[];
  readonly label: string | null;
  /** Where it stands in the jobspec: `resources.train.with[0]`, `resources[0].with[1]`. */
  readonly path: string;
}

/**
 * How many. All dialects come down to a start, a bound and a step (RFC 14 count, RFC 45 ranges, id sets):
 * accepted are min, next(min), … while ≤ max; `operator` '+' adds operand, '*' multiplies, '^' raises.
 * `values` lists the accepted values instead where they follow no step (an id set); sorted, distinct.
 */
export interface Count {
  readonly min: number;
  /** Infinity where there is no bound. */
  readonly max: number;
  readonly operator: '+' | '*' | '^';
  readonly operand: number;
  readonly values: readonly number[] | null;
}

/**
 * A predicate on vertices of a subsystem linked to the chosen vertex, or on the chosen vertex's own metadata
 * (`subsystem` null). Entries of one subsystem with distinct fields bind the same subsystem vertex; a repeated
 * field starts a new binding (spec 3.4). The reader has done that grouping: one Requirement is one binding.
 */
export interface Requirement {
  readonly subsystem: string | null;
  readonly fields: readonly FieldPredicate[];
  readonly path: string;
}

export interface FieldPredicate {
  /** Exact metadata key first, then a dotted path; `attributes.NAME` where the jobspec says `attribute: NAME`. */
  readonly field: string;
  /** Equality with the metadata's value as text; null where not asked. */
  readonly match: string | null;
  /** Inclusive bounds, versions or numbers (spec 4.1); null where not asked. */
  readonly min: Scalar | null;
  readonly max: Scalar | null;
}

/** A YAML scalar, with its source text (`0.10` is not `0.1`) and whether it was a number there. */
export interface Scalar {
  readonly text: string;
  readonly number: number | null;
}

/** RFC 31. `and` and `or` of nothing are true, `not` is the negated conjunction of its operands. */
export type Constraint =
  | { readonly op: 'and' | 'or' | 'not'; readonly of: readonly Constraint[] }
  /** `^p` means that p is absent. */
  | { readonly op: 'properties'; readonly values: readonly string[] }
  /** RFC 29 expressions, ranges kept (`node[1-1000000]`): `hostlist.ts` makes a test of a name out of them. */
  | { readonly op: 'hostlist'; readonly values: readonly string[] }
  | { readonly op: 'ranks'; readonly ranks: readonly (readonly [number, number])[] };

export interface Task {
  readonly name: string | null;
  /** Program and arguments; never empty. */
  readonly command: readonly string[];
  /** RFC 14: the slot's label; nextgen: the group's key; null: the job's only slot. */
  readonly slot: string | null;
  readonly count:
    | { readonly per: 'slot'; readonly n: number }
    | { readonly per: 'resource'; readonly type: string; readonly n: number }
    | { readonly per: 'total'; readonly n: number };
  /** Over the job's own. */
  readonly environment: Readonly<Record<string, string>>;
  readonly unset: readonly string[];
  /** nextgen: names of tasks that are to have ended well before this one starts. */
  readonly dependsOn: readonly string[];
}

/**
 * What an image needs of the machine, in one form, whatever format it came in (read.ts). Plain data that survives
 * JSON: it is stored with the job and is the `image` constraint of its request.
 * Source of the model: the image compatibility specification of Node Feature Discovery, v1alpha1.
 */

/** Alternatives: a node is good for the image where it matches all rules of at least one set. */
export interface Compatibility {
  readonly format: 'nfd' | 'compspec' | 'ocifit' | 'ocifit-k8s' | 'compat-lib';
  readonly sets: readonly CompatibilitySet[];
}

export interface CompatibilitySet {
  /** Of several that match, the heaviest counts; 0 where none is given. */
  readonly weight: number;
  /** What the set is for, as its author calls it; '' where not given. */
  readonly tag: string;
  readonly description: string;
  /** In order: a rule sees what those before it said of themselves (`rule.matched`). */
  readonly rules: readonly CompatibilityRule[];
}

export interface CompatibilityRule {
  readonly name: string;
  /** Of a matching rule: elements of the feature `rule.matched` for the rules after it. */
  readonly vars: Readonly<Record<string, string>>;
  /** The same, as a template over what matched (template.ts); '' where there is none. */
  readonly varsTemplate: string;
  /** All of them. */
  readonly matchFeatures: readonly Term[];
  /** And one of these, where there are any: each a list of which all hold. */
  readonly matchAny: readonly (readonly Term[])[];
}

export type Term =
  /** A feature of the node, `domain.name` in lower case: it is there, and its elements are like this. */
  | {
      readonly on: 'feature';
      readonly feature: string;
      /** By element; null: not asked. */
      readonly expressions: readonly (readonly [element: string, expression: Expression])[] | null;
      /** Some element has such a name; null: not asked. */
      readonly name: Expression | null;
    }
  /** A label of the node. Unlike an element, one that is absent passes NotIn. */
  | { readonly on: 'label'; readonly key: string; readonly expression: Expression }
  /** Equality with metadata of the node, or of a vertex that is linked to it; one of these keys. */
  | { readonly on: 'attribute'; readonly keys: readonly string[]; readonly value: string };

export interface Expression {
  readonly op: Operator;
  readonly values: readonly string[];
  /** How the ordering operators compare. */
  readonly type: 'integer' | 'version';
}

/** `any` is written as an empty operator. */
export type Operator =
  | 'any'
  | 'In'
  | 'NotIn'
  | 'InRegexp'
  | 'Exists'
  | 'DoesNotExist'
  | 'IsTrue'
  | 'IsFalse'
  | 'Gt'
  | 'Ge'
  | 'Lt'
  | 'Le'
  | 'GtLt'
  | 'GeLe';

/** Distinct weights, the heaviest first. */
export function weightsOf({ sets }: Compatibility): readonly number[] {
  return [...new Set(sets.map(({ weight }) => weight))].sort((a, b) => b - a);
}

/** Only the sets of at least this weight. */
export function atLeast(of: Compatibility, weight: number): Compatibility {
  return { ...of, sets: of.sets.filter((set) => set.weight >= weight) };
}

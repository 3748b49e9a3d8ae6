/**
 * A resource graph as it was given, validated: a containment tree of vertices, and subsystems linked to it.
 * `read.ts` makes these from JGF version 2; the matcher compiles them into classes and forgets them.
 * Columns, not objects: a graph may have a million vertices.
 */
export interface ResourceGraph {
  /** Number of vertices; vertex 0 is the root; a parent comes before its children. */
  readonly size: number;
  /** The id of each vertex in the JGF document. */
  readonly ids: readonly string[];
  readonly types: readonly string[];
  /** Quantity of a pool; 1 for a plain vertex. Integer ≥ 0. */
  readonly sizes: Float64Array;
  readonly units: readonly string[];
  /** Index of the parent; −1 for the root. */
  readonly parents: Int32Array;
  /** metadata.name, or basename+id, or the id. */
  readonly names: readonly string[];
  /** Flux rank; −1 where there is none. */
  readonly ranks: Int32Array;
  /** The whole metadata object of a vertex, for `requires` and constraints. */
  metadata(vertex: number): Readonly<Record<string, unknown>>;
}

/** A second graph whose vertices hang on vertices of the containment tree. */
export interface Subsystem {
  readonly name: string;
  readonly size: number;
  /** Internal containment: children of each subsystem vertex. */
  readonly children: readonly (readonly number[])[];
  /** For each link: vertex of the resource graph (index), vertex of the subsystem (index). */
  readonly links: readonly (readonly [number, number])[];
  metadata(vertex: number): Readonly<Record<string, unknown>>;
}

/** With the ids of its vertices in the JGF document. */
export interface NamedSubsystem extends Subsystem {
  readonly ids: readonly string[];
}

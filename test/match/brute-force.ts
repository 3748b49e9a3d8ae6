/** The slow, obvious answer: vertices one by one (search.ts), on a tree made from the graph itself. */
import type { ResourceGraph, Subsystem } from '../../src/core/graph/graph.ts';
import type { Compatibility } from '../../src/core/image/compatibility.ts';
import type { Constraint, Request, RequestVertex, Requirement } from '../../src/core/jobspec/jobspec.ts';
import { passes } from '../../src/core/match/predicate.ts';
import { search, type SearchTree } from '../../src/core/match/search.ts';
import { outOfSteps, Steps } from '../../src/core/match/steps.ts';

/** What is taken of a graph: units per vertex, and vertices gone with all below them. */
export interface Taken {
  readonly drawn: ReadonlyMap<number, number>;
  readonly gone: ReadonlySet<number>;
}

export const nothingTaken: Taken = { drawn: new Map(), gone: new Set() };

export function bruteForce(
  graph: ResourceGraph,
  subsystems: readonly Subsystem[],
  request: Request,
  taken: Taken = nothingTaken,
  budget = 300_000,
): 'yes' | 'no' | 'unknown' {
  const tree = explicitTree(graph, subsystems, request, taken);
  let fits: 'yes' | 'no' | 'unknown' = 'yes';
  for (const group of request.groups) {
    try {
      if (search(tree, group.vertices, new Steps(budget)) === null) return 'no';
    } catch (error) {
      if (error !== outOfSteps) throw error;
      fits = 'unknown';
    }
  }
  return fits;
}

export function explicitTree(
  graph: ResourceGraph,
  subsystems: readonly Subsystem[],
  { constraint, image }: Pick<Request, 'constraint' | 'image'>,
  taken: Taken,
): SearchTree {
  const kept: number[] = [];
  const number = new Map<number, number>();
  const parents: number[] = [];
  const touched: boolean[] = [];
  const touch = (vertex: number): void => {
    for (let at = vertex; at !== -1; at = parents[at] ?? -1) touched[at] = true;
  };
  const inNode = new Set<number>();
  for (let vertex = 0; vertex < graph.size; vertex++) {
    const parent = graph.parents[vertex] as number;
    if (parent !== -1 && !number.has(parent)) continue; // gone with its parent
    const outerNode = inNode.has(parent) || graph.types[parent] === 'node';
    if (outerNode) inNode.add(vertex);
    const isNode = graph.types[vertex] === 'node' && !outerNode;
    const excluded =
      isNode &&
      ((constraint !== null && !holds(constraint, graph, vertex)) ||
        (image !== null && image !== undefined && !isGood(image, graph, subsystems, vertex)));
    if (excluded || taken.gone.has(vertex)) {
      if (parent !== -1) touch(number.get(parent) as number);
      continue;
    }
    const at = kept.push(vertex) - 1;
    number.set(vertex, at);
    parents.push(parent === -1 ? -1 : (number.get(parent) as number));
    touched.push(false);
    if ((taken.drawn.get(vertex) ?? 0) > 0) touch(at);
  }
  const ends = kept.map((_, i) => i + 1);
  for (let i = kept.length - 1; i > 0; i--) {
    const parent = parents[i] as number;
    ends[parent] = Math.max(ends[parent] as number, ends[i] as number);
  }
  const inner = new Set(graph.parents);
  return {
    types: kept.map((vertex) => graph.types[vertex] as string),
    sizes: kept.map((vertex) => graph.sizes[vertex] as number),
    units: kept.map((vertex) => graph.units[vertex] as string),
    parents,
    ends,
    drawn: kept.map((vertex) => Math.min(graph.sizes[vertex] as number, taken.drawn.get(vertex) ?? 0)),
    touched,
    hollow: kept.map((vertex, i) => inner.has(vertex) && ends[i] === i + 1),
    passes: (at, requires) => meets(graph, subsystems, kept[at] as number, requires),
  };
}

export function meets(
  graph: ResourceGraph,
  subsystems: readonly Subsystem[],
  vertex: number,
  requires: RequestVertex['requires'],
): boolean {
  return requires.every((requirement) => meetsOne(graph, subsystems, vertex, requirement));
}

function meetsOne(
  graph: ResourceGraph,
  subsystems: readonly Subsystem[],
  vertex: number,
  requirement: Requirement,
): boolean {
  if (requirement.subsystem === null) return passes(graph.metadata(vertex), requirement);
  const subsystem = subsystems.find(({ name }) => name === requirement.subsystem);
  if (subsystem === undefined) return false;
  const reached = new Set(subsystem.links.filter(([from]) => from === vertex).map(([, to]) => to));
  for (const at of reached) for (const kid of subsystem.children[at] ?? []) reached.add(kid);
  return [...reached].some((at) => passes(subsystem.metadata(at), requirement));
}

/** One set of the image, all of it; only attributes are made (cases.ts). */
function isGood(image: Compatibility, graph: ResourceGraph, subsystems: readonly Subsystem[], vertex: number): boolean {
  const facts = [graph.metadata(vertex)];
  for (const subsystem of subsystems) {
    const { links, children } = subsystem;
    const reached = new Set(links.filter(([from]) => from === vertex).map(([, to]) => to));
    for (const at of reached) for (const kid of children[at] ?? []) reached.add(kid);
    facts.push(...[...reached].map((at) => subsystem.metadata(at)));
  }
  return image.sets.some(({ rules }) =>
    rules.every(({ matchFeatures }) =>
      matchFeatures.every(
        (term) => term.on === 'attribute' && facts.some((of) => of[term.keys[0] ?? ''] === term.value),
      ),
    ),
  );
}

/** RFC 31, of one node. */
export function holds(constraint: Constraint, graph: ResourceGraph, vertex: number): boolean {
  switch (constraint.op) {
    case 'and':
      return constraint.of.every((of) => holds(of, graph, vertex));
    case 'or':
      return constraint.of.length === 0 || constraint.of.some((of) => holds(of, graph, vertex));
    case 'not':
      return !constraint.of.every((of) => holds(of, graph, vertex));
    case 'ranks':
      return constraint.ranks.some(
        ([low, high]) => low <= (graph.ranks[vertex] as number) && (graph.ranks[vertex] as number) <= high,
      );
    case 'hostlist': {
      const [, low, high] = /\[(\d+)-(\d+)\]/.exec(constraint.values[0] as string) as RegExpExecArray;
      const number = Number((graph.names[vertex] as string).replace('node', ''));
      return number >= Number(low) && number <= Number(high);
    }
    default: {
      const properties = graph.metadata(vertex)['properties'] ?? [];
      const has = Array.isArray(properties) ? (properties as string[]) : Object.keys(properties);
      return constraint.values.every((value) =>
        value.startsWith('^') ? !has.includes(value.slice(1)) : has.includes(value),
      );
    }
  }
}

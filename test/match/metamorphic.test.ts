/** What must hold between two answers, whatever each of them is. */
import { describe, expect, test } from 'vitest';
import type { ResourceGraph, Subsystem } from '../../src/core/graph/graph.ts';
import { readGraph } from '../../src/core/graph/read.ts';
import type { Request, RequestVertex } from '../../src/core/jobspec/jobspec.ts';
import { createMatcher } from '../../src/core/match/create.ts';
import type { Fits } from '../../src/core/match/matcher.ts';
import { exactly, preorder, replaced } from '../../src/core/match/vary.ts';
import { seededRandom, type SeededRandom } from '../../src/core/random.ts';
import { caseCount, caseSeed, makeCase, pick, type Case } from './cases.ts';

const count = Math.ceil(caseCount / 20);

function answer(graph: ResourceGraph, { subsystems }: Case, request: Request): Fits {
  const matcher = createMatcher();
  matcher.setCluster('c', graph, subsystems);
  return matcher.satisfiable('c', request).fits;
}

/** Two answers that must agree, with the case they are of; null where a case is none of the check's concern. */
type Check = (made: Case, random: SeededRandom) => { readonly got: Fits; readonly expected: Fits } | null;

const checks: Readonly<Record<string, Check>> = {
  'more of a count never turns no to yes': (made, random) => {
    if (answer(made.graph, made, made.request) !== 'no') return null;
    const vertex = pick(random, [...preorder(verticesOf(made.request))]);
    const more = { ...vertex, count: exactly((vertex.count.values?.[0] ?? vertex.count.min) + 1) };
    return { got: answer(made.graph, made, changed(made.request, vertex, more)), expected: 'no' };
  },

  'more resources never turn yes to no': (made, random) => {
    if (answer(made.graph, made, made.request) !== 'yes') return null;
    // A copy of a whole subtree beside itself.
    const root = 1 + random.below(made.graph.size - 1);
    return { got: answer(withCopy(made.text, made.graph, root), made, made.request), expected: 'yes' };
  },

  'the order of vertices, children and siblings changes nothing': (made, random) => {
    const document = JSON.parse(made.text) as { graph: { nodes: object; edges: object[] } };
    const edges = shuffled(random, document.graph.edges);
    const graph = readGraph(JSON.stringify({ graph: { ...document.graph, edges } }));
    const subsystems = relinked(made, (vertex) => graph.ids.indexOf(made.graph.ids[vertex] as string));
    const request = shuffledRequest(random, made.request);
    return { got: answer(graph, { ...made, subsystems }, request), expected: answer(made.graph, made, made.request) };
  },

  'vertices may come in any order that puts parents first': (made) => {
    // Breadth first instead of depth first.
    const order = [0];
    for (const at of order) for (let i = 0; i < made.graph.size; i++) if (made.graph.parents[i] === at) order.push(i);
    const wide = inOrder(made.graph, order);
    const subsystems = relinked(made, (vertex) => order.indexOf(vertex));
    return {
      got: answer(wide, { ...made, subsystems }, made.request),
      expected: answer(made.graph, made, made.request),
    };
  },

  'a subsystem that comes later is as one that was there': (made) => {
    const [subsystem] = made.subsystems;
    if (subsystem === undefined) return null;
    const matcher = createMatcher();
    matcher.setCluster('c', made.graph, []);
    matcher.setSubsystem('c', subsystem);
    return { got: matcher.satisfiable('c', made.request).fits, expected: answer(made.graph, made, made.request) };
  },

  'a subsystem that goes leaves nothing': (made) => {
    const [subsystem] = made.subsystems;
    if (subsystem === undefined) return null;
    const matcher = createMatcher();
    matcher.setCluster('c', made.graph, [subsystem]);
    matcher.removeSubsystem('c', subsystem.name);
    const without = answer(made.graph, { ...made, subsystems: [] }, made.request);
    return { got: matcher.satisfiable('c', made.request).fits, expected: without };
  },
};

describe('properties', () => {
  test.each(Object.entries(checks))('%s', { timeout: 600_000 }, (name, check) => {
    let concerned = 0;
    const wrong: string[] = [];
    for (let i = 0; i < count; i++) {
      const seed = `${caseSeed} ${name} ${i}`;
      const found = check(makeCase(seed), seededRandom(`${seed} change`));
      if (found === null) continue;
      concerned++;
      if (found.got !== found.expected) wrong.push(`${seed}: ${found.got} instead of ${found.expected}`);
    }
    expect(wrong).toEqual([]);
    expect(concerned).toBeGreaterThan(count / 20);
  });
});

function relinked({ subsystems }: Case, moved: (vertex: number) => number): readonly Subsystem[] {
  return subsystems.map((subsystem) => ({
    ...subsystem,
    links: subsystem.links.map(([vertex, to]) => [moved(vertex), to] as const),
  }));
}

/** The same graph with its vertices in another order. */
function inOrder(graph: ResourceGraph, order: readonly number[]): ResourceGraph {
  const place = new Map(order.map((vertex, i) => [vertex, i]));
  return {
    ...graph,
    ids: order.map((i) => graph.ids[i] as string),
    types: order.map((i) => graph.types[i] as string),
    units: order.map((i) => graph.units[i] as string),
    names: order.map((i) => graph.names[i] as string),
    sizes: Float64Array.from(order, (i) => graph.sizes[i] as number),
    ranks: Int32Array.from(order, (i) => graph.ranks[i] as number),
    parents: Int32Array.from(order, (i) => place.get(graph.parents[i] as number) ?? -1),
    metadata: (vertex) => graph.metadata(order[vertex] as number),
  };
}

function verticesOf(request: Request): readonly RequestVertex[] {
  return request.groups[0]?.vertices ?? [];
}

function changed(request: Request, vertex: RequestVertex, by: RequestVertex): Request {
  const vertices = replaced(verticesOf(request), vertex, by);
  return { ...request, groups: [{ key: '', vertices, simple: null }] };
}

function withCopy(text: string, graph: ResourceGraph, root: number): ResourceGraph {
  const document = JSON.parse(text) as {
    graph: { nodes: Record<string, object>; edges: { source: string; target: string; relation: string }[] };
  };
  const { nodes, edges } = document.graph;
  const inside = new Set([root]);
  for (let i = root + 1; i < graph.size; i++) if (inside.has(graph.parents[i] as number)) inside.add(i);
  for (const vertex of inside) {
    const id = graph.ids[vertex] as string;
    const parent = graph.ids[graph.parents[vertex] as number] as string;
    nodes[`copy${id}`] = nodes[id] as object;
    edges.push({ source: vertex === root ? parent : `copy${parent}`, target: `copy${id}`, relation: 'contains' });
  }
  const larger = readGraph(JSON.stringify(document));
  // The links of subsystems point at indices: the copies come after the originals.
  const order = [...graph.ids, ...larger.ids.filter((id) => id.startsWith('copy'))].map((id) => larger.ids.indexOf(id));
  return inOrder(larger, order);
}

function shuffledRequest(random: SeededRandom, request: Request): Request {
  const shuffle = (vertices: readonly RequestVertex[]): RequestVertex[] =>
    shuffled(random, vertices).map((vertex) => ({ ...vertex, with: shuffle(vertex.with) }));
  return { ...request, groups: [{ key: '', vertices: shuffle(verticesOf(request)), simple: null }] };
}

function shuffled<T>(random: SeededRandom, of: readonly T[]): T[] {
  const left = [...of];
  const made: T[] = [];
  while (left.length > 0) made.push(...left.splice(random.below(left.length), 1));
  return made;
}

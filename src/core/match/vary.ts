/** Variants of a request, for asking what would fit: one vertex changed, taken out, or left alone with those around. */
import type { Count, RequestGroup, RequestVertex } from '../jobspec/jobspec.ts';
import { balance } from './compile.ts';

export function exactly(value: number): Count {
  return { min: value, max: value, operator: '+', operand: 1, values: null };
}

/** Every request vertex, outer ones first. */
export function* preorder(vertices: readonly RequestVertex[]): Generator<RequestVertex> {
  for (const vertex of vertices) {
    yield vertex;
    yield* preorder(vertex.with);
  }
}

/** The same request with one vertex replaced, or without it. */
export function replaced(
  vertices: readonly RequestVertex[],
  target: RequestVertex,
  by: RequestVertex | null,
): readonly RequestVertex[] {
  const made: RequestVertex[] = [];
  for (const vertex of vertices) {
    if (vertex !== target) {
      const inner = replaced(vertex.with, target, by);
      made.push(inner === vertex.with ? vertex : { ...vertex, with: inner });
    } else if (by !== null) made.push(by);
  }
  return made.length === vertices.length && made.every((vertex, i) => vertex === vertices[i]) ? vertices : made;
}

/** Without anybody's `requires`. */
export function undemanding(vertices: readonly RequestVertex[]): readonly RequestVertex[] {
  return vertices.map((vertex) => ({ ...vertex, requires: [], with: undemanding(vertex.with) }));
}

/** One vertex without what is below it, and the vertices around it; null where it is not there. */
export function chain(
  vertices: readonly RequestVertex[],
  target: RequestVertex,
  by: RequestVertex,
): RequestVertex | null {
  for (const vertex of vertices) {
    if (vertex === target) return by;
    const inner = chain(vertex.with, target, by);
    if (inner !== null) return { ...vertex, with: [inner] };
  }
  return null;
}

/** How many of a vertex in the whole cluster: its count times those of all slots and vertices around it. */
export function inAll(
  vertices: readonly RequestVertex[],
  target: RequestVertex,
  countOf: (vertex: RequestVertex) => number,
): number | null {
  for (const vertex of vertices) {
    const own = countOf(vertex);
    if (vertex === target) return own;
    const inner = inAll(vertex.with, target, countOf);
    if (inner !== null) return own * inner;
  }
  return null;
}

/** A simple shape written out: nodes with cores. */
export function spelledOut(group: RequestGroup): RequestGroup {
  if (group.simple === null) return group;
  const top = group.vertices[0];
  const path = top?.with[0]?.path ?? `resources.${group.key}`;
  const corePath = top?.with[0]?.with[0]?.path ?? `${path}.with[0]`;
  const vertices = balance(group.simple.nodes, group.simple.tasks).map(({ count, cores }): RequestVertex => {
    const core: RequestVertex = { ...plain, type: 'core', count: exactly(cores), exclusive: true, path: corePath };
    const exclusive = cores === 0;
    return { ...plain, type: 'node', count: exactly(count), exclusive, with: exclusive ? [] : [core], path };
  });
  return { ...group, simple: null, vertices };
}

const plain = {
  countGiven: true,
  replicas: null,
  unit: '',
  requires: [],
  with: [],
  label: null,
} as const;

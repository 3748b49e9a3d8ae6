/**
 * JGF version 2 text to a subsystem of a resource graph. A `contains` edge with both ends inside is internal; one
 * from a vertex of the resource graph to a vertex of the subsystem is a link; any other is an error. `in` is ignored.
 * Inside, a vertex may have several parents (a package that two others hold), but no cycle.
 */
import { invalid } from '../errors.ts';
import type { ResourceGraph, Subsystem } from './graph.ts';
import { depthLimit, placeOfId, readDocument, type Document } from './jgf.ts';

/** Throws `invalid_input` with the place. The graph is the one that the subsystem's links point into. */
export function readSubsystem(name: string, text: string, graph: ResourceGraph): Subsystem {
  const document = readDocument(text);
  const inside = new Map<string, number>();
  for (let i = 0; i < document.ids.length; i++) inside.set(document.ids[i] as string, i);
  const outside = indexOf(graph);
  for (const [id] of inside) {
    if (outside.has(id)) {
      throw invalid(placeOfId(id), 'this id is a vertex of the resource graph; ids of a subsystem must be its own');
    }
  }
  const children: number[][] = document.ids.map(() => []);
  const links: [number, number][] = [];
  for (const edge of document.edges) {
    const place = `graph.edges[${edge.at}]`;
    const target = inside.get(edge.target);
    const source = inside.get(edge.source);
    if (target === undefined && !outside.has(edge.target)) {
      throw invalid(
        `${place}.target`,
        `no vertex ${JSON.stringify(edge.target)} in the subsystem or the resource graph`,
      );
    }
    if (source === undefined && !outside.has(edge.source)) {
      throw invalid(
        `${place}.source`,
        `no vertex ${JSON.stringify(edge.source)} in the subsystem or the resource graph`,
      );
    }
    if (target === undefined) {
      // The prototype's words, for those who match on them.
      throw invalid(
        place,
        `edge ${edge.source}->${edge.target} is not internal, and not connected to the dominant subsystem; ` +
          'a link goes from the resource graph to the subsystem',
      );
    }
    if (source === undefined) links.push([outside.get(edge.source) as number, target]);
    else children[source]?.push(target);
  }
  if (document.edges.length === 0) {
    throw invalid('graph.edges', `subsystem ${JSON.stringify(name)} has no "contains" edge, so nothing links to it`);
  }
  checkAcyclic(document, children);
  return {
    name,
    size: document.ids.length,
    ids: document.ids,
    children,
    links,
    metadata: (vertex) => document.metadata[vertex] ?? {},
  };
}

const indexes = new WeakMap<ResourceGraph, ReadonlyMap<string, number>>();

function indexOf(graph: ResourceGraph): ReadonlyMap<string, number> {
  let index = indexes.get(graph);
  if (index === undefined) {
    const made = new Map<string, number>();
    for (let i = 0; i < graph.size; i++) made.set(graph.ids[i] as string, i);
    index = made;
    indexes.set(graph, index);
  }
  return index;
}

/** Takes away vertices that nothing left contains; what remains lies on or below a cycle. */
function checkAcyclic(document: Document, children: readonly (readonly number[])[]): void {
  const incoming = new Int32Array(children.length);
  for (const of of children) for (const child of of) incoming[child] = (incoming[child] as number) + 1;
  const depth = new Int32Array(children.length).fill(1);
  const ready: number[] = [];
  for (let i = 0; i < children.length; i++) if (incoming[i] === 0) ready.push(i);
  let taken = 0;
  for (let at = ready.pop(); at !== undefined; at = ready.pop()) {
    taken++;
    const below = (depth[at] as number) + 1;
    for (const child of children[at] as readonly number[]) {
      if (below > depthLimit) throw invalid(document.place(child), `deeper than ${depthLimit} levels of containment`);
      if ((depth[child] as number) < below) depth[child] = below;
      incoming[child] = (incoming[child] as number) - 1;
      if (incoming[child] === 0) ready.push(child);
    }
  }
  if (taken === children.length) return;
  const at = incoming.findIndex((count) => count > 0);
  throw invalid(document.place(at), 'lies on or below a cycle of "contains" edges inside the subsystem');
}

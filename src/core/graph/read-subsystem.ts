/**
 * JGF version 2 text to a subsystem of a resource graph. A `contains` edge with both ends inside is internal; one
 * from a vertex of the resource graph to a vertex of the subsystem is a link; any other is an error. `in` is ignored.
 * Inside, a vertex may have several parents (a package that two others hold), but no cycle.
 */
import { invalid } from '../errors.ts';
import type { NamedSubsystem, ResourceGraph } from './graph.ts';
import { depthLimit, DocumentReader, placeOfId, type Document } from './jgf.ts';
import type { JsonObject } from './json.ts';

/** Index of a vertex of the resource graph by its id; −1 where there is none. */
export type FindVertex = (id: string) => number;

/** Throws `invalid_input` with the place. The graph is the one that the subsystem's links point into. */
export function readSubsystem(name: string, text: string, graph: ResourceGraph): NamedSubsystem {
  const reader = new SubsystemReader(name, finderOf(graph));
  reader.push(text);
  return reader.finish();
}

/** Reads a subsystem whose text comes in pieces. */
export class SubsystemReader {
  readonly #name: string;
  readonly #find: FindVertex;
  readonly #metadata: JsonObject[] = [];
  readonly #document = new DocumentReader({
    keep: (vertex, _id, metadata) => {
      this.#metadata[vertex] = metadata;
    },
  });

  constructor(name: string, find: FindVertex) {
    this.#name = name;
    this.#find = find;
  }

  /** The next piece. Throws `invalid_input` with the place. */
  push(text: string): void {
    this.#document.push(text);
  }

  /** Once, after the last piece. */
  finish(): NamedSubsystem {
    const document = this.#document.finish();
    const metadata = this.#metadata;
    for (const id of document.ids) {
      if (this.#find(id) === -1) continue;
      throw invalid(placeOfId(id), 'this id is a vertex of the resource graph; ids of a subsystem must be its own');
    }
    const { children, links } = this.#edges(document);
    checkAcyclic(document, children);
    return {
      name: this.#name,
      size: document.ids.length,
      ids: document.ids,
      children,
      links,
      metadata: (vertex) => metadata[vertex] ?? {},
    };
  }

  #edges(document: Document): { children: number[][]; links: [number, number][] } {
    const children: number[][] = document.ids.map(() => []);
    const links: [number, number][] = [];
    const outside = document.foreign.map(this.#find);
    for (let i = 0; i < document.at.length; i++) {
      const place = `graph.edges[${document.at[i]}]`;
      const source = document.sources[i] as number;
      const target = document.targets[i] as number;
      const id = (end: number): string => (end < 0 ? document.foreign[-1 - end] : document.ids[end]) as string;
      const check = (end: number, which: string): void => {
        if (end >= 0 || outside[-1 - end] !== -1) return;
        throw invalid(
          `${place}.${which}`,
          `no vertex ${JSON.stringify(id(end))} in the subsystem or the resource graph`,
        );
      };
      check(target, 'target');
      check(source, 'source');
      if (target < 0) {
        // The prototype's words, for those who match on them.
        throw invalid(
          place,
          `edge ${id(source)}->${id(target)} is not internal, and not connected to the dominant subsystem; ` +
            'a link goes from the resource graph to the subsystem',
        );
      }
      if (source < 0) links.push([outside[-1 - source] as number, target]);
      else (children[source] as number[]).push(target);
    }
    if (document.at.length === 0) {
      throw invalid(
        'graph.edges',
        `subsystem ${JSON.stringify(this.#name)} has no "contains" edge, so nothing links to it`,
      );
    }
    return { children, links };
  }
}

const finders = new WeakMap<ResourceGraph, FindVertex>();

function finderOf(graph: ResourceGraph): FindVertex {
  let find = finders.get(graph);
  if (find === undefined) {
    const index = new Map(graph.ids.map((id, vertex) => [id, vertex] as const));
    find = (id) => index.get(id) ?? -1;
    finders.set(graph, find);
  }
  return find;
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

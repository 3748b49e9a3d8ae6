/**
 * JGF version 2 text to a validated resource graph, or an error that names the place. Everything is checked before
 * anything is returned: a containment tree, or several that are put below one vertex more; known ends, integer sizes,
 * bounded depth and size.
 * Vertices come out in preorder, children in the order of their edges: a subtree is a contiguous range.
 * Iterates where one would recurse: the depth of the input is the sender's choice.
 */
import { invalid } from '../errors.ts';
import type { Alike } from './alike.ts';
import type { ResourceGraph } from './graph.ts';
import { Numbers } from './growing.ts';
import { depthLimit, DocumentReader, placeOfId, type Document } from './jgf.ts';
import { kindOf, type JsonObject } from './json.ts';

export { readSubsystem, SubsystemReader } from './read-subsystem.ts';

/** Throws `invalid_input` with the place: `graph.edges[3].target: no vertex "9"`. */
export function readGraph(text: string): ResourceGraph {
  const reader = new GraphReader();
  reader.push(text);
  return reader.finish();
}

/**
 * Names and ranks of vertices of type `node` alone, and one object of metadata for vertices that differ only in id,
 * name, rank and paths: what the matcher needs.
 */
export const FOR_MATCHING = 'for matching';

/** Type and name of the vertex that several trees are put below. */
const ALL = 'all';

/** Kinds of vertices in one graph; real ones have a dozen. */
const typeLimit = 1_000;

/** Reads a graph whose text comes in pieces. */
export class GraphReader {
  readonly #lean: boolean;
  readonly #document: DocumentReader;
  /** Each type, once. */
  readonly #distinct = new Map<string, string>();
  // By vertex, in document order.
  readonly #types: string[] = [];
  readonly #ranks = new Numbers();
  readonly #sizes: number[] = [];
  readonly #units: string[] = [];
  readonly #names: string[] = [];
  readonly #metadata: JsonObject[] = [];

  constructor(keeping: 'everything' | typeof FOR_MATCHING = 'everything') {
    this.#lean = keeping === FOR_MATCHING;
    this.#document = new DocumentReader({
      keep: (...vertex) => this.#keep(...vertex),
      ...(this.#lean ? { keepAlike: (vertex: number, alike: Alike) => this.#keepAlike(vertex, alike) } : {}),
    });
  }

  /** The next piece. Throws `invalid_input` with the place. */
  push(text: string): void {
    this.#document.push(text);
  }

  /** Once, after the last piece. */
  finish(): ResourceGraph {
    const given = this.#document.finish();
    const [document, above] = this.#oneRoot(given, parentsOf(given));
    const { sequence, parents } = preorder(document, above);
    const isInOrder = sequence.every((vertex, i) => vertex === i);
    const inOrder = <T>(column: readonly T[]): readonly T[] =>
      isInOrder ? column : Array.from(sequence, (vertex) => column[vertex] as T);
    const metadata = inOrder(this.#metadata);
    return {
      size: sequence.length,
      ids: inOrder(document.ids),
      types: inOrder(this.#types),
      sizes: Float64Array.from(inOrder(this.#sizes)),
      units: inOrder(this.#units),
      parents,
      names: inOrder(this.#names),
      ranks: sequence.map((vertex) => this.#ranks.get(vertex)),
      metadata: (vertex) => metadata[vertex] ?? {},
    };
  }

  /** Several trees become one, below a vertex that no jobspec asks for. Gives the document and its parents. */
  #oneRoot(document: Document, parents: Int32Array): readonly [Document, Int32Array] {
    const contains = new Uint8Array(parents.length);
    const roots: number[] = [];
    parents.forEach((parent, vertex) => {
      if (parent === -1) roots.push(vertex);
      else contains[parent] = 1;
    });
    if (roots.length < 2) return [document, parents];
    const lonely = roots.find((vertex) => contains[vertex] === 0);
    if (lonely !== undefined) throw nowhere(document, roots, lonely);
    const all = parents.length;
    let id = ALL;
    for (const known = new Set(document.ids); known.has(id);) id += "'";
    this.#keep(all, id, { type: ALL, name: ALL }, () => placeOfId(id));
    const targets = new Int32Array(document.targets.length + roots.length);
    targets.set(document.targets);
    targets.set(roots, document.targets.length);
    const below = Int32Array.from({ length: all + 1 }, (_, vertex) => parents[vertex] ?? -1);
    for (const root of roots) below[root] = all;
    return [{ ...document, ids: [...document.ids, id], targets }, below];
  }

  #keep(vertex: number, id: string, of: JsonObject, place: () => string): void {
    const type = typeOf(of, place);
    let known = this.#distinct.get(type);
    if (known === undefined) {
      if (this.#distinct.size === typeLimit) {
        throw invalid(
          `${place()}.metadata.type`,
          `this is the ${typeLimit + 1}th type of vertex; a graph may have ${typeLimit}: put what tells single vertices apart into their names`,
        );
      }
      this.#distinct.set(type, (known = type));
    }
    this.#types[vertex] = known;
    const rank = of['rank'];
    this.#ranks.set(vertex, typeof rank === 'number' ? rankOf(rank) : -1);
    this.#sizes[vertex] = sizeOf(of, place);
    this.#units[vertex] = textOf(of, 'unit', place) ?? '';
    this.#names[vertex] = !this.#lean || type === 'node' ? nameOf(of, id) : '';
    this.#metadata[vertex] = of;
  }

  #keepAlike(vertex: number, { like, name, rank }: Alike): void {
    const type = this.#types[like] as string;
    this.#types[vertex] = type;
    this.#ranks.set(vertex, rank === null ? this.#ranks.get(like) : rankOf(rank));
    this.#sizes[vertex] = this.#sizes[like] as number;
    this.#units[vertex] = this.#units[like] as string;
    this.#names[vertex] = type === 'node' ? name : '';
    this.#metadata[vertex] = this.#metadata[like] as JsonObject;
  }
}

function rankOf(rank: number): number {
  return Number.isInteger(rank) && rank >= 0 && rank < 2 ** 31 ? rank : -1;
}

/** The parent of each vertex by its number in the document; −1 where there is none. */
function parentsOf(document: Document): Int32Array {
  const { sources, targets, foreign } = document;
  const parents = new Int32Array(document.ids.length).fill(-1);
  for (let i = 0; i < sources.length; i++) {
    const source = sources[i] as number;
    const target = targets[i] as number;
    const place = (end: string): string => `graph.edges[${document.at[i]}]${end}`;
    if (source < 0) throw invalid(place('.source'), `no vertex ${JSON.stringify(foreign[-1 - source])}`);
    if (target < 0) throw invalid(place('.target'), `no vertex ${JSON.stringify(foreign[-1 - target])}`);
    const id = (vertex: number): string => JSON.stringify(document.ids[vertex]);
    if (source === target) throw invalid(place(''), `vertex ${id(source)} contains itself`);
    const known = parents[target] as number;
    if (known !== -1 && known !== source) {
      throw invalid(
        place('.target'),
        `vertex ${id(target)} has two containment parents, ${id(known)} and ${id(source)}; the containment graph must be a tree`,
      );
    }
    parents[target] = source;
  }
  return parents;
}

interface Order {
  /** Document numbers in preorder. */
  readonly sequence: Int32Array;
  /** Parents as positions in `sequence`. */
  readonly parents: Int32Array;
}

function preorder(document: Document, parents: Int32Array): Order {
  const count = parents.length;
  const root = onlyRoot(parents);
  // Children as linked lists, in the order of the edges.
  const first = new Int32Array(count).fill(-1);
  const next = new Int32Array(count).fill(-1);
  const last = new Int32Array(count).fill(-1);
  const linked = new Uint8Array(count);
  for (const child of document.targets) {
    if (linked[child] === 1) continue; // the same edge twice
    linked[child] = 1;
    const parent = parents[child] as number;
    if (first[parent] === -1) first[parent] = child;
    else next[last[parent] as number] = child;
    last[parent] = child;
  }
  const sequence = new Int32Array(count);
  const positions = new Int32Array(count).fill(-1);
  const ordered = new Int32Array(count).fill(-1);
  let reached = 0;
  let depth = 1;
  for (let at = root; at !== -1;) {
    positions[at] = reached;
    sequence[reached] = at;
    if (at !== root) ordered[reached] = positions[parents[at] as number] as number;
    reached++;
    if (first[at] !== -1) {
      at = first[at] as number;
      depth++;
      if (depth > depthLimit) {
        throw invalid(document.place(at), `deeper than ${depthLimit} levels of containment`);
      }
      continue;
    }
    while (at !== root && next[at] === -1) {
      at = parents[at] as number;
      depth--;
    }
    at = at === root ? -1 : (next[at] as number);
  }
  if (reached !== count) throw onCycle(document, parents, positions);
  return { sequence, parents: ordered };
}

function onlyRoot(parents: Int32Array): number {
  const root = parents.indexOf(-1);
  if (root !== -1) return root;
  throw invalid('graph.edges', 'every vertex is contained in another one: the containment graph has a cycle');
}

/** Among several roots one that contains nothing: an edge was forgotten, or is not written as containment. */
function nowhere({ ids }: Document, roots: readonly number[], lonely: number): Error {
  const named = roots.slice(0, 3).map((root) => JSON.stringify(ids[root]));
  return invalid(
    'graph.edges',
    `more than one vertex is contained in no other (${named.join(', ')}${roots.length > 3 ? ', …' : ''}), and ` +
      `${JSON.stringify(ids[lonely])} contains nothing either: connect it with a "contains" edge, or leave it out`,
  );
}

function onCycle(document: Document, parents: Int32Array, positions: Int32Array): Error {
  let at = positions.indexOf(-1);
  for (let step = 0; step < parents.length; step++) at = parents[at] as number; // now surely on the cycle
  return invalid(document.place(at), 'lies on a cycle of "contains" edges; the containment graph must be a tree');
}

/** Absent and null mean the default; a wrong kind is an error. */
function textOf(of: JsonObject, key: string, place: () => string): string | null {
  const value = of[key];
  if (value === undefined || value === null) return null;
  if (typeof value === 'string') return value;
  throw invalid(`${place()}.metadata.${key}`, `a string is needed, this is ${kindOf(value)}`);
}

function typeOf(of: JsonObject, place: () => string): string {
  const type = textOf(of, 'type', place) ?? 'resource';
  if (type === '') throw invalid(`${place()}.metadata.type`, 'a type may not be empty');
  return type;
}

function sizeOf(of: JsonObject, place: () => string): number {
  const size = of['size'];
  if (size === undefined || size === null) return 1;
  if (typeof size === 'number' && Number.isSafeInteger(size) && size >= 0) return size;
  throw invalid(`${place()}.metadata.size`, `a whole number of 0 or more is needed, this is ${kindOf(size)}`);
}

/** metadata.name, or basename and id, or the vertex's id. */
function nameOf(of: JsonObject, id: string): string {
  const name = of['name'];
  if (typeof name === 'string' && name !== '') return name;
  const basename = of['basename'];
  const suffix = of['id'];
  if (typeof basename === 'string' && (typeof suffix === 'string' || typeof suffix === 'number')) {
    return `${basename}${suffix}`;
  }
  return id;
}

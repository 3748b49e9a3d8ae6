/**
 * JGF version 2 text to a validated resource graph, or an error that names the place. Everything is checked before
 * anything is returned: one containment root, a tree, known ends, integer sizes, bounded depth and size.
 * Vertices come out in preorder, children in the order of their edges: a subtree is a contiguous range.
 * Iterates where one would recurse: the depth of the input is the sender's choice.
 */
import { invalid } from '../errors.ts';
import type { ResourceGraph } from './graph.ts';
import { depthLimit, placeOfId, readDocument, type Document } from './jgf.ts';
import { kindOf, type JsonObject } from './json.ts';

export { readSubsystem } from './read-subsystem.ts';

/** Throws `invalid_input` with the place: `graph.edges[3].target: no vertex "9"`. */
export function readGraph(text: string): ResourceGraph {
  const document = readDocument(text);
  const parents = parentsOf(document);
  return columns(document, preorder(document, parents));
}

/** The parent of each vertex by its number in the document; −1 where there is none. */
function parentsOf(document: Document): Int32Array {
  const numbers = new Map<string, number>();
  for (let i = 0; i < document.ids.length; i++) numbers.set(document.ids[i] as string, i);
  const parents = new Int32Array(document.ids.length).fill(-1);
  for (const edge of document.edges) {
    const source = numbers.get(edge.source);
    if (source === undefined) {
      throw invalid(`graph.edges[${edge.at}].source`, `no vertex ${JSON.stringify(edge.source)}`);
    }
    const target = numbers.get(edge.target);
    if (target === undefined) {
      throw invalid(`graph.edges[${edge.at}].target`, `no vertex ${JSON.stringify(edge.target)}`);
    }
    if (source === target) {
      throw invalid(`graph.edges[${edge.at}]`, `vertex ${JSON.stringify(edge.source)} contains itself`);
    }
    const known = parents[target] as number;
    if (known !== -1 && known !== source) {
      throw invalid(
        `graph.edges[${edge.at}].target`,
        `vertex ${JSON.stringify(edge.target)} has two containment parents, ${JSON.stringify(document.ids[known])} ` +
          `and ${JSON.stringify(edge.source)}; the containment graph must be a tree`,
      );
    }
    parents[target] = source;
  }
  return parents;
}

/** Kinds of vertices in one graph; real ones have a dozen. */
const typeLimit = 1_000;

interface Order {
  /** Document numbers in preorder. */
  readonly sequence: Int32Array;
  /** Parents as positions in `sequence`. */
  readonly parents: Int32Array;
}

function preorder(document: Document, parents: Int32Array): Order {
  const count = parents.length;
  const root = onlyRoot(document, parents);
  // Children as linked lists, in the order of the edges.
  const first = new Int32Array(count).fill(-1);
  const next = new Int32Array(count).fill(-1);
  const last = new Int32Array(count).fill(-1);
  const numbers = new Map<string, number>();
  for (let i = 0; i < count; i++) numbers.set(document.ids[i] as string, i);
  const linked = new Uint8Array(count);
  for (const edge of document.edges) {
    const child = numbers.get(edge.target) as number;
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

function onlyRoot(document: Document, parents: Int32Array): number {
  const roots: number[] = [];
  for (let i = 0; i < parents.length && roots.length < 4; i++) if (parents[i] === -1) roots.push(i);
  if (roots.length === 1) return roots[0] as number;
  if (roots.length === 0) {
    throw invalid('graph.edges', 'every vertex is contained in another one: the containment graph has a cycle');
  }
  const named = roots.slice(0, 3).map((root) => JSON.stringify(document.ids[root]));
  throw invalid(
    'graph.edges',
    `more than one vertex is contained in no other (${named.join(', ')}${roots.length > 3 ? ', …' : ''}); ` +
      'connect all of them below one root with "contains" edges',
  );
}

function onCycle(document: Document, parents: Int32Array, positions: Int32Array): Error {
  let at = positions.indexOf(-1);
  for (let step = 0; step < parents.length; step++) at = parents[at] as number; // now surely on the cycle
  return invalid(
    placeOfId(document.ids[at]),
    'lies on a cycle of "contains" edges; the containment graph must be a tree',
  );
}

function columns(document: Document, order: Order): ResourceGraph {
  const size = order.sequence.length;
  const ids: string[] = [];
  const types: string[] = [];
  const units: string[] = [];
  const names: string[] = [];
  const metadata: JsonObject[] = [];
  const distinct = new Set<string>();
  const sizes = new Float64Array(size);
  const ranks = new Int32Array(size);
  for (let i = 0; i < size; i++) {
    const number = order.sequence[i] as number;
    const of = document.metadata[number] as JsonObject;
    const id = document.ids[number] as string;
    ids[i] = id;
    metadata[i] = of;
    const type = typeOf(of, document, number);
    types[i] = type;
    distinct.add(type);
    if (distinct.size > typeLimit) {
      throw invalid(
        `${document.place(number)}.metadata.type`,
        `this is the ${typeLimit + 1}th type of vertex; a graph may have ${typeLimit}: put what tells single vertices apart into their names`,
      );
    }
    sizes[i] = sizeOf(of, document, number);
    units[i] = textOf(of, 'unit', document, number) ?? '';
    names[i] = nameOf(of, id);
    const rank = of['rank'];
    ranks[i] = typeof rank === 'number' && Number.isInteger(rank) && rank >= 0 && rank < 2 ** 31 ? rank : -1;
  }
  return {
    size,
    ids,
    types,
    sizes,
    units,
    parents: order.parents,
    names,
    ranks,
    metadata: (vertex) => metadata[vertex] ?? {},
  };
}

/** Absent and null mean the default; a wrong kind is an error. */
function textOf(of: JsonObject, key: string, document: Document, number: number): string | null {
  const value = of[key];
  if (value === undefined || value === null) return null;
  if (typeof value === 'string') return value;
  throw invalid(`${document.place(number)}.metadata.${key}`, `a string is needed, this is ${kindOf(value)}`);
}

function typeOf(of: JsonObject, document: Document, number: number): string {
  const type = textOf(of, 'type', document, number) ?? 'resource';
  if (type === '') throw invalid(`${document.place(number)}.metadata.type`, 'a type may not be empty');
  return type;
}

function sizeOf(of: JsonObject, document: Document, number: number): number {
  const size = of['size'];
  if (size === undefined || size === null) return 1;
  if (typeof size === 'number' && Number.isSafeInteger(size) && size >= 0) return size;
  throw invalid(
    `${document.place(number)}.metadata.size`,
    `a whole number of 0 or more is needed, this is ${kindOf(size)}`,
  );
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

/**
 * What a containment tree becomes before any table of ours is asked: all that costs time per vertex, as data that a
 * thread can give to another for nothing. Spine, names and ids (tree.ts), and the distinct forms (forms.ts) by number.
 * Of 400,000 vertices some ten kinds and thirty forms are left, which adopt.ts interns.
 */
import type { ResourceGraph } from '../graph/graph.ts';
import { Numbers } from '../graph/growing.ts';
import type { JsonObject } from '../graph/json.ts';
import { keptOf, keyOf, type OwnAttributes } from './attributes.ts';
import { packIds, type Ids } from './ids.ts';
import { orderOf, type Order } from './order.ts';

export interface TreePlan {
  /** Number of vertices. */
  readonly size: number;
  /** Distinct attributes, as JSON arrays of `OwnAttributes`: some hundred in each text. */
  readonly kinds: readonly string[];
  /**
   * Distinct forms, each after those it is made of: kind, number of runs, and for each run of equal children their form
   * and how many.
   */
  readonly forms: Int32Array;
  /** Spine vertices: position of each; and of a leaf its number in `leaves`, of an inner vertex −1 − its number. */
  readonly starts: Int32Array;
  readonly links: Int32Array;
  /** Distinct forms of leaves. */
  readonly leaves: Int32Array;
  /** Inner vertices in preorder: kind, spine number, one past the last spine vertex below, parent (inner; −1). */
  readonly innerKinds: Int32Array;
  readonly innerSpine: Int32Array;
  readonly innerEnds: Int32Array;
  readonly innerParents: Int32Array;
  readonly order: Pick<Order, 'indices' | 'positions'>;
  readonly ids: Ids;
  /** Of the nodes: all names in one, where that of each spine vertex ends, and ranks (null where there are none). */
  readonly names: string;
  readonly nameEnds: Int32Array;
  readonly ranks: Int32Array | null;
}

/** Kinds in one text: some 50 µs to read. */
const kindsTogether = 256;

export function planTree(graph: ResourceGraph): TreePlan {
  const order = orderOf(graph);
  const { indices, parents } = order;
  const index = (position: number): number => indices?.[position] ?? position;

  // 1. Which vertices are the spine, and how many children each vertex has.
  const inNode = new Uint8Array(graph.size);
  const kids = new Int32Array(graph.size);
  let length = 1;
  for (let i = 1; i < graph.size; i++) {
    const parent = parents[i] as number;
    kids[parent] = (kids[parent] as number) + 1;
    if (inNode[parent] === 1 || graph.types[index(parent)] === 'node') inNode[i] = 1;
    else length++;
  }

  // 2. Forms of the leaves, bottom-up; kinds of the inner vertices.
  const starts = new Int32Array(length);
  const links = new Int32Array(length);
  const kinds = new Kinds(graph);
  const forms = new PlannedForms();
  const leaves = new Numbers();
  const leafOf = new Map<number, number>();
  const inner: { spine: number; kind: number }[] = [];
  for (let i = graph.size - 1, spine = length - 1; i >= 0; i--) {
    const vertex = index(i);
    const kind = kinds.of(vertex, inNode[i] === 1);
    const isLeaf = kids[i] === 0 || graph.types[vertex] === 'node';
    if (inNode[i] === 1 || isLeaf) forms.add(kind, kids[i] as number);
    if (inNode[i] === 1) continue;
    starts[spine] = i;
    if (isLeaf) {
      const form = forms.take();
      let leaf = leafOf.get(form);
      if (leaf === undefined) {
        leaf = leaves.length;
        leaves.push(form);
        leafOf.set(form, leaf);
      }
      links[spine] = leaf;
    } else {
      inner.push({ spine, kind });
    }
    spine--;
  }
  inner.reverse();
  inner.forEach(({ spine }, number) => (links[spine] = -1 - number));

  return {
    size: graph.size,
    kinds: kinds.texts(),
    forms: forms.flat(),
    starts,
    links,
    leaves: leaves.take(),
    innerKinds: Int32Array.from(inner, ({ kind }) => kind),
    innerSpine: Int32Array.from(inner, ({ spine }) => spine),
    ...innerTree(inner, starts, parents, links),
    order: { indices, positions: order.positions },
    ids: packIds(graph.ids),
    ...namesOf(graph, starts, index),
  };
}

/** Parents and ends of the inner vertices: a subtree ends where the next spine vertex hangs on one of its ancestors. */
function innerTree(
  inner: readonly { readonly spine: number }[],
  starts: Int32Array,
  parents: Int32Array,
  links: Int32Array,
): Pick<TreePlan, 'innerEnds' | 'innerParents'> {
  const innerEnds = new Int32Array(inner.length).fill(starts.length);
  const innerParents = new Int32Array(inner.length);
  const open: number[] = [];
  for (let spine = 0; spine < starts.length; spine++) {
    const parent = parents[starts[spine] as number] as number;
    while (open.length > 0) {
      const top = open[open.length - 1] as number;
      if (starts[(inner[top] as { spine: number }).spine] === parent) break;
      innerEnds[top] = spine;
      open.pop();
    }
    const link = links[spine] as number;
    if (link >= 0) continue;
    innerParents[-1 - link] = open[open.length - 1] ?? -1;
    open.push(-1 - link);
  }
  return { innerEnds, innerParents };
}

/** Of nodes only. */
function namesOf(
  graph: ResourceGraph,
  starts: Int32Array,
  index: (position: number) => number,
): Pick<TreePlan, 'names' | 'nameEnds' | 'ranks'> {
  const names: string[] = [];
  const nameEnds = new Int32Array(starts.length);
  const ranks = new Int32Array(starts.length).fill(-1);
  let end = 0;
  for (let spine = 0; spine < starts.length; spine++) {
    const vertex = index(starts[spine] as number);
    if (graph.types[vertex] === 'node') {
      const name = graph.names[vertex] as string;
      names.push(name);
      end += name.length;
      ranks[spine] = graph.ranks[vertex] as number;
    }
    nameEnds[spine] = end;
  }
  return { names: names.join(''), nameEnds, ranks: ranks.every((rank) => rank === -1) ? null : ranks };
}

interface Kind {
  readonly type: string;
  readonly size: number;
  readonly unit: string;
  readonly inNode: boolean;
  readonly number: number;
}

/** Numbers for distinct attributes. */
class Kinds {
  readonly #graph: ResourceGraph;
  /** What shares its metadata is found without looking into it. */
  readonly #byMetadata = new Map<JsonObject, Kind[]>();
  readonly #byKey = new Map<string, number>();
  readonly #all: OwnAttributes[] = [];

  constructor(graph: ResourceGraph) {
    this.#graph = graph;
  }

  of(vertex: number, inNode: boolean): number {
    const metadata = this.#graph.metadata(vertex);
    const type = this.#graph.types[vertex] as string;
    const size = this.#graph.sizes[vertex] as number;
    const unit = this.#graph.units[vertex] as string;
    let kinds = this.#byMetadata.get(metadata);
    if (kinds === undefined) this.#byMetadata.set(metadata, (kinds = []));
    for (const kind of kinds) {
      if (kind.inNode === inNode && kind.size === size && kind.type === type && kind.unit === unit) return kind.number;
    }
    const attributes = { type, size, unit, inNode, metadata };
    const key = keyOf(attributes);
    let number = this.#byKey.get(key);
    if (number === undefined) {
      number = this.#all.push({ ...attributes, metadata: keptOf(metadata, null) }) - 1;
      this.#byKey.set(key, number);
    }
    kinds.push({ type, size, unit, inNode, number });
    return number;
  }

  texts(): string[] {
    const texts: string[] = [];
    for (let i = 0; i < this.#all.length; i += kindsTogether) {
      texts.push(JSON.stringify(this.#all.slice(i, i + kindsTogether)));
    }
    return texts;
  }
}

/** Forms by number. Takes vertices in reverse preorder, so that the children of each are the last that were made. */
class PlannedForms {
  readonly #flat = new Numbers();
  #count = 0;
  readonly #childless = new Map<number, number>();
  readonly #byKey = new Map<string, number>();
  readonly #made: number[] = [];

  add(kind: number, kids: number): void {
    if (kids === 0) {
      let form = this.#childless.get(kind);
      if (form === undefined) this.#childless.set(kind, (form = this.#write(kind, [])));
      this.#made.push(form);
      return;
    }
    const runs: number[] = [];
    for (let i = 0; i < kids; i++) {
      const kid = this.#made.pop() as number;
      if (runs[runs.length - 2] === kid) runs[runs.length - 1] = (runs[runs.length - 1] as number) + 1;
      else runs.push(kid, 1);
    }
    const key = `${kind}:${runs.join()}`;
    let form = this.#byKey.get(key);
    if (form === undefined) this.#byKey.set(key, (form = this.#write(kind, runs)));
    this.#made.push(form);
  }

  #write(kind: number, runs: readonly number[]): number {
    this.#flat.push(kind);
    this.#flat.push(runs.length / 2);
    for (const number of runs) this.#flat.push(number);
    return this.#count++;
  }

  take(): number {
    return this.#made.pop() as number;
  }

  flat(): Int32Array {
    return this.#flat.take();
  }
}

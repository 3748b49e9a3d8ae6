/**
 * One cluster's containment tree, compact. Vertices outside of nodes, and the nodes themselves, form the *spine*: two
 * numbers each. What is inside of a node is a form (forms.ts), shared by all nodes that look the same. Positions are
 * preorder; a spine vertex without spine vertices below itself is a *leaf* (every node is), the others are *inner*.
 */
import type { ResourceGraph, Subsystem } from '../graph/graph.ts';
import type { AttributeTable, LinkSet, Own } from './attributes.ts';
import { FormBuilder, type Form, type FormTable } from './forms.ts';
import { idIndex, orderOf, type IdIndex, type Order } from './order.ts';

export interface Tables {
  readonly attributes: AttributeTable;
  readonly forms: FormTable;
}

export class Tree {
  readonly ids: IdIndex;
  /** Number of vertices. */
  readonly size: number;
  /** Spine vertices. */
  readonly length: number;
  /** Position of each spine vertex. */
  readonly #starts: Int32Array;
  /** Of a leaf its number in `#forms`; of an inner vertex −1 − its number among the inner ones. */
  readonly #links: Int32Array;
  #forms: Form[] = [];
  /** Inner vertices in preorder: own attributes, spine number, one past the last spine vertex below, parent (inner). */
  readonly innerOwns: Own[] = [];
  readonly innerSpine: number[] = [];
  readonly innerEnds: number[] = [];
  readonly innerParents: number[] = [];
  readonly #order: Pick<Order, 'indices' | 'positions'>;
  readonly #names: string;
  readonly #nameEnds: Int32Array;
  readonly #ranks: Int32Array | null;
  readonly #tables: Tables;

  constructor(tables: Tables, graph: ResourceGraph, subsystems: readonly Subsystem[]) {
    this.#tables = tables;
    this.size = graph.size;
    this.ids = idIndex(graph.ids);
    const order = orderOf(graph);
    this.#order = { indices: order.indices, positions: order.positions };
    const index = (position: number): number => order.indices?.[position] ?? position;

    // 1. Which vertices are the spine, and how many children each vertex has.
    const inNode = new Uint8Array(graph.size);
    const kids = new Int32Array(graph.size);
    let length = 1;
    for (let i = 1; i < graph.size; i++) {
      const parent = order.parents[i] as number;
      kids[parent] = (kids[parent] as number) + 1;
      if (inNode[parent] === 1 || graph.types[index(parent)] === 'node') inNode[i] = 1;
      else length++;
    }
    this.length = length;
    this.#starts = new Int32Array(length);
    this.#links = new Int32Array(length);

    // 2. Forms of the leaves, bottom-up; own attributes of the inner vertices.
    const links = subsystems.map((subsystem) => ({
      name: subsystem.name,
      sets: tables.attributes.linkSets(subsystem),
    }));
    const ownOf = (position: number): Own => {
      const vertex = index(position);
      let own = tables.attributes.intern({
        type: graph.types[vertex] as string,
        size: graph.sizes[vertex] as number,
        unit: graph.units[vertex] as string,
        inNode: inNode[position] === 1,
        metadata: graph.metadata(vertex),
      });
      for (const { name, sets } of links) {
        const set = sets.get(vertex);
        if (set !== undefined) own = tables.attributes.withLinks(own, name, set);
      }
      return own;
    };
    const builder = new FormBuilder(tables.forms);
    const numbers = new Map<Form, number>();
    const inner: { spine: number; own: Own }[] = [];
    for (let i = graph.size - 1, spine = length - 1; i >= 0; i--) {
      const own = ownOf(i);
      const isLeaf = own.type === 'node' || kids[i] === 0;
      if (inNode[i] === 1 || isLeaf) builder.add(own, kids[i] as number);
      if (inNode[i] === 1) continue;
      this.#starts[spine] = i;
      if (isLeaf) {
        const form = builder.take();
        let number = numbers.get(form);
        if (number === undefined) {
          number = this.#forms.push(form) - 1;
          numbers.set(form, number);
        }
        this.#links[spine] = number;
      } else {
        inner.push({ spine, own });
      }
      spine--;
    }

    // 3. The inner vertices in preorder, with parents and ends.
    const open: number[] = [];
    for (let i = inner.length - 1; i >= 0; i--) {
      const { spine, own } = inner[i] as { spine: number; own: Own };
      const number = this.innerOwns.push(own) - 1;
      this.innerSpine.push(spine);
      this.#links[spine] = -1 - number;
      const position = this.#starts[spine] as number;
      while (open.length > 0) {
        const top = open[open.length - 1] as number;
        if (this.#starts[this.innerSpine[top] as number] === order.parents[position]) break;
        open.pop();
      }
      this.innerParents.push(open[open.length - 1] ?? -1);
      open.push(number);
    }
    this.#close(order.parents);

    // 4. Names and ranks, of nodes only.
    const names: string[] = [];
    this.#nameEnds = new Int32Array(length);
    const ranks = new Int32Array(length).fill(-1);
    let end = 0;
    for (let spine = 0; spine < length; spine++) {
      const vertex = index(this.#starts[spine] as number);
      if (graph.types[vertex] === 'node') {
        const name = graph.names[vertex] as string;
        names.push(name);
        end += name.length;
        ranks[spine] = graph.ranks[vertex] as number;
      }
      this.#nameEnds[spine] = end;
    }
    this.#names = names.join('');
    this.#ranks = ranks.every((rank) => rank === -1) ? null : ranks;
  }

  #close(parents: Int32Array): void {
    // The subtree of an inner vertex ends where the next spine vertex hangs on one of its ancestors.
    const ends = this.innerOwns.map(() => this.length);
    const open: number[] = [];
    for (let spine = 0; spine < this.length; spine++) {
      const parent = parents[this.#starts[spine] as number] as number;
      while (open.length > 0) {
        const top = open[open.length - 1] as number;
        if (this.#starts[this.innerSpine[top] as number] === parent) break;
        ends[top] = spine;
        open.pop();
      }
      const link = this.#links[spine] as number;
      if (link < 0) open.push(-1 - link);
    }
    for (const end of ends) this.innerEnds.push(end);
  }

  /** The form of a leaf; null for an inner vertex. */
  form(spine: number): Form | null {
    const link = this.#links[spine] as number;
    return link < 0 ? null : (this.#forms[link] as Form);
  }

  /** Number among the inner vertices; −1 for a leaf. */
  inner(spine: number): number {
    const link = this.#links[spine] as number;
    return link < 0 ? -1 - link : -1;
  }

  /** The inner vertex around a spine vertex; −1 around the root. */
  parent(spine: number): number {
    const own = this.inner(spine);
    if (own !== -1) return this.innerParents[own] as number;
    // The last inner vertex before it, or one of those around that.
    let low = -1;
    let high = this.innerSpine.length - 1;
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if ((this.innerSpine[middle] as number) < spine) low = middle;
      else high = middle - 1;
    }
    while (low !== -1 && (this.innerEnds[low] as number) <= spine) low = this.innerParents[low] as number;
    return low;
  }

  /** The children of an inner vertex, as spine numbers. */
  *children(inner: number): Generator<number> {
    const end = this.innerEnds[inner] as number;
    for (let spine = (this.innerSpine[inner] as number) + 1; spine < end;) {
      yield spine;
      const own = this.inner(spine);
      spine = own === -1 ? spine + 1 : (this.innerEnds[own] as number);
    }
  }

  start(spine: number): number {
    return this.#starts[spine] as number;
  }

  /** Of a node. */
  name(spine: number): string {
    return this.#names.slice(this.#nameEnds[spine - 1] ?? 0, this.#nameEnds[spine]);
  }

  rank(spine: number): number {
    return this.#ranks?.[spine] ?? -1;
  }

  /** Index in the ResourceGraph of a position. */
  index(position: number): number {
    return this.#order.indices?.[position] ?? position;
  }

  /** Where a vertex is: its spine vertex and its number in that one's form. */
  locate(index: number): { spine: number; local: number } {
    const position = this.#order.positions?.[index] ?? index;
    let low = 0;
    let high = this.length - 1;
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if ((this.#starts[middle] as number) <= position) low = middle;
      else high = middle - 1;
    }
    return { spine: low, local: position - (this.#starts[low] as number) };
  }

  /** Size of a vertex, and whether there is anything below it. */
  look(index: number): { size: number; hasKids: boolean } {
    const { spine, local } = this.locate(index);
    const form = this.form(spine);
    if (form === null) return { size: (this.innerOwns[this.inner(spine)] as Own).size, hasKids: true };
    const { owns, ends } = this.#tables.forms.unroll(form);
    return { size: (owns[local] as Own).size, hasKids: (ends[local] as number) > local + 1 };
  }

  /** Replaces the links of one subsystem. */
  relink(subsystem: string, sets: ReadonlyMap<number, LinkSet>): void {
    const { attributes, forms } = this.#tables;
    const bySpine = new Map<number, Map<number, LinkSet>>();
    for (const [vertex, set] of sets) {
      const { spine, local } = this.locate(vertex);
      let of = bySpine.get(spine);
      if (of === undefined) bySpine.set(spine, (of = new Map()));
      of.set(local, set);
    }
    const kept: Form[] = [];
    const numbers = new Map<Form, number>();
    const stripped = new Map<Form, Form>();
    for (let spine = 0; spine < this.length; spine++) {
      const linked = bySpine.get(spine);
      const inner = this.inner(spine);
      if (inner !== -1) {
        const own = this.innerOwns[inner] as Own;
        this.innerOwns[inner] = attributes.withLinks(own, subsystem, linked?.get(0) ?? null);
        continue;
      }
      const before = this.form(spine) as Form;
      let form = linked === undefined ? stripped.get(before) : undefined;
      if (form === undefined) {
        const { owns, parents } = forms.unroll(before);
        const changed = owns.map((own, i) => attributes.withLinks(own, subsystem, linked?.get(i) ?? null));
        form = forms.fromColumns(changed, parents);
        if (linked === undefined) stripped.set(before, form);
      }
      let number = numbers.get(form);
      if (number === undefined) {
        number = kept.push(form) - 1;
        numbers.set(form, number);
      }
      this.#links[spine] = number;
    }
    this.#forms = kept;
  }

  /** What this tree keeps alive. */
  forms(): readonly Form[] {
    return this.#forms;
  }
}

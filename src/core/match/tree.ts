/**
 * One cluster's containment tree, compact. Vertices outside of nodes, and the nodes themselves, form the *spine*: two
 * numbers each. What is inside of a node is a form (forms.ts), shared by all nodes that look the same. Positions are
 * preorder; a spine vertex without spine vertices below itself is a *leaf* (every node is), the others are *inner*.
 */
import type { AttributeTable, LinkSet, Own } from './attributes.ts';
import type { Form, FormTable } from './forms.ts';
import { findId, idAt, type Ids } from './ids.ts';
import type { TreePlan } from './plan.ts';

export interface Tables {
  readonly attributes: AttributeTable;
  readonly forms: FormTable;
}

/** What the links of one subsystem make of a tree, before it counts. */
export interface Relinked {
  readonly links: Int32Array;
  readonly forms: readonly Form[];
  readonly innerOwns: readonly Own[];
}

export class Tree {
  readonly #ids: Ids;
  /** Number of vertices. */
  readonly size: number;
  /** Spine vertices. */
  readonly length: number;
  /** Position of each spine vertex. */
  readonly #starts: Int32Array;
  /** Of a leaf its number in `#forms`; of an inner vertex −1 − its number among the inner ones. */
  #links: Int32Array;
  #forms: readonly Form[];
  /** Inner vertices in preorder: own attributes, spine number, one past the last spine vertex below, parent (inner). */
  innerOwns: readonly Own[];
  readonly innerSpine: Int32Array;
  readonly innerEnds: Int32Array;
  readonly innerParents: Int32Array;
  readonly #order: TreePlan['order'];
  readonly #names: string;
  readonly #nameEnds: Int32Array;
  readonly #ranks: Int32Array | null;
  readonly #tables: Tables;

  /** Of a plan whose kinds and forms are interned: `owns` and `forms` by their numbers in it (adopt.ts). */
  constructor(tables: Tables, plan: TreePlan, owns: readonly Own[], forms: readonly Form[]) {
    this.#tables = tables;
    this.#ids = plan.ids;
    this.size = plan.size;
    this.length = plan.starts.length;
    this.#starts = plan.starts;
    this.#links = plan.links;
    this.#forms = Array.from(plan.leaves, (form) => forms[form] as Form);
    this.innerOwns = Array.from(plan.innerKinds, (kind) => owns[kind] as Own);
    this.innerSpine = plan.innerSpine;
    this.innerEnds = plan.innerEnds;
    this.innerParents = plan.innerParents;
    this.#order = plan.order;
    this.#names = plan.names;
    this.#nameEnds = plan.nameEnds;
    this.#ranks = plan.ranks;
  }

  /** Index of a vertex by its id; −1 where there is none. */
  find(id: string): number {
    return findId(this.#ids, id);
  }

  /** The id of a vertex by its index; '' where there is none. */
  id(index: number): string {
    return idAt(this.#ids, index);
  }

  get ids(): Ids {
    return this.#ids;
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

  /** The links of one subsystem replaced by these; nothing changes until it is given to `use`. In slices. */
  *relinked(
    subsystem: string,
    sets: ReadonlyMap<number, LinkSet>,
    made: { readonly owns: Own[]; readonly forms: Form[] },
  ): Generator<void, Relinked> {
    const { attributes, forms } = this.#tables;
    const bySpine = new Map<number, Map<number, LinkSet>>();
    for (const [vertex, set] of sets) {
      const { spine, local } = this.locate(vertex);
      let of = bySpine.get(spine);
      if (of === undefined) bySpine.set(spine, (of = new Map()));
      of.set(local, set);
    }
    yield;
    const links = new Int32Array(this.length);
    const kept: Form[] = [];
    const numbers = new Map<Form, number>();
    const innerOwns: Own[] = [];
    // Leaves of one form with the same links become the same.
    const known = new Map<string, number>();
    let work = 0;
    for (let spine = 0; spine < this.length; spine++) {
      if (work++ >= 1_000) {
        work = 0;
        yield;
      }
      const linked = bySpine.get(spine);
      const inner = this.inner(spine);
      if (inner !== -1) {
        const own = attributes.withLinks(this.innerOwns[inner] as Own, subsystem, linked?.get(0) ?? null);
        made.owns.push(own);
        links[spine] = -innerOwns.push(own);
        continue;
      }
      const before = this.form(spine) as Form;
      const key = `${before.id}${linked === undefined ? '' : keyOfLinks(linked)}`;
      let number = known.get(key);
      if (number === undefined) {
        const { owns, parents } = forms.unroll(before);
        const changed = owns.map((own, i) => attributes.withLinks(own, subsystem, linked?.get(i) ?? null));
        const form = forms.fromColumns(changed, parents);
        made.forms.push(form);
        work += owns.length;
        number = numbers.get(form);
        if (number === undefined) {
          number = kept.push(form) - 1;
          numbers.set(form, number);
        }
        known.set(key, number);
      }
      links[spine] = number;
    }
    return { links, forms: kept, innerOwns };
  }

  use({ links, forms, innerOwns }: Relinked): void {
    this.#links = links;
    this.#forms = forms;
    this.innerOwns = innerOwns;
  }

  /** What this tree keeps alive. */
  forms(): readonly Form[] {
    return this.#forms;
  }
}

function keyOfLinks(linked: ReadonlyMap<number, LinkSet>): string {
  return [...linked]
    .sort(([a], [b]) => a - b)
    .map(([local, set]) => `|${local}:${set.id}`)
    .join('');
}

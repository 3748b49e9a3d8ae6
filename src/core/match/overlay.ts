/**
 * The classes of a tree's spine, kept up to date under changes: what is free now, or what a constraint leaves. A change
 * re-interns the path from its place to the root and nothing else: each inner vertex knows the multiset of its
 * children's classes.
 */
import type { Class, ClassTable } from './classes.ts';
import type { Form } from './forms.ts';
import type { Tree } from './tree.ts';

export class Overlay {
  readonly tree: Tree;
  readonly #classes: ClassTable;
  /** Leaves that are not as their form says; null: gone. */
  readonly #leaves = new Map<number, Class | null>();
  readonly #inner: Inner[] = [];
  readonly #dirty = new Set<number>();
  /** The class of it all, kept at hand: every question begins there. Null where nothing is left. */
  #root: Class | null = null;

  /** Of the tree as it is, or a copy of another overlay of it. */
  constructor(classes: ClassTable, tree: Tree, from: Overlay | null = null) {
    this.tree = tree;
    this.#classes = classes;
    if (from !== null) {
      for (const [spine, cls] of from.#leaves) this.#leaves.set(spine, cls);
      for (const inner of from.#inner) this.#inner.push({ ...inner, kids: inner.kids && new Map(inner.kids) });
      this.#root = from.#root;
      return;
    }
    for (let i = 0; i < tree.innerOwns.length; i++) {
      this.#inner.push({ cls: null, kids: null, touchedKids: 0, goneKids: 0, drawn: 0, gone: false });
    }
    for (let i = tree.innerOwns.length - 1; i >= 0; i--) {
      for (const spine of tree.children(i)) this.#count(i, this.at(spine), 1);
      const of = this.#inner[i] as Inner;
      of.cls = this.#intern(i);
      if (of.cls !== null) of.kids = null;
    }
    this.#root = this.at(0);
  }

  get root(): Class | null {
    return this.#root;
  }

  /** The class of a spine vertex; null: gone. */
  at(spine: number): Class | null {
    const inner = this.tree.inner(spine);
    if (inner !== -1) return (this.#inner[inner] as Inner).cls;
    const own = this.#leaves.get(spine);
    return own === undefined ? (this.tree.form(spine) as Form).cls : own;
  }

  /** `undefined`: as its form says. */
  setLeaf(spine: number, cls: Class | null | undefined): void {
    const before = this.at(spine);
    if (cls === undefined) this.#leaves.delete(spine);
    else this.#leaves.set(spine, cls);
    if (spine === 0) this.#root = this.at(0);
    this.#replace(this.tree.parent(spine), before, this.at(spine));
  }

  setInner(inner: number, drawn: number, gone: boolean): void {
    const of = this.#inner[inner] as Inner;
    // One that is gone has no class any more to say them.
    kidsOf(of);
    of.drawn = drawn;
    of.gone = gone;
    this.#dirty.add(inner);
  }

  #replace(parent: number, before: Class | null, after: Class | null): void {
    if (before === after || parent === -1) return;
    this.#count(parent, before, -1);
    this.#count(parent, after, 1);
    this.#dirty.add(parent);
  }

  /** Re-interns whatever changed, from the bottom up. */
  flush(): void {
    if (this.#dirty.size === 0) return;
    let highest = 0;
    for (const inner of this.#dirty) highest = Math.max(highest, inner);
    // Parents have smaller numbers than what is below them; most often the dirty ones are one path.
    for (let at = highest; at >= 0 && this.#dirty.size > 0;) {
      if (!this.#dirty.delete(at)) {
        at--;
        continue;
      }
      const of = this.#inner[at] as Inner;
      const before = of.cls;
      of.cls = this.#intern(at);
      const parent = this.tree.innerParents[at] as number;
      this.#replace(parent, before, of.cls);
      at = this.#dirty.size === 1 && this.#dirty.has(parent) ? parent : at - 1;
    }
    this.#root = this.at(0);
  }

  #count(inner: number, kid: Class | null, by: 1 | -1): void {
    const of = this.#inner[inner] as Inner;
    if (kid === null) {
      of.goneKids += by;
      return;
    }
    const kids = kidsOf(of);
    const count = (kids.get(kid) ?? 0) + by;
    if (count === 0) kids.delete(kid);
    else kids.set(kid, count);
    if (kid.touched) of.touchedKids += by;
  }

  #intern(inner: number): Class | null {
    const of = this.#inner[inner] as Inner;
    if (of.gone) return null;
    const own = this.tree.innerOwns[inner];
    if (own === undefined) return null;
    const touched = of.drawn > 0 || of.goneKids > 0 || of.touchedKids > 0;
    const kids = kidsOf(of);
    return this.#classes.intern(own, of.drawn, touched, kids, of.goneKids > 0 && kids.size === 0);
  }

  /** Every class that must stay. */
  *live(): Generator<Class> {
    for (const cls of this.#leaves.values()) if (cls !== null) yield cls;
    for (const { cls } of this.#inner) if (cls !== null) yield cls;
    if (this.root !== null) yield this.root;
  }
}

interface Inner {
  cls: Class | null;
  /** By class; null: as its own class says. Few change, and a map takes 190 bytes. */
  kids: Map<Class, number> | null;
  touchedKids: number;
  goneKids: number;
  drawn: number;
  gone: boolean;
}

/** For a change, before it. */
function kidsOf(of: Inner): Map<Class, number> {
  const { cls } = of;
  return (of.kids ??= new Map(cls?.kids.map((kid, i) => [kid, cls.counts[i] as number])));
}

/**
 * What is free of one cluster: its tree without what decisions have debited and the cluster itself reports as busy.
 * The state of a vertex is computed from the takes that lie on it, never added to or subtracted from: so a take that
 * comes twice counts once, what is given back is exactly what was taken, and nothing can exceed what is there.
 */
import type { ClassTable } from './classes.ts';
import { localClasses, type LocalClasses, type LocalTake } from './local.ts';
import type { FormTable, Form } from './forms.ts';
import { Overlay } from './overlay.ts';
import type { Tree } from './tree.ts';

/** A part of one vertex, or (`whole`) the vertex with all below it. */
export interface Take {
  /** Index in the ResourceGraph. */
  readonly vertex: number;
  readonly amount: number;
  readonly whole: boolean;
}

interface Placed extends LocalTake {
  readonly spine: number;
}

export class Residual {
  readonly #tree: Tree;
  readonly #classes: ClassTable;
  readonly #forms: FormTable;
  readonly overlay: Overlay;
  readonly #byKey = new Map<string, readonly Placed[]>();
  readonly #bySpine = new Map<number, Set<Placed>>();
  #busy: readonly Placed[] = [];
  /** The leaf that was made last: what is placed there is looked for in it, taken of it, and the next looks there again. */
  #last: { readonly spine: number; readonly classes: LocalClasses } | null = null;

  constructor(classes: ClassTable, forms: FormTable, tree: Tree, full: Overlay) {
    this.#classes = classes;
    this.#forms = forms;
    this.#tree = tree;
    this.overlay = new Overlay(classes, tree, full);
  }

  get keys(): readonly string[] {
    return [...this.#byKey.keys()];
  }

  debit(key: string, takes: readonly Take[]): void {
    if (this.#byKey.has(key)) return;
    const placed = takes.map((take) => this.#place(take));
    this.#byKey.set(key, placed);
    this.#add(placed);
    this.#update([placed]);
  }

  credit(key: string): void {
    const placed = this.#byKey.get(key);
    if (placed === undefined) return;
    this.#byKey.delete(key);
    this.#remove(placed);
    this.#update([placed]);
  }

  report(busy: readonly Take[], includes: readonly string[]): void {
    const changed: (readonly Placed[])[] = [this.#busy];
    this.#remove(this.#busy);
    this.#busy = busy.map((take) => this.#place(take));
    this.#add(this.#busy);
    changed.push(this.#busy);
    for (const key of includes) {
      const placed = this.#byKey.get(key);
      if (placed === undefined) continue;
      this.#byKey.delete(key);
      this.#remove(placed);
      changed.push(placed);
    }
    this.#update(changed);
  }

  /** Everything again, after the tree itself has changed. */
  takes(): { debits: ReadonlyMap<string, readonly Take[]>; busy: readonly Take[] } {
    const back = (placed: readonly Placed[]): Take[] =>
      placed.map(({ spine, local, amount, whole }) => ({
        vertex: this.#tree.index(this.#tree.start(spine) + local),
        amount,
        whole,
      }));
    return { debits: new Map([...this.#byKey].map(([key, of]) => [key, back(of)])), busy: back(this.#busy) };
  }

  /** What is inside of a leaf of the spine. */
  inLeaf(spine: number): LocalClasses {
    if (this.#last?.spine !== spine) this.#last = { spine, classes: this.#classesOf(spine) };
    return this.#last.classes;
  }

  #classesOf(spine: number): LocalClasses {
    const form = this.#tree.form(spine) as Form;
    return localClasses(this.#classes, this.#forms, form, this.#bySpine.get(spine) ?? []);
  }

  #place(take: Take): Placed {
    return { ...this.#tree.locate(take.vertex), amount: take.amount, whole: take.whole };
  }

  #add(placed: readonly Placed[]): void {
    for (const take of placed) {
      const on = this.#bySpine.get(take.spine);
      if (on === undefined) this.#bySpine.set(take.spine, new Set([take]));
      else on.add(take);
    }
  }

  #remove(placed: readonly Placed[]): void {
    for (const take of placed) {
      const on = this.#bySpine.get(take.spine);
      if (on?.delete(take) === true && on.size === 0) this.#bySpine.delete(take.spine);
    }
  }

  #update(changed: readonly (readonly Placed[])[]): void {
    const spines = new Set<number>();
    for (const placed of changed) for (const { spine } of placed) spines.add(spine);
    for (const spine of spines) this.#recompute(spine);
    this.overlay.flush();
  }

  #recompute(spine: number): void {
    if (this.#last?.spine === spine) this.#last = null;
    const takes = this.#bySpine.get(spine);
    const inner = this.#tree.inner(spine);
    if (inner !== -1) {
      const size = this.#tree.innerOwns[inner]?.size ?? 0;
      let drawn = 0;
      let gone = false;
      for (const take of takes ?? []) {
        if (take.whole) gone = true;
        else drawn = Math.min(size, drawn + take.amount);
      }
      this.overlay.setInner(inner, drawn, gone);
    } else if (takes === undefined) {
      this.overlay.setLeaf(spine, undefined);
    } else {
      this.overlay.setLeaf(spine, this.inLeaf(spine)(0));
    }
  }
}

/** One cluster in the matcher: its tree, all of it and what is free, and its subsystems. */
import type { Subsystem } from '../graph/graph.ts';
import type { Pending } from './adopt.ts';
import type { AttributeTable, LinkSet } from './attributes.ts';
import type { Class, ClassTable } from './classes.ts';
import type { Form, FormTable } from './forms.ts';
import { Overlay } from './overlay.ts';
import { Residual, type Take } from './residual.ts';
import type { Relinked, Tree } from './tree.ts';

export interface HoldingTables {
  readonly attributes: AttributeTable;
  readonly classes: ClassTable;
  readonly forms: FormTable;
}

export class Holding {
  readonly #tables: HoldingTables;
  readonly tree: Tree;
  readonly subsystems = new Map<string, Subsystem>();
  full: Overlay;
  /** Made when something is first taken. */
  #residual: Residual | null = null;

  /** Grows with every change of links. */
  #changes = 0;

  constructor(tables: HoldingTables, tree: Tree) {
    this.#tables = tables;
    this.tree = tree;
    this.full = new Overlay(tables.classes, tree);
  }

  get free(): Overlay {
    return this.#residual?.overlay ?? this.full;
  }

  /** What is taken, if anything is. */
  get residual(): Residual | null {
    return this.#residual;
  }

  /** For changes. */
  taken(): Residual {
    this.#residual ??= this.untaken();
    return this.#residual;
  }

  /** As if nothing were taken. */
  untaken(): Residual {
    return new Residual(this.#tables.classes, this.#tables.forms, this.tree, this.full);
  }

  /** Takes over what was taken of an earlier graph; vertices are found again by `translate`, −1 where they are gone. */
  inherit(from: Residual, translate: (vertex: number) => number): void {
    const { debits, busy } = from.takes();
    const moved = (takes: readonly Take[]): Take[] =>
      takes.map((take) => ({ ...take, vertex: translate(take.vertex) })).filter((take) => take.vertex >= 0);
    for (const [key, takes] of debits) this.taken().debit(key, moved(takes));
    if (busy.length > 0) this.taken().report(moved(busy), []);
  }

  /** What becomes of it with this subsystem instead of the one of that name; null: without. In slices, before `use`. */
  *linked(name: string, subsystem: Subsystem | null, pending: Pending): Generator<void, Relinked> {
    const { attributes } = this.#tables;
    for (;;) {
      const changes = this.#changes;
      const asks = attributes.asks;
      const sets = subsystem === null ? new Map<number, LinkSet>() : yield* attributes.linkSets(subsystem);
      const relinked = yield* this.tree.relinked(name, sets, pending);
      // Meanwhile somebody else may have changed it, or asked for what the sets leave out.
      if (changes === this.#changes && asks === attributes.asks) return relinked;
    }
  }

  use(name: string, subsystem: Subsystem | null, relinked: Relinked): void {
    const before = this.#residual;
    this.#changes++;
    this.tree.use(relinked);
    if (subsystem === null) this.subsystems.delete(name);
    else this.subsystems.set(name, subsystem);
    this.full = new Overlay(this.#tables.classes, this.tree);
    if (before === null) return;
    this.#residual = null;
    this.inherit(before, (vertex) => vertex);
  }

  *liveClasses(): Generator<Class> {
    yield* this.full.live();
    if (this.#residual !== null) yield* this.#residual.overlay.live();
    for (const form of this.tree.forms()) yield form.cls;
  }

  liveForms(): readonly Form[] {
    return this.tree.forms();
  }
}

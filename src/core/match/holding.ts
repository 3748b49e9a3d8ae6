/** One cluster in the matcher: its tree, all of it and what is free, and its subsystems. */
import type { ResourceGraph, Subsystem } from '../graph/graph.ts';
import type { AttributeTable, LinkSet } from './attributes.ts';
import type { Class, ClassTable } from './classes.ts';
import type { Form, FormTable } from './forms.ts';
import { Overlay } from './overlay.ts';
import { Residual, type Take } from './residual.ts';
import { Tree } from './tree.ts';

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

  constructor(tables: HoldingTables, graph: ResourceGraph, subsystems: readonly Subsystem[]) {
    this.#tables = tables;
    for (const subsystem of subsystems) this.subsystems.set(subsystem.name, subsystem);
    this.tree = new Tree(tables, graph, [...this.subsystems.values()]);
    this.full = new Overlay(tables.classes, this.tree);
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

  /** Links of one subsystem anew; without sets: away. */
  relink(name: string, sets: ReadonlyMap<number, LinkSet>): void {
    const before = this.#residual;
    this.tree.relink(name, sets);
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

/**
 * A request group to a demand (shapes.ts), by the rules of docs/matching.md: what is in a slot is exclusive; a slot
 * that names no `node` takes each copy from within one node; `replicas` makes slots inside vertices that may be shared
 * unless `count`, `exclusive` or an empty `with` says otherwise; a leaf draws quantity; ranges ask for their least.
 */
import { invalid } from '../errors.ts';
import type { RequestGroup, RequestVertex } from '../jobspec/jobspec.ts';
import { least } from './accepted.ts';
import { addDemand, type Demand, type Shape, type ShapeTable } from './shapes.ts';
import { basisOf } from './units.ts';

/** Counts that were decided on, by request vertex; the least accepted one where there is none. */
export type Choices = ReadonlyMap<RequestVertex, number>;

/** How many of one request vertex. */
export type CountOf = (vertex: RequestVertex) => number;

/** Levels of `with` in a request. */
const depthLimit = 64;

export interface Scope {
  readonly inSlot: boolean;
  /** Below a request vertex of type `node`. */
  readonly inNode: boolean;
}

export const topScope: Scope = { inSlot: false, inNode: false };

export interface CompilerOptions {
  readonly choices?: Choices;
  /**
   * Replicas that share vertices, inside of a slot: each slot has vertices of its own, which a demand cannot say.
   * false: as if all slots' replicas shared alike (what does not fit then, does not fit); true: all replicas of one
   * slot in one vertex (what fits then, fits).
   */
  readonly apart?: boolean;
}

export class Compiler {
  readonly #table: ShapeTable;
  readonly #apart: boolean;
  readonly countOf: CountOf;
  /** Has it met what a demand cannot say (`apart`)? */
  isInexact = false;

  constructor(table: ShapeTable, { choices, apart = false }: CompilerOptions = {}) {
    this.#table = table;
    this.#apart = apart;
    this.countOf = (vertex) => choices?.get(originOf(vertex)) ?? least(vertex.count);
  }

  group(group: RequestGroup): Demand {
    if (group.simple !== null) return this.#simple(group.simple.nodes, group.simple.tasks);
    checkDepth(group.vertices);
    return this.demandOf(group.vertices, topScope);
  }

  demandOf(vertices: readonly RequestVertex[], scope: Scope): Demand {
    const [first] = vertices;
    if (first === undefined) return this.#table.nothing;
    if (vertices.length === 1) {
      const { shape, times, flat } = this.need(first, scope);
      return shape === null ? this.#table.times(flat, times) : this.#table.only(shape, times);
    }
    const into = new Map<Shape, number>();
    for (const vertex of vertices) {
      const { shape, times, flat } = this.need(vertex, scope);
      if (shape === null) addDemand(into, flat, times);
      else if (shape.anchored) into.set(this.#unused(shape, into), times);
      else into.set(shape, (into.get(shape) ?? 0) + times);
    }
    return this.#table.demand(into);
  }

  /** One request vertex: so many of a shape, or (a slot whose copies may lie anywhere) of a demand. */
  need(vertex: RequestVertex, scope: Scope): { shape: Shape | null; times: number; flat: Demand } {
    const nothing = this.#table.nothing;
    if (vertex.type === 'slot') {
      const times = this.countOf(vertex) * (vertex.replicas ?? 1);
      const shape = this.slotBundle(vertex, scope);
      if (shape !== null) return { shape, times, flat: nothing };
      return { shape: null, times, flat: this.contents(vertex, scope) };
    }
    if (vertex.replicas === null) {
      return { shape: this.claimed(vertex, scope), times: this.amountOf(vertex), flat: nothing };
    }
    if (!takesItsVertex(vertex)) {
      const shape = this.anchored(vertex, scope);
      return { shape, times: shape.kind === 'vertex' ? 1 : vertex.replicas, flat: nothing };
    }
    const { shape, amount, gathered } = this.takenCopy(vertex, scope);
    if (gathered !== null) return { shape: gathered, times: vertex.replicas, flat: nothing };
    return { shape, times: amount * vertex.replicas, flat: nothing };
  }

  /** One of `replicas` that has vertices of its own: so many of a shape, gathered inside one node where they are many. */
  takenCopy(vertex: RequestVertex, scope: Scope): { shape: Shape; amount: number; gathered: Shape | null } {
    const shape = this.claimed(vertex, { ...scope, inSlot: true });
    const each = vertex.countGiven ? this.countOf(vertex) : 1;
    const amount = vertex.with.length === 0 ? each * basisOf(vertex.unit).factor : each;
    if (each <= 1 || scope.inNode || namesNode(vertex)) return { shape, amount, gathered: null };
    const copy = this.#table.only(shape, amount);
    return { shape, amount, gathered: this.#gathered(copy, copy, null) };
  }

  /** How many of a request vertex, or how much of the basis of its unit. */
  amountOf(vertex: RequestVertex): number {
    const count = this.countOf(vertex);
    return vertex.with.length === 0 ? count * basisOf(vertex.unit).factor : count;
  }

  /** The shape of a request vertex that is claimed for itself. */
  claimed(vertex: RequestVertex, scope: Scope): Shape {
    const leaf = vertex.with.length === 0;
    const basis = leaf ? basisOf(vertex.unit) : { basis: '', factor: 1 };
    return this.#table.shape({
      kind: leaf ? 'units' : 'vertex',
      type: vertex.type,
      requires: this.#table.requires(vertex.requires),
      exclusive: scope.inSlot || vertex.exclusive === true,
      whole: leaf && !scope.inSlot && vertex.exclusive === true,
      basis: basis.basis,
      factor: basis.factor,
      anchored: false,
      instance: 0,
      demand: this.demandOf(vertex.with, below(vertex, scope, scope.inSlot)),
      inside: this.#table.nothing,
    });
  }

  /** What one copy of a slot holds. A slot's own `requires` asks of each vertex in it. */
  contents(slot: RequestVertex, scope: Scope): Demand {
    return this.demandOf(contentsOf(slot), below(slot, scope, true));
  }

  /** The bundle of a slot whose copies must each lie inside one node, or null where they need not. */
  slotBundle(slot: RequestVertex, scope: Scope): Shape | null {
    if (scope.inNode || slot.with.some(namesNode)) return null;
    const copy = this.demandOf(slot.with, below(slot, scope, true));
    const inside = slot.requires.length === 0 ? copy : this.contents(slot, scope);
    return this.#gathered(copy, inside, slot);
  }

  #gathered(copy: Demand, inside: Demand, slot: RequestVertex | null): Shape {
    return this.#table.shape({
      kind: 'bundle',
      type: 'node',
      requires: slot === null ? null : this.#table.requires(slot.requires),
      exclusive: false,
      whole: false,
      basis: '',
      factor: 1,
      anchored: false,
      instance: 0,
      demand: copy,
      inside,
    });
  }

  /** `replicas` whose vertices may be shared by several of them; one alone, or all in one: simply that vertex. */
  anchored(vertex: RequestVertex, scope: Scope, instance = 0): Shape {
    const copy = this.anchoredCopy(vertex, scope).demand;
    const replicas = vertex.replicas ?? 1;
    if (scope.inSlot && replicas > 1) this.isInexact = true;
    const single = replicas === 1 || (scope.inSlot && this.#apart);
    return this.#table.shape({
      kind: single ? 'vertex' : 'bundle',
      type: vertex.type,
      requires: this.#table.requires(vertex.requires),
      exclusive: scope.inSlot,
      whole: false,
      basis: '',
      factor: 1,
      anchored: !single,
      instance,
      demand: this.#table.times(copy, single ? replicas : 1),
      inside: this.#table.nothing,
    });
  }

  /** Siblings that are alike may not share their anchors. */
  #unused(shape: Shape, into: ReadonlyMap<Shape, number>): Shape {
    let unused = shape;
    for (let instance = 1; into.has(unused); instance++) unused = this.#table.shape({ ...shape, instance });
    return unused;
  }

  /** One copy below its anchor; gathered inside one node where neither anchor nor contents is one. */
  anchoredCopy(vertex: RequestVertex, scope: Scope): { demand: Demand; gathered: Shape | null } {
    const copy = this.demandOf(vertex.with, below(vertex, scope, true));
    if (scope.inNode || namesNode(vertex)) return { demand: copy, gathered: null };
    const gathered = this.#gathered(copy, copy, null);
    return { demand: this.#table.only(gathered, 1), gathered };
  }

  /** Spec 3.3, rule 12: tasks balanced over nodes, each node with at least one core. */
  #simple(nodes: number, tasks: number): Demand {
    const into = new Map<Shape, number>();
    for (const { count, cores } of balance(nodes, tasks)) {
      const shape = this.simpleNode(cores);
      into.set(shape, (into.get(shape) ?? 0) + count);
    }
    return this.#table.demand(into);
  }

  simpleNode(cores: number): Shape {
    const plain = {
      requires: null,
      whole: false,
      basis: '',
      factor: 1,
      anchored: false,
      instance: 0,
      inside: this.#table.nothing,
    };
    if (cores === 0) {
      return this.#table.shape({ ...plain, kind: 'units', type: 'node', exclusive: true, demand: this.#table.nothing });
    }
    const core = this.#table.shape({
      ...plain,
      kind: 'units',
      type: 'core',
      exclusive: true,
      demand: this.#table.nothing,
    });
    const demand = this.#table.only(core, cores);
    return this.#table.shape({ ...plain, kind: 'vertex', type: 'node', exclusive: false, demand });
  }
}

/** Node counts of the simple shape, by cores on each. */
export function balance(nodes: number, tasks: number): { count: number; cores: number }[] {
  if (tasks === 0) return [{ count: nodes, cores: 0 }];
  const more = tasks % nodes;
  const each = Math.floor(tasks / nodes);
  return [
    { count: more, cores: each + 1 },
    { count: nodes - more, cores: Math.max(1, each) },
  ].filter(({ count }) => count > 0);
}

/** Does each replica have vertices of its own? Else they may share. */
export function takesItsVertex(vertex: RequestVertex): boolean {
  return vertex.with.length === 0 || vertex.countGiven || vertex.exclusive === true;
}

export function namesNode(vertex: RequestVertex): boolean {
  return vertex.type === 'node' || vertex.with.some(namesNode);
}

/** The scope of a vertex's `with`. */
export function below(vertex: RequestVertex, scope: Scope, inSlot: boolean): Scope {
  return { inSlot, inNode: scope.inNode || vertex.type === 'node' };
}

/** A slot's contents; its own `requires` asked of each of them. */
export function contentsOf(slot: RequestVertex): readonly RequestVertex[] {
  if (slot.requires.length === 0) return slot.with;
  return slot.with.map((vertex) => pushed(slot, vertex));
}

/** By slot: what an outer slot asks reaches a vertex through a slot that was made for it (a slot in a slot). */
const pushedBy = new WeakMap<RequestVertex, WeakMap<RequestVertex, RequestVertex>>();
const origins = new WeakMap<RequestVertex, RequestVertex>();

/** The same object each time. */
function pushed(slot: RequestVertex, vertex: RequestVertex): RequestVertex {
  let known = pushedBy.get(slot);
  if (known === undefined) pushedBy.set(slot, (known = new WeakMap()));
  let made = known.get(vertex);
  if (made === undefined) {
    made = { ...vertex, requires: [...slot.requires, ...vertex.requires] };
    known.set(vertex, made);
    origins.set(made, originOf(vertex));
  }
  return made;
}

/** The vertex as it is in the request. */
function originOf(vertex: RequestVertex): RequestVertex {
  return origins.get(vertex) ?? vertex;
}

/** Throws before any of the recursions here could run out of stack. */
function checkDepth(vertices: readonly RequestVertex[], depth = 0): void {
  for (const vertex of vertices) {
    if (depth > depthLimit) throw invalid(vertex.path, `more than ${depthLimit} levels of "with"`);
    if (vertex.with.length > 0) checkDepth(vertex.with, depth + 1);
  }
}

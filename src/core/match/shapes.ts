/**
 * What is asked for, in the form that the matcher computes with. A request becomes a *demand*: a multiset of *shapes*,
 * all to be had at once and disjointly somewhere below a vertex. Slots vanish: k copies of a slot that may lie anywhere
 * are k times its contents. Interned: equal requests, whatever their order or labels, are one demand, and siblings of
 * one shape are one shape with a larger count.
 */
import type { Requirement } from '../jobspec/jobspec.ts';
import type { Own } from './attributes.ts';
import { mix } from './classes.ts';
import { passes } from './predicate.ts';

/**
 * - `vertex`: a vertex of the type with the demand below itself.
 * - `units`: quantity of a type, drawn from the sizes of its vertices.
 * - `bundle`: copies of the demand, each inside one vertex of the type; several copies may share that vertex.
 */
export interface Shape {
  readonly id: number;
  readonly kind: 'vertex' | 'units' | 'bundle';
  readonly type: string;
  readonly requires: Requires | null;
  /** Nobody else may have anything in the subtree of a vertex that this claims. */
  readonly exclusive: boolean;
  /** `units`: closes each vertex that it draws on, even one without anything below. */
  readonly whole: boolean;
  /** `units`: what is counted (units.ts), and how much of it one requested unit is. */
  readonly basis: string;
  readonly factor: number;
  /** `bundle`: the vertex around the copies is claimed, too; else it only bounds them. */
  readonly anchored: boolean;
  /** Tells siblings apart that are alike but may not share their anchors: 0 for the first. */
  readonly instance: number;
  readonly demand: Demand;
  /** `bundle` that is not anchored: its contents where the asking vertex is already inside of a node. */
  readonly inside: Demand;
  /** Types that it claims itself or below itself, true where exclusively. */
  readonly claims: ReadonlyMap<string, boolean>;
}

export interface Demand {
  readonly id: number;
  readonly shapes: readonly Shape[];
  readonly counts: readonly number[];
  /** Does a bundle in it shrink to its contents inside of a node? */
  readonly expands: boolean;
}

/** A conjunction of bindings; evaluated once per distinct vertex. */
export class Requires {
  readonly id: number;
  readonly of: readonly Requirement[];
  #known = new WeakMap<Own, boolean>();

  constructor(id: number, of: readonly Requirement[]) {
    this.id = id;
    this.of = of;
  }

  pass(own: Own): boolean {
    let answer = this.#known.get(own);
    if (answer === undefined) {
      answer = passesAll(own, this.of);
      this.#known.set(own, answer);
    }
    return answer;
  }
}

/** Does a vertex meet every binding, by what it is and what hangs on it? */
export function passesAll(own: Own, requires: readonly Requirement[]): boolean {
  return requires.every((requirement) => passesOne(own, requirement));
}

function passesOne(own: Own, requirement: Requirement): boolean {
  if (requirement.subsystem === null) return passes(own.metadata, requirement);
  const link = own.links.find((link) => link.subsystem === requirement.subsystem);
  return link !== undefined && link.set.vertices.some((metadata) => passes(metadata, requirement));
}

export type ShapeContent = Omit<Shape, 'id' | 'claims'>;

/** A shape in the table: `next` is the one after it with the same hash. */
class KnownShape implements Shape {
  readonly id: number;
  readonly kind: Shape['kind'];
  readonly type: string;
  readonly requires: Requires | null;
  readonly exclusive: boolean;
  readonly whole: boolean;
  readonly basis: string;
  readonly factor: number;
  readonly anchored: boolean;
  readonly instance: number;
  readonly demand: Demand;
  readonly inside: Demand;
  readonly next: KnownShape | null;
  /** Most are never asked for it. */
  #claims: ReadonlyMap<string, boolean> | null = null;

  constructor(id: number, of: ShapeContent, next: KnownShape | null) {
    this.id = id;
    this.kind = of.kind;
    this.type = of.type;
    this.requires = of.requires;
    this.exclusive = of.exclusive;
    this.whole = of.whole;
    this.basis = of.basis;
    this.factor = of.factor;
    this.anchored = of.anchored;
    this.instance = of.instance;
    this.demand = of.demand;
    this.inside = of.inside;
    this.next = next;
  }

  get claims(): ReadonlyMap<string, boolean> {
    return (this.#claims ??= claimsOf(this));
  }

  equals(of: ShapeContent): boolean {
    return (
      this.demand === of.demand &&
      this.kind === of.kind &&
      this.type === of.type &&
      this.requires === of.requires &&
      this.exclusive === of.exclusive &&
      this.whole === of.whole &&
      this.basis === of.basis &&
      this.factor === of.factor &&
      this.anchored === of.anchored &&
      this.instance === of.instance &&
      this.inside === of.inside
    );
  }
}

interface KnownDemand extends Demand {
  readonly next: KnownDemand | null;
}

/**
 * Interned by hashes of numbers, with an exact comparison: keys of text took half of the time of a question that was
 * never asked before.
 */
export class ShapeTable {
  /** By type and unit, then by the hash of the rest. */
  #shapes = new Map<string, Map<number, KnownShape>>();
  #demands = new Map<number, KnownDemand>();
  #requires = new Map<string, Requires>();
  // Ids are never used twice, not even after `clear`: answers are kept under them.
  #next = 1;
  readonly nothing: Demand;

  #size = 0;

  constructor() {
    this.nothing = { id: this.#next++, shapes: [], counts: [], expands: false };
  }

  get size(): number {
    return this.#size;
  }

  /** Forgets all but the empty demand. */
  clear(): void {
    this.#shapes.clear();
    this.#demands.clear();
    this.#requires.clear();
    this.#size = 0;
  }

  requires(of: readonly Requirement[]): Requires | null {
    if (of.length === 0) return null;
    const key = of
      .map((one) => JSON.stringify([one.subsystem, one.fields.map((f) => [f.field, f.match, f.min, f.max])]))
      .sort()
      .join('\n');
    let known = this.#requires.get(key);
    if (known === undefined) this.#requires.set(key, (known = new Requires(this.#next++, of)));
    return known;
  }

  shape(of: ShapeContent): Shape {
    const name = of.basis === '' ? of.type : `${of.type}\n${of.basis}`;
    let shapes = this.#shapes.get(name);
    if (shapes === undefined) this.#shapes.set(name, (shapes = new Map()));
    const flags = kinds[of.kind] + (of.exclusive ? 4 : 0) + (of.whole ? 8 : 0) + (of.anchored ? 16 : 0);
    let hash = mix(of.demand.id, flags);
    if (of.requires !== null) hash = mix(hash, of.requires.id);
    if (of.inside !== this.nothing) hash = mix(hash, of.inside.id);
    if (of.instance !== 0) hash = mix(hash, of.instance);
    const first = shapes.get(hash) ?? null;
    for (let known = first; known !== null; known = known.next) if (known.equals(of)) return known;
    const made = new KnownShape(this.#next++, of, first);
    shapes.set(hash, made);
    this.#size++;
    return made;
  }

  demand(of: ReadonlyMap<Shape, number>): Demand {
    const shapes: Shape[] = [];
    for (const [shape, count] of of) if (count > 0) shapes.push(shape);
    if (shapes.length > 1) shapes.sort((a, b) => a.id - b.id);
    return this.#demand(
      shapes,
      shapes.map((shape) => of.get(shape) as number),
    );
  }

  /** So many of one shape. */
  only(shape: Shape, count: number): Demand {
    return count > 0 ? this.#demand([shape], [count]) : this.nothing;
  }

  /** A demand several times over. */
  times(demand: Demand, by: number): Demand {
    if (by === 1) return demand;
    if (by <= 0) return this.nothing;
    return this.#demand(
      demand.shapes,
      demand.counts.map((count) => count * by),
    );
  }

  /** Shapes by ascending id, counts positive. */
  #demand(shapes: readonly Shape[], counts: readonly number[]): Demand {
    if (shapes.length === 0) return this.nothing;
    let hash = 0;
    for (let i = 0; i < shapes.length; i++) hash = mix(hash ^ (shapes[i] as Shape).id, counts[i] as number);
    const first = this.#demands.get(hash) ?? null;
    for (let known = first; known !== null; known = known.next) {
      if (alike(known.shapes, shapes) && alike(known.counts, counts)) return known;
    }
    const expands = shapes.some((shape) => shape.kind === 'bundle' && !shape.anchored);
    const made: KnownDemand = { id: this.#next++, shapes, counts, expands, next: first };
    this.#demands.set(hash, made);
    this.#size++;
    return made;
  }
}

function alike(a: readonly unknown[], b: readonly unknown[]): boolean {
  if (a.length !== b.length) return false;
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return false;
  return true;
}

const kinds = { vertex: 0, units: 1, bundle: 2 } as const;

/** Adds `times` of a demand to a multiset. */
export function addDemand(into: Map<Shape, number>, demand: Demand, times: number): void {
  for (let i = 0; i < demand.shapes.length; i++) {
    const shape = demand.shapes[i] as Shape;
    into.set(shape, (into.get(shape) ?? 0) + (demand.counts[i] as number) * times);
  }
}

function claimsOf(of: ShapeContent): ReadonlyMap<string, boolean> {
  const claims = new Map<string, boolean>();
  for (const demand of [of.demand, of.inside]) {
    for (const shape of demand.shapes) {
      for (const [type, exclusive] of shape.claims) claims.set(type, exclusive || claims.get(type) === true);
    }
  }
  if (of.kind !== 'bundle' || of.anchored) claims.set(of.type, of.exclusive || claims.get(of.type) === true);
  return claims;
}

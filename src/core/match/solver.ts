/**
 * Can a class hold a demand below itself? Exact, by the cheapest way that decides: shapes that cannot contend are
 * counted one by one (tier 1: counts add up over disjoint subtrees), siblings of one type are assigned to their
 * candidates (tier 2, compete.ts), everything else is summed up as fronts of vectors (tier 3, front.ts, profile.ts).
 *
 * Answers are kept on the classes: a question that was asked of an equal subtree, in any cluster, costs a look-up.
 */
import type { Class } from './classes.ts';
import { outermost } from './classes.ts';
import { competeForOneType } from './compete.ts';
import { anyContend, components, nests } from './contention.ts';
import { Profiles } from './profile.ts';
import { addDemand, type Demand, type Shape, type ShapeTable } from './shapes.ts';
import { Steps } from './steps.ts';
import { tidy, worth } from './units.ts';

export class Solver {
  readonly shapes: ShapeTable;
  readonly steps = new Steps(0);
  #profiles: Profiles | null = null;

  constructor(shapes: ShapeTable) {
    this.shapes = shapes;
  }

  /** Fronts are kept for one question only. */
  get profiles(): Profiles {
    return (this.#profiles ??= new Profiles(this));
  }

  /** Begins a question. */
  begin(budget: number): void {
    this.steps.begin(budget);
    this.#profiles = null;
  }

  /** Is there room for all of the demand strictly below? */
  hosts(asked: Demand, of: Class): boolean {
    const demand = this.expanded(asked, of);
    if (demand.shapes.length === 0) return true;
    // What one step tells is not written down: most of the time of a new question went into that.
    if (demand.shapes.length === 1 && !nests(of.facts, (demand.shapes[0] as Shape).type)) {
      return this.#decide(demand, of);
    }
    const memo = (of.memo.hosts ??= new Map());
    let answer = memo.get(demand.id);
    if (answer === undefined) {
      answer = this.#decide(demand, of);
      memo.set(demand.id, answer);
    }
    return answer;
  }

  #decide(demand: Demand, of: Class): boolean {
    this.steps.spend(1);
    // 1. Each shape for itself: an exact no for all.
    let nested = false;
    for (let i = 0; i < demand.shapes.length; i++) {
      const shape = demand.shapes[i] as Shape;
      if (!of.facts.types.has(shape.type)) return false;
      if (nests(of.facts, shape.type)) nested = true;
      else if (this.unitsBelow(shape, of) < (demand.counts[i] as number)) return false;
    }
    // 2. Those that contend, together.
    if (!nested && !anyContend(demand, of.facts)) return true;
    for (const component of components(demand, of.facts)) {
      const first = demand.shapes[component[0] as number] as Shape;
      if (component.length === 1 && !nests(of.facts, first.type)) continue;
      if (!this.#hostsTogether(component.length === demand.shapes.length ? demand : this.part(demand, component), of)) {
        return false;
      }
    }
    return true;
  }

  #hostsTogether(demand: Demand, of: Class): boolean {
    const assigned = competeForOneType(this, demand, of);
    if (assigned !== undefined) return assigned !== null;
    return this.profiles.hosts(demand, of);
  }

  /** Most units of a shape in a class's subtree, itself included; its type may not nest in itself there. */
  units(shape: Shape, of: Class): number {
    if (of.own.type === shape.type) return this.own(shape, of);
    return this.unitsBelow(shape, of);
  }

  unitsBelow(shape: Shape, of: Class): number {
    if (!of.facts.types.has(shape.type)) return 0;
    const candidates = outermost(of, shape.type);
    if (candidates.classes.length === 1) {
      this.steps.spend(1);
      return tidy(this.own(shape, candidates.classes[0] as Class) * (candidates.counts[0] as number), shape.basis);
    }
    const memo = (of.memo.units ??= new Map());
    const known = memo.get(shape.id);
    if (known !== undefined) return known;
    this.steps.spend(1 + (candidates.classes.length >> 4));
    let total = 0;
    for (let i = 0; i < candidates.classes.length; i++) {
      const units = this.own(shape, candidates.classes[i] as Class);
      if (units > 0) total += units * (candidates.counts[i] as number);
    }
    total = tidy(total, shape.basis);
    memo.set(shape.id, total);
    return total;
  }

  /** Units of a shape that a vertex of its type gives: its quantity, 0 or 1, or how many copies fit. */
  own(shape: Shape, of: Class): number {
    if (shape.requires !== null && !shape.requires.pass(of.own)) return 0;
    if (shape.kind === 'units') {
      if (closes(shape, of) && of.touched) return 0;
      return supply(shape, of);
    }
    if (shape.kind === 'bundle' && !shape.anchored) return this.copies(shape.demand, of);
    if (of.drawn > 0 || (shape.exclusive && of.touched)) return 0;
    if (shape.kind === 'bundle') return this.copies(shape.demand, of);
    return this.hosts(shape.demand, of) ? 1 : 0;
  }

  /** How many times the demand fits below. */
  copies(asked: Demand, of: Class): number {
    const demand = this.expanded(asked, of);
    const memo = (of.memo.copies ??= new Map());
    const known = memo.get(demand.id);
    if (known !== undefined) return known;
    let most = Infinity;
    let exact = true;
    for (let i = 0; i < demand.shapes.length; i++) {
      const shape = demand.shapes[i] as Shape;
      if (!of.facts.types.has(shape.type)) most = 0;
      else if (nests(of.facts, shape.type)) exact = false;
      else most = Math.min(most, Math.floor(this.unitsBelow(shape, of) / (demand.counts[i] as number)));
      if (most === 0) break;
    }
    if (most > 0 && (!exact || anyContend(demand, of.facts))) {
      most = this.#search(demand, of, most);
    }
    memo.set(demand.id, most);
    return most;
  }

  #search(demand: Demand, of: Class, most: number): number {
    // Nothing is had more often than there are units to have.
    let top = most;
    if (top === Infinity) for (top = 1; this.hosts(this.shapes.times(demand, top), of);) top *= 2;
    let low = 0;
    while (low < top) {
      const middle = Math.ceil((low + top) / 2);
      if (this.hosts(this.shapes.times(demand, middle), of)) low = middle;
      else top = middle - 1;
    }
    return low;
  }

  /** Inside of a node there is nothing left to gather: bundles that only bound their copies become their contents. */
  expanded(demand: Demand, of: Class): Demand {
    if (!demand.expands || !(of.own.inNode || of.own.type === 'node')) return demand;
    const into = new Map<Shape, number>();
    for (let i = 0; i < demand.shapes.length; i++) {
      const shape = demand.shapes[i] as Shape;
      const count = demand.counts[i] as number;
      if (shape.kind === 'bundle' && !shape.anchored) addDemand(into, shape.inside, count);
      else into.set(shape, (into.get(shape) ?? 0) + count);
    }
    return this.expanded(this.shapes.demand(into), of);
  }

  part(demand: Demand, numbers: readonly number[]): Demand {
    return this.shapes.demand(
      new Map(numbers.map((i) => [demand.shapes[i] as Shape, demand.counts[i] as number] as const)),
    );
  }
}

/** Quantity that a vertex gives to a `units` shape, in the shape's basis. */
export function supply(shape: Shape, of: Class): number {
  return tidy((of.own.size - of.drawn) * worth(of.own.unit, shape.basis, shape.factor), shape.basis);
}

/**
 * Does drawing on a vertex close it to all who draw otherwise, and its subtree to everybody? Those that close a vertex
 * may still share its quantity.
 */
export function closes(shape: Shape, of: Class): boolean {
  return shape.whole || (shape.exclusive && (of.kids.length > 0 || of.hollow));
}

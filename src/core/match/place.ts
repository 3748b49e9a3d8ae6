/**
 * A placement: counts that are ranges made as large as they can be, then vertices chosen and handed out. Groups of a
 * nextgen jobspec are placed jointly if they fit together, else the largest of them alone.
 */
import type { RequestGroup, RequestVertex } from '../jobspec/jobspec.ts';
import { acceptedUpTo, isRange } from './accepted.ts';
import { Chooser } from './choose.ts';
import type { Class } from './classes.ts';
import { Compiler } from './compile.ts';
import { decide, hosts, searchSteps, type Asked } from './decide.ts';
import { explicit } from './explicit.ts';
import type { Claim, Witness, WitnessGroup } from './matcher.ts';
import { total } from './question.ts';
import { search } from './search.ts';
import { addDemand, type Demand, type Shape } from './shapes.ts';
import type { Solver } from './solver.ts';
import type { Spot } from './spot.ts';
import { outOfSteps, Steps } from './steps.ts';
import { spelledOut } from './vary.ts';
import { witnessOf } from './witness.ts';

/** Null where some group does not fit, or nobody knows. Below `top` is the whole tree. */
export function place(solver: Solver, asked: readonly Asked[], top: Spot, budget: number): Witness | null {
  if (!asked.every((one) => decide(solver, one, top.cls, budget) === 'yes')) return null;
  const apart = asked.some((one) => one.apart !== null);
  const groups = asked.map(({ group }) => group);
  const placer = new Placer(solver, top, budget, apart);
  const joint = placer.together(groups);
  if (joint !== null) return { groups: joint };
  const [largest] = largestFirst(asked);
  const one = largest === undefined ? null : placer.one(largest.group);
  return one === null ? null : { groups: [one] };
}

/** By how much they claim. */
export function largestFirst(asked: readonly Asked[]): readonly Asked[] {
  return asked.toSorted((a, b) => weight(b.demand) - weight(a.demand));
}

class Placer {
  readonly #solver: Solver;
  readonly #top: Spot;
  readonly #budget: number;
  readonly #apart: boolean;

  constructor(solver: Solver, top: Spot, budget: number, apart: boolean) {
    this.#solver = solver;
    this.#top = top;
    this.#budget = budget;
    this.#apart = apart;
  }

  together(groups: readonly RequestGroup[]): WitnessGroup[] | null {
    if (!this.#fits(groups, new Map())) return null;
    const compiler = this.#compiler(this.#largest(groups));
    const demand = joint(this.#solver, compiler, groups);
    try {
      // That it fits is decided: what is left is work in proportion to what is placed.
      this.#solver.begin(50 * this.#budget);
      const bag = new Chooser(this.#solver).choose(demand, this.#top);
      return groups.map((group) => witnessOf(compiler, group, bag));
    } catch (error) {
      if (error === outOfSteps) return null;
      throw error;
    }
  }

  /** One group, by the solver or, where that is not enough, by searching. */
  one(group: RequestGroup): WitnessGroup | null {
    return this.together([group])?.[0] ?? this.#searched(group);
  }

  #searched(group: RequestGroup): WitnessGroup | null {
    const found = explicit(this.#top);
    if (found === null) return null;
    const real = (claim: Claim): Claim => ({ ...claim, vertex: found.vertices[claim.vertex] as number });
    try {
      const steps = new Steps(searchSteps(this.#budget));
      const way = search(found.tree, spelledOut(group).vertices, steps);
      if (way === null) return null;
      const slots = way.slots.map(({ label, claims }) => ({ label, claims: claims.map(real) }));
      return { key: group.key, slots, claims: way.claims.map(real) };
    } catch (error) {
      if (error === outOfSteps) return null;
      throw error;
    }
  }

  #compiler(choices: ReadonlyMap<RequestVertex, number>): Compiler {
    return new Compiler(this.#solver.shapes, { choices, apart: this.#apart });
  }

  #fits(groups: readonly RequestGroup[], choices: ReadonlyMap<RequestVertex, number>): boolean {
    const demand = joint(this.#solver, this.#compiler(choices), groups);
    return hosts(this.#solver, demand, this.#top.cls, this.#budget) === 'yes';
  }

  /** The largest counts, one range after the other in the order in which they are written. */
  #largest(groups: readonly RequestGroup[]): Map<RequestVertex, number> {
    const choices = new Map<RequestVertex, number>();
    for (const group of groups) {
      if (group.simple !== null) continue;
      for (const vertex of ranges(group.vertices)) {
        const values = acceptedUpTo(vertex.count, this.#bound(vertex, this.#top.cls));
        let low = 0;
        let high = values.length - 1;
        while (low < high) {
          const middle = (low + high + 1) >> 1;
          choices.set(vertex, values[middle] as number);
          if (this.#fits(groups, choices)) low = middle;
          else high = middle - 1;
        }
        if (values[low] === undefined) choices.delete(vertex);
        else choices.set(vertex, values[low] as number);
      }
    }
    return choices;
  }

  /** No count can be larger than this. */
  #bound(vertex: RequestVertex, top: Class): number {
    if (vertex.type !== 'slot') return total(this.#compiler(new Map()), vertex, top);
    // Each copy of a slot has at least one of everything in it.
    const each = vertex.with.map((kid) => this.#bound(kid, top));
    return each.length === 0 ? 0 : Math.min(...each);
  }
}

/** Everything that is claimed, counted. */
function weight(demand: Demand): number {
  let sum = 0;
  demand.shapes.forEach((shape, i) => (sum += (demand.counts[i] as number) * (1 + weight(shape.demand))));
  return sum;
}

function joint(solver: Solver, compiler: Compiler, groups: readonly RequestGroup[]): Demand {
  const into = new Map<Shape, number>();
  for (const group of groups) addDemand(into, compiler.group(group), 1);
  return solver.shapes.demand(into);
}

function* ranges(vertices: readonly RequestVertex[]): Generator<RequestVertex> {
  for (const vertex of vertices) {
    if (isRange(vertex.count)) yield vertex;
    yield* ranges(vertex.with);
  }
}

/**
 * Does one group of a request fit below a class? First the solver, on demands; where a demand cannot say all that the
 * request means, or the steps run out, the search on vertices; where that runs out too, `unknown`.
 */
import type { RequestGroup } from '../jobspec/jobspec.ts';
import type { Class } from './classes.ts';
import { Compiler, type Choices } from './compile.ts';
import { anywhere, explicit } from './explicit.ts';
import type { Fits } from './matcher.ts';
import { search } from './search.ts';
import type { Demand } from './shapes.ts';
import type { Solver } from './solver.ts';
import { outOfSteps, Steps } from './steps.ts';
import { spelledOut } from './vary.ts';

export interface Asked {
  readonly group: RequestGroup;
  /** What does not fit so does not fit. */
  readonly demand: Demand;
  /** What fits so fits; null where `demand` says it all. */
  readonly apart: Demand | null;
}

/** Throws `invalid_input` where the request is nested too deeply. */
export function asked(solver: Solver, group: RequestGroup, choices: Choices = new Map()): Asked {
  const compiler = new Compiler(solver.shapes, { choices });
  const demand = compiler.group(group);
  const apart = compiler.isInexact ? new Compiler(solver.shapes, { choices, apart: true }).group(group) : null;
  return { group, demand, apart };
}

/** `keepUnknown`: false where the budget is a part of the usual one, so that a later question may still find out. */
export function decide(
  solver: Solver,
  { group, demand, apart }: Asked,
  top: Class,
  budget: number,
  keepUnknown = true,
): Fits {
  const key = apart === null ? demand.id : `${demand.id}/${apart.id}`;
  const known = top.memo.decided?.get(key);
  if (known !== undefined) return known;
  const fits = byDemand(solver, demand, apart, top, budget);
  if (fits !== 'unknown') return fits;
  // What the solver knows is kept on the classes; what it took a search to find out, or nobody could, here.
  const searched = bySearch(group, top, budget);
  if (searched !== 'unknown' || keepUnknown) (top.memo.decided ??= new Map()).set(key, searched);
  return searched;
}

function byDemand(solver: Solver, demand: Demand, apart: Demand | null, top: Class, budget: number): Fits {
  const fits = hosts(solver, demand, top, budget);
  if (fits === 'no' || apart === null) return fits;
  return hosts(solver, apart, top, budget) === 'yes' ? 'yes' : 'unknown';
}

export function hosts(solver: Solver, demand: Demand, top: Class, budget: number): Fits {
  solver.begin(budget);
  try {
    return solver.hosts(demand, top) ? 'yes' : 'no';
  } catch (error) {
    if (error === outOfSteps) return 'unknown';
    throw error;
  }
}

function bySearch(group: RequestGroup, top: Class, budget: number): Fits {
  const found = explicit(anywhere(top));
  if (found === null) return 'unknown';
  try {
    return search(found.tree, spelledOut(group).vertices, new Steps(searchSteps(budget))) === null ? 'no' : 'yes';
  } catch (error) {
    if (error === outOfSteps) return 'unknown';
    throw error;
  }
}

/** A step of the search is dearer than one of the solver. */
export function searchSteps(budget: number): number {
  return Math.ceil(budget / 10);
}

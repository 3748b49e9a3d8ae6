/** A request as the matcher asks it: one demand per group, the nodes that its constraint leaves. */
import type { Request, RequestVertex } from '../jobspec/jobspec.ts';
import type { Class } from './classes.ts';
import { Compiler } from './compile.ts';
import { NodeFilter } from './constraint.ts';
import { explain, overBudget, type Oracle } from './explain.ts';
import type { Fits, MatchReason } from './matcher.ts';
import { headOf, identityFields } from './predicate.ts';
import { addDemand, type Demand, type Shape } from './shapes.ts';
import type { Solver } from './solver.ts';
import { outOfSteps } from './steps.ts';
import { preorder } from './vary.ts';

export interface Question {
  readonly request: Request;
  readonly demands: readonly Demand[];
  readonly filter: NodeFilter | null;
  /** Identity fields of subsystems that it asks about. */
  readonly asks: readonly (readonly [subsystem: string, field: string])[];
  /** It asks for a name or id of vertices themselves: those are not kept. */
  readonly unanswerable: boolean;
}

/** Throws `invalid_input` where the request is nested too deeply. */
export function compileQuestion(solver: Solver, request: Request): Question {
  const compiler = new Compiler(solver.shapes);
  const demands = request.groups.map((group) => compiler.group(group));
  const asks: [string, string][] = [];
  let unanswerable = false;
  for (const group of request.groups) {
    for (const vertex of preorder(group.vertices)) {
      for (const { subsystem, fields } of vertex.requires) {
        for (const { field } of fields) {
          const head = headOf(field);
          if (!identityFields.has(head)) continue;
          if (subsystem === null) unanswerable = true;
          else asks.push([subsystem, head]);
        }
      }
    }
  }
  const filter = request.constraint === null ? null : new NodeFilter(request.constraint);
  return { request, demands, filter, asks, unanswerable };
}

/** Do all groups fit below `top`, each by itself? A certain no wins over an unknown. */
export function answer(solver: Solver, question: Question, top: Class, budget: number): Fits {
  let fits: Fits = 'yes';
  for (const demand of question.demands) {
    const one = ask(solver, demand, top, budget);
    if (one === 'no') return 'no';
    if (one === 'unknown') fits = 'unknown';
  }
  return fits === 'yes' && question.unanswerable ? 'unknown' : fits;
}

export function ask(solver: Solver, demand: Demand, top: Class, budget: number): Fits {
  try {
    solver.begin(budget);
    return solver.hosts(demand, top) ? 'yes' : 'no';
  } catch (error) {
    if (error === outOfSteps) return 'unknown';
    throw error;
  }
}

/** Reasons for every group that does not fit. `unfiltered` is the tree with all nodes. */
export function reasonsFor(
  solver: Solver,
  question: Question,
  top: Class,
  unfiltered: Class,
  budget: number,
): MatchReason[] {
  const compiler = new Compiler(solver.shapes);
  const fits = (vertices: readonly RequestVertex[], on: Class): boolean =>
    ask(solver, compiler.group({ key: '', vertices, simple: null }), on, budget) === 'yes';
  const oracle: Oracle = {
    hasConstraint: question.filter !== null,
    fits: (vertices) => fits(vertices, top),
    fitsWithoutConstraint: (vertices) => fits(vertices, unfiltered),
    hasType: (type) => unfiltered.facts.types.has(type),
    total: (vertex) => total(solver, compiler, vertex, unfiltered, budget),
  };
  const reasons: MatchReason[] = [];
  let unknown = false;
  question.request.groups.forEach((group, i) => {
    const one = ask(solver, question.demands[i] as Demand, top, budget);
    if (one === 'no') reasons.push(...explain(group, oracle));
    else if (one === 'unknown') unknown = true;
  });
  if (unknown || (question.unanswerable && reasons.length === 0)) reasons.push(overBudget());
  return reasons;
}

/** Units of a request vertex's type, whatever it requires. */
function total(solver: Solver, compiler: Compiler, vertex: RequestVertex, on: Class, budget: number): number {
  const bare = { ...vertex, requires: [], with: [], exclusive: false, replicas: null };
  const shape = compiler.claimed(bare, { inSlot: false, inNode: false });
  solver.begin(budget);
  if (vertex.with.length === 0) return solver.unitsBelow(shape, on) / shape.factor;
  return vertices(on, vertex.type);
}

function vertices(of: Class, type: string): number {
  let count = 0;
  const multiple = new Map<Class, number>([[of, 1]]);
  // Children have smaller ids than those around them: the largest id first visits each class once.
  const queue = [of];
  while (queue.length > 0) {
    queue.sort((a, b) => a.id - b.id);
    const at = queue.pop() as Class;
    const times = multiple.get(at) as number;
    if (at.own.type === type) count += times;
    at.kids.forEach((kid, i) => {
      if (!kid.facts.types.has(type)) return;
      if (!multiple.has(kid)) queue.push(kid);
      multiple.set(kid, (multiple.get(kid) ?? 0) + times * (at.counts[i] as number));
    });
  }
  return count;
}

/** All demands as one. */
export function together(solver: Solver, demands: readonly Demand[]): Demand {
  const into = new Map<Shape, number>();
  for (const demand of demands) addDemand(into, demand, 1);
  return solver.shapes.demand(into);
}

/** A request as the matcher asks it: one demand per group, the nodes that its constraint leaves. */
import type { Constraint, Request, RequestVertex } from '../jobspec/jobspec.ts';
import type { Own } from './attributes.ts';
import { allOf, type Class } from './classes.ts';
import { Compiler } from './compile.ts';
import { anonymous, conjuncts, constraintText, NodeFilter, type Condition } from './constraint.ts';
import { asked, decide, type Asked } from './decide.ts';
import { explain, overBudget, type Oracle, type When } from './explain.ts';
import { explainImage } from './image.ts';
import type { Fits, MatchReason } from './matcher.ts';
import { headOf, identityFields } from './predicate.ts';
import { supply, type Solver } from './solver.ts';

export interface Question {
  readonly request: Request;
  /** Equal questions, equal keys. */
  key(): string;
  readonly groups: readonly Asked[];
  readonly filter: NodeFilter | null;
  /** Identity fields of subsystems that it asks about. */
  readonly asks: readonly (readonly [subsystem: string, field: string])[];
  /** It asks for a name or id of vertices themselves: those are not kept. */
  readonly unanswerable: boolean;
}

/** Throws `invalid_input` where the request is nested too deeply. */
export function compileQuestion(solver: Solver, request: Request): Question {
  const groups = request.groups.map((group) => asked(solver, group));
  const asks: [string, string][] = [];
  let unanswerable = false;
  for (const group of request.groups) {
    identities(group.vertices, (subsystem, field) => {
      if (subsystem === null) unanswerable = true;
      else asks.push([subsystem, field]);
    });
  }
  const conditions: Condition[] = request.constraint === null ? [] : [request.constraint];
  if (request.image) conditions.push({ op: 'image', needs: request.image });
  const filter = conditions.length === 0 ? null : new NodeFilter(conditions);
  const key = (): string => {
    const ids = groups.map(({ demand, apart }) => `${demand.id}/${apart?.id ?? 0}`);
    return `${ids.join()} ${unanswerable} ${filter?.key ?? ''}`;
  };
  return { request, key, groups, filter, asks, unanswerable };
}

/** Calls back for every identity field that some vertex requires. */
function identities(
  vertices: readonly RequestVertex[],
  found: (subsystem: string | null, field: string) => void,
): void {
  for (const vertex of vertices) {
    for (const { subsystem, fields } of vertex.requires) {
      for (const { field } of fields) {
        const head = headOf(field);
        if (identityFields.has(head)) found(subsystem, head);
      }
    }
    if (vertex.with.length > 0) identities(vertex.with, found);
  }
}

/**
 * Do all groups fit below `top`, each by itself? They share the budget. A certain no wins over an unknown.
 */
export function answer(solver: Solver, question: Question, top: Class, budget: number): Fits {
  let fits: Fits = 'yes';
  let left = budget;
  for (const one of question.groups) {
    // Once it is spent, a cheap no can still be found.
    const before = Math.max(left, Math.ceil(budget / 100));
    solver.begin(before); // what is known already costs no step
    const decided = decide(solver, one, top, before, before === budget);
    left = decided === 'unknown' ? 0 : Math.max(0, solver.steps.left);
    if (decided === 'no') return 'no';
    if (decided === 'unknown') fits = 'unknown';
  }
  return fits === 'yes' && question.unanswerable ? 'unknown' : fits;
}

/** Reasons for every group that does not fit. `unfiltered` is the tree with all nodes, of everything or of what is free. */
export function reasonsFor(
  solver: Solver,
  question: Question,
  top: Class,
  unfiltered: Class,
  budget: number,
  when: When,
): MatchReason[] {
  const compiler = new Compiler(solver.shapes);
  // An explanation asks dozens of questions: together they may take about twice what the verdict may.
  let left = 2 * budget;
  const fits = (vertices: readonly RequestVertex[], on: Class): boolean => {
    const steps = Math.min(Math.ceil(budget / 10), left);
    if (steps <= 0) return false;
    solver.begin(steps); // what is known already costs no step
    const decided = decide(solver, asked(solver, { key: '', vertices, simple: null }), on, steps, false);
    left -= decided === 'unknown' ? 2 * steps : steps - Math.max(0, solver.steps.left);
    return decided === 'yes';
  };
  const { image } = question.request;
  const oracle: Oracle = {
    when,
    hasFilter: question.filter !== null,
    hasConstraint: question.request.constraint !== null,
    leavesNone: () =>
      question.filter !== null && unfiltered.facts.types.has('node') && !top.facts.types.has('node')
        ? leavesNone(question.request.constraint, unfiltered, when)
        : null,
    imageFailure: () => (image ? explainImage(image, unfiltered) : null),
    fits: (vertices) => fits(vertices, top),
    fitsOnAllNodes: (vertices) => fits(vertices, unfiltered),
    hasType: (type) => unfiltered.facts.types.has(type),
    total: (vertex) => total(compiler, vertex, unfiltered),
  };
  const reasons: MatchReason[] = [];
  let unknown = false;
  for (const one of question.groups) {
    const decided = decide(solver, one, top, budget);
    if (decided === 'no') reasons.push(...explain(one.group, oracle));
    else if (decided === 'unknown') unknown = true;
  }
  if (unknown || (question.unanswerable && reasons.length === 0)) reasons.push(overBudget());
  return reasons;
}

const MOST_LOOKED_AT = 1_000;
const MOST_TEXT = 200;

/** With the parts of the constraint that no node meets, where there are such; else with all of it. */
export function leavesNone(constraint: Constraint | null, unfiltered: Class, when: When): string {
  if (when === 'now') return 'no node that the constraint leaves is free now';
  if (constraint === null) return 'the constraint leaves no node';
  const nodes = [...allOf(unfiltered, 'node').keys()].map(({ own }) => own);
  const parts = conjuncts(constraint);
  const unmet = nodes.length * parts.length > MOST_LOOKED_AT ? [] : parts.filter((part) => meetsNone(part, nodes));
  const text = unmet.length === 0 ? constraintText(constraint) : unmet.map(constraintText).join(', or ');
  const short = text.length > MOST_TEXT ? `${text.slice(0, MOST_TEXT)}…` : text;
  return `the constraint leaves no node: none is ${short}`;
}

/** Who a node is, is not looked at. */
function meetsNone(part: Constraint, nodes: readonly Own[]): boolean {
  const filter = new NodeFilter([part]);
  return !filter.namesNodes && !nodes.some((own) => filter.passes(anonymous(own)));
}

/** Units of a request vertex's type, whatever it requires. */
export function total(compiler: Compiler, vertex: RequestVertex, on: Class): number {
  const bare = { ...vertex, requires: [], with: [], exclusive: false, replicas: null };
  const shape = compiler.claimed(bare, { inSlot: false, inNode: false });
  let sum = 0;
  for (const [cls, count] of allOf(on, vertex.type)) {
    sum += count * (vertex.with.length === 0 ? supply(shape, cls) / shape.factor : 1);
  }
  return sum;
}

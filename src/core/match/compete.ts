/**
 * Tier 2: siblings of one type with different wishes. Each vertex of the type serves one of them (or, where all only
 * draw quantity, as much as it has); what they want below it is inside that vertex and disturbs nobody else.
 */
import { assign } from './assign.ts';
import { outermost, type Class } from './classes.ts';
import { nests } from './contention.ts';
import type { Demand, Shape } from './shapes.ts';
import { closes, type Solver } from './solver.ts';

export interface Competition {
  /** Candidates by class; quotas[i][j]: how much of class i serves shape j. */
  readonly classes: readonly Class[];
  readonly quotas: readonly (readonly number[])[];
}

/** Null: no; undefined: this is not the way to decide it. */
export function competeForOneType(solver: Solver, demand: Demand, of: Class): Competition | null | undefined {
  const type = (demand.shapes[0] as Shape).type;
  for (const shape of demand.shapes) if (shape.type !== type || shape.kind === 'bundle') return undefined;
  if (nests(of.facts, type)) return undefined;
  const candidates = outermost(of, type);
  solver.steps.spend(candidates.classes.length * demand.shapes.length);
  const groups = [];
  for (let i = 0; i < candidates.classes.length; i++) {
    const candidate = candidates.classes[i] as Class;
    const units = demand.shapes.map((shape) => solver.own(shape, candidate));
    const most = Math.max(...units);
    const takers = units.map((value) => value > 0);
    // Whoever gets something gets the same: one vertex, or the same quantity. Else the sizes matter.
    if (units.some((value) => value > 0 && value !== most)) return undefined;
    if (most > 1 && !shareAlike(demand.shapes, takers, candidate)) return undefined;
    groups.push({ takers, capacity: most * (candidates.counts[i] as number) });
  }
  const quotas = assign(groups, demand.counts);
  return quotas === null ? null : { classes: candidates.classes, quotas };
}

/** May all takers draw on one vertex side by side? */
function shareAlike(shapes: readonly Shape[], takers: readonly boolean[], of: Class): boolean {
  const drawing = shapes.filter((_, j) => takers[j]);
  const closing = drawing.filter((shape) => closes(shape, of)).length;
  return drawing.every((shape) => shape.kind === 'units') && (closing === 0 || closing === drawing.length);
}

/**
 * A placement: counts that are ranges made as large as they can be, then vertices chosen and handed out. Groups of a
 * nextgen jobspec are placed jointly if they fit together, else the largest of them alone.
 */
import type { Request, RequestGroup, RequestVertex } from '../jobspec/jobspec.ts';
import { acceptedUpTo, isRange } from './accepted.ts';
import { Chooser } from './choose.ts';
import { totalOf, type Class } from './classes.ts';
import { Compiler } from './compile.ts';
import type { Witness } from './matcher.ts';
import { addDemand, type Demand, type Shape } from './shapes.ts';
import type { Solver } from './solver.ts';
import type { Spot } from './spot.ts';
import { bytesIn } from './units.ts';
import { witnessOf } from './witness.ts';

/** Null where some group does not fit. Below `top` is the whole tree. Throws when the steps are spent. */
export function place(solver: Solver, request: Request, top: Spot): Witness | null {
  const plain = new Compiler(solver.shapes);
  if (!request.groups.every((group) => solver.hosts(plain.group(group), top.cls))) return null;
  const groups = chooseGroups(solver, plain, request.groups, top.cls);
  const compiler = new Compiler(solver.shapes, largest(solver, groups, top.cls));
  const bag = new Chooser(solver).choose(joint(solver, compiler, groups), top);
  return { groups: groups.map((group) => witnessOf(compiler, group, bag)) };
}

function chooseGroups(
  solver: Solver,
  compiler: Compiler,
  groups: readonly RequestGroup[],
  top: Class,
): readonly RequestGroup[] {
  if (groups.length <= 1 || solver.hosts(joint(solver, compiler, groups), top)) return groups;
  let most = groups[0] as RequestGroup;
  for (const group of groups) if (weight(compiler.group(group)) > weight(compiler.group(most))) most = group;
  return [most];
}

/** Everything that is claimed, counted. */
function weight(demand: Demand): number {
  let total = 0;
  demand.shapes.forEach((shape, i) => (total += (demand.counts[i] as number) * (1 + weight(shape.demand))));
  return total;
}

function joint(solver: Solver, compiler: Compiler, groups: readonly RequestGroup[]): Demand {
  const into = new Map<Shape, number>();
  for (const group of groups) addDemand(into, compiler.group(group), 1);
  return solver.shapes.demand(into);
}

/** The largest counts, one range after the other in the order in which they are written. */
function largest(solver: Solver, groups: readonly RequestGroup[], top: Class): Map<RequestVertex, number> {
  const choices = new Map<RequestVertex, number>();
  for (const group of groups) {
    if (group.simple !== null) continue;
    for (const vertex of ranges(group.vertices)) {
      const values = acceptedUpTo(vertex.count, bound(vertex, top));
      let low = 0;
      let high = values.length - 1;
      while (low < high) {
        const middle = (low + high + 1) >> 1;
        choices.set(vertex, values[middle] as number);
        if (solver.hosts(joint(solver, new Compiler(solver.shapes, choices), groups), top)) low = middle;
        else high = middle - 1;
      }
      if (values[low] === undefined) choices.delete(vertex);
      else choices.set(vertex, values[low] as number);
    }
  }
  return choices;
}

function* ranges(vertices: readonly RequestVertex[]): Generator<RequestVertex> {
  for (const vertex of vertices) {
    if (isRange(vertex.count)) yield vertex;
    yield* ranges(vertex.with);
  }
}

/** No count can be larger than this. */
function bound(vertex: RequestVertex, top: Class): number {
  if (vertex.type !== 'slot') return most(vertex, top);
  // Each copy of a slot has at least one of something.
  const each = vertex.with.map((kid) => (kid.type === 'slot' ? bound(kid, top) : most(kid, top)));
  return each.length === 0 ? 0 : Math.min(...each);
}

function most(vertex: RequestVertex, top: Class): number {
  const total = totalOf(top, vertex.type);
  // A pool in GB asked for in B has more of them than its size says.
  return bytesIn(vertex.unit) === null
    ? total
    : Math.max(total, (total * 1024 ** 5) / (bytesIn(vertex.unit) as number));
}

/**
 * What a request asks for, counted by type, at least: for estimates and prices, never for placement (core/match does
 * that exactly).
 */
import type { Count, Request, RequestVertex } from '../jobspec/jobspec.ts';

export type Wants = ReadonlyMap<string, number>;
/** What a cluster has: vertices by type. */
export type Totals = readonly { readonly type: string; readonly total: number }[];

/** Of requests that are still in use: many jobs come with one text, which is read once. */
const counted = new WeakMap<Request, Wants>();

/** Vertices or units per type. */
export function wanted(request: Request): Wants {
  let wants = counted.get(request);
  if (wants === undefined) counted.set(request, (wants = count(request)));
  return wants;
}

function count(request: Request): Wants {
  const sums = new Map<string, number>();
  for (const { simple, vertices } of request.groups) {
    if (simple === null) walk(vertices, 1, false, (vertex, count) => add(sums, vertex.type, count));
    else {
      add(sums, 'node', simple.nodes);
      if (simple.tasks > 0) add(sums, 'core', simple.tasks);
    }
  }
  return sums;
}

/**
 * What nobody else can have meanwhile: a node that is asked for whole takes its cores along, one of which only some cores
 * are asked for is shared.
 */
export function taken(request: Request, totals: Totals): Readonly<Record<string, number>> {
  const wants = wanted(request);
  const whole = wants.has('core') ? wholeNodes(request) : (wants.get('node') ?? 0);
  const takes: Record<string, number> = {};
  for (const [type, count] of wants) if (type !== 'node') takes[type] = count;
  if (whole > 0) {
    takes['node'] = whole;
    const coresPerNode = totalOf(totals, 'core') / Math.max(1, totalOf(totals, 'node'));
    takes['core'] = Math.max(takes['core'] ?? 0, whole * coresPerNode);
  }
  return takes;
}

/** In [0, 1]: the largest part that it takes of any one type. */
export function shareOf(request: Request, totals: Totals): number {
  const takes = taken(request, totals);
  let share = 0;
  for (const { type, total } of totals) if (total > 0) share = Math.max(share, (takes[type] ?? 0) / total);
  return Math.min(1, share);
}

function wholeNodes(request: Request): number {
  let nodes = 0;
  for (const { simple, vertices } of request.groups) {
    if (simple !== null) continue;
    walk(vertices, 1, false, (vertex, count, inSlot) => {
      if (vertex.type === 'node' && (vertex.exclusive ?? inSlot)) nodes += count;
    });
  }
  return nodes;
}

function walk(
  vertices: readonly RequestVertex[],
  times: number,
  inSlot: boolean,
  visit: (vertex: RequestVertex, count: number, inSlot: boolean) => void,
): void {
  for (const vertex of vertices) {
    const count = times * Math.max(least(vertex.count), vertex.replicas ?? 1);
    if (vertex.type !== 'slot') visit(vertex, count, inSlot);
    walk(vertex.with, count, inSlot || vertex.type === 'slot', visit);
  }
}

function add(sums: Map<string, number>, type: string, count: number): void {
  sums.set(type, (sums.get(type) ?? 0) + count);
}

function least({ min }: Count): number {
  return Number.isFinite(min) && min > 0 ? min : 1;
}

function totalOf(totals: Totals, type: string): number {
  return totals.find((each) => each.type === type)?.total ?? 0;
}

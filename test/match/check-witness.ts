/**
 * Is a placement what the request asks for? Checked from the graph, the request and the claims alone, knowing nothing
 * of how it was found. Returns what is wrong with it; nothing where it is right. Slots are told apart by their label,
 * which in these cases is the path of the request vertex.
 */
import type { ResourceGraph, Subsystem } from '../../src/core/graph/graph.ts';
import type { Count, RequestVertex } from '../../src/core/jobspec/jobspec.ts';
import type { Claim, WitnessGroup } from '../../src/core/match/matcher.ts';
import { basisOf, worth } from '../../src/core/match/units.ts';
import { meets, type Taken } from './brute-force.ts';

interface Context {
  readonly graph: ResourceGraph;
  readonly subsystems: readonly Subsystem[];
  readonly taken: Taken;
  readonly claims: readonly Claim[];
  readonly group: WitnessGroup;
  readonly vertices: ReadonlyMap<string, RequestVertex>;
}

export function checkWitness(
  graph: ResourceGraph,
  subsystems: readonly Subsystem[],
  vertices: readonly RequestVertex[],
  group: WitnessGroup,
  taken: Taken,
): string[] {
  const byPath = new Map<string, RequestVertex>();
  const visit = (vertex: RequestVertex): void => {
    byPath.set(vertex.path, vertex);
    vertex.with.forEach(visit);
  };
  vertices.forEach(visit);
  const claims = [...group.claims, ...group.slots.flatMap((slot) => slot.claims)];
  const context = { graph, subsystems, taken, claims, group, vertices: byPath };
  return [
    ...claims.flatMap((claim) => checkClaim(context, claim)),
    ...checkQuantities(context),
    ...checkExclusive(context),
    ...checkGathered(context),
    ...vertices.flatMap((vertex) => checkCounts(context, vertex, 1, null)),
  ];
}

function checkClaim({ graph, subsystems, taken, vertices }: Context, claim: Claim): string[] {
  const vertex = vertices.get(claim.request);
  if (vertex === undefined) return [`${claim.request} is not in the request`];
  const wrong: string[] = [];
  if (graph.types[claim.vertex] !== vertex.type) wrong.push(`${claim.vertex} is no ${vertex.type}`);
  if (!meets(graph, subsystems, claim.vertex, vertex.requires)) wrong.push(`${claim.vertex} lacks what is required`);
  if (!(claim.amount > 0)) wrong.push(`${claim.vertex} gives ${claim.amount}`);
  for (let at = claim.vertex; at !== -1; at = graph.parents[at] as number) {
    if (taken.gone.has(at)) wrong.push(`${claim.vertex} is not there any more`);
  }
  return wrong;
}

function checkQuantities({ graph, claims, taken, vertices }: Context): string[] {
  const wrong: string[] = [];
  const byVertex = Map.groupBy(claims, (claim) => claim.vertex);
  for (const [vertex, on] of byVertex) {
    const whole = on.filter((claim) => (vertices.get(claim.request)?.with.length ?? 0) > 0);
    if (whole.length > 0 && on.length > 1) wrong.push(`${vertex} is claimed twice`);
    if (whole.length > 0 && (taken.drawn.get(vertex) ?? 0) > 0) wrong.push(`${vertex} is drawn upon`);
    if (whole.length > 0) continue;
    let amount = taken.drawn.get(vertex) ?? 0;
    for (const claim of on) amount += claim.amount;
    if (amount > (graph.sizes[vertex] as number) + 1e-9) wrong.push(`${vertex} gives ${amount}`);
  }
  return wrong;
}

function checkExclusive({ graph, claims, taken }: Context): string[] {
  const wrong: string[] = [];
  for (const outer of claims.filter((claim) => claim.exclusive)) {
    for (const inner of claims) {
      if (!isBelow(graph, inner.vertex, outer.vertex)) continue;
      if (!inner.request.startsWith(`${outer.request}.`)) wrong.push(`${inner.vertex} is in ${outer.vertex}`);
    }
    for (const vertex of [...taken.gone, ...taken.drawn.keys()]) {
      if (isBelow(graph, vertex, outer.vertex)) wrong.push(`${outer.vertex} is not whole`);
    }
  }
  return wrong;
}

/** A slot that names no node lies within one. */
function checkGathered({ graph, group, vertices }: Context): string[] {
  const wrong: string[] = [];
  for (const slot of group.slots) {
    const vertex = vertices.get(slot.label as string) as RequestVertex;
    if (namesNode(vertex) || vertex.type !== 'slot' || slot.claims.length < 2) continue;
    const nodes = slot.claims.map((claim) => nodesAround(graph, claim.vertex));
    if (!(nodes[0] ?? []).some((node) => nodes.every((of) => of.includes(node))))
      wrong.push(`${slot.label} spans nodes`);
  }
  return wrong;
}

/** Do as many claims stand for a vertex as its count asks, in all and below each claim around it? */
function checkCounts(context: Context, vertex: RequestVertex, times: number, outer: RequestVertex | null): string[] {
  const { graph, claims, group } = context;
  const own = claims.filter((claim) => claim.request === vertex.path);
  const slots = group.slots.filter((slot) => slot.label === vertex.path).length;
  if (vertex.type === 'slot') {
    const copies = slots / times / (vertex.replicas ?? 1);
    if (!accepts(vertex.count, copies)) return [`${vertex.path} has ${slots} copies for ${times}`];
    return vertex.with.flatMap((kid) => checkCounts(context, kid, slots, outer));
  }
  if (outer !== null) {
    const around = claims.filter((claim) => claim.request === outer.path);
    for (const claim of own) {
      if (!around.some((of) => isBelow(graph, claim.vertex, of.vertex))) return [`${claim.vertex} is out of place`];
    }
  }
  const shared = vertex.replicas !== null && vertex.with.length > 0 && !vertex.countGiven && vertex.exclusive !== true;
  if (vertex.replicas !== null && slots !== vertex.replicas * times) return [`${vertex.path} has ${slots} replicas`];
  if (shared) return vertex.with.flatMap((kid) => checkCounts(context, kid, slots, vertex));
  const each = amountOf(graph, vertex, own) / times / (vertex.replicas ?? 1);
  const isRight = vertex.replicas !== null && !vertex.countGiven ? each === 1 : accepts(vertex.count, each);
  if (!isRight) return [`${vertex.path} has ${each} each`];
  return vertex.with.flatMap((kid) => checkCounts(context, kid, own.length, vertex));
}

function amountOf(graph: ResourceGraph, vertex: RequestVertex, own: readonly Claim[]): number {
  if (vertex.with.length > 0) return own.length;
  const { basis, factor } = basisOf(vertex.unit);
  let amount = 0;
  for (const claim of own) amount += claim.amount * worth(graph.units[claim.vertex] as string, basis, factor);
  // Of a large number in a small unit fewer places than six are sure.
  return Number((Math.round((amount / factor) * 1e6) / 1e6).toPrecision(14));
}

function accepts(count: Count, value: number): boolean {
  if (count.values !== null) return count.values.includes(value);
  for (
    let of = count.min;
    of <= count.max && of <= value;
    of = count.operator === '+' ? of + count.operand : count.operator === '*' ? of * count.operand : of ** count.operand
  ) {
    if (of === value) return true;
  }
  return false;
}

function namesNode(vertex: RequestVertex): boolean {
  return vertex.type === 'node' || vertex.with.some(namesNode);
}

function nodesAround(graph: ResourceGraph, vertex: number): number[] {
  const nodes: number[] = [];
  for (let at = vertex; at !== -1; at = graph.parents[at] as number) if (graph.types[at] === 'node') nodes.push(at);
  return nodes;
}

function isBelow(graph: ResourceGraph, vertex: number, above: number): boolean {
  for (let at = graph.parents[vertex] as number; at !== -1; at = graph.parents[at] as number)
    if (at === above) return true;
  return false;
}

/** The matcher's answer to one case against brute force's: shared by all kinds of cases. */
import { createMatcher } from '../../src/core/match/create.ts';
import type { ResourceGraph } from '../../src/core/graph/graph.ts';
import type { Request } from '../../src/core/jobspec/jobspec.ts';
import type { Fits, WitnessGroup } from '../../src/core/match/matcher.ts';
import { bruteForce, holds, nothingTaken } from './brute-force.ts';
import type { Case } from './cases.ts';
import { checkWitness } from './check-witness.ts';

/** What is wrong with the matcher's answer, its reasons or its placement; null where nothing is. */
export function disagreement({ graph, subsystems, request }: Omit<Case, 'text' | 'seed'>): string | null {
  const matcher = createMatcher();
  matcher.setCluster('c', graph, subsystems);
  const expected: Fits = bruteForce(graph, subsystems, request);
  const { fits } = matcher.satisfiable('c', request);
  if (expected === 'unknown') return null;
  if (fits !== expected) return `the matcher says ${fits}, brute force ${expected}`;
  if (matcher.satisfying(request).yes.length !== (fits === 'yes' ? 1 : 0)) return 'satisfying disagrees';
  const witness = matcher.place('c', request, 'all');
  if ((witness !== null) !== (fits === 'yes')) return `it is ${fits}, but its place is ${JSON.stringify(witness)}`;
  if (witness === null) return null;
  const wrong = request.groups.flatMap((group) => {
    // Groups that do not fit beside each other are placed alone: the largest of them.
    const placed =
      request.groups.length === 1 ? witness.groups[0] : witness.groups.find(({ key }) => key === group.key);
    if (placed === undefined && request.groups.length > 1 && witness.groups.length > 0) return [];
    if (placed === undefined) return ['a group is missing'];
    return [
      ...checkWitness(graph, subsystems, group.vertices, placed, nothingTaken),
      ...checkConstraint(graph, request, placed),
    ];
  });
  return wrong.length === 0 ? null : `${wrong.join(', ')} in ${JSON.stringify(witness)}`;
}

/** Every vertex that it takes is on a node that the constraint allows. */
function checkConstraint(graph: ResourceGraph, { constraint }: Request, { claims, slots }: WitnessGroup): string[] {
  if (constraint === null) return [];
  return [...claims, ...slots.flatMap((slot) => slot.claims)].flatMap(({ vertex }) => {
    let node = -1;
    for (let at = vertex; at !== -1; at = graph.parents[at] as number) if (graph.types[at] === 'node') node = at;
    return node === -1 || holds(constraint, graph, node) ? [] : [`${vertex} is on a node that is excluded`];
  });
}

/** Makes a failing case small enough to read: leaves out vertices and parts of the request while it still fails. */
import type { ResourceGraph } from '../../src/core/graph/graph.ts';
import type { RequestVertex } from '../../src/core/jobspec/jobspec.ts';
import { preorder, replaced } from '../../src/core/match/vary.ts';
import type { Case } from './cases.ts';

type Smaller = Omit<Case, 'text' | 'seed'>;

export function shrunken(made: Case, fails: (of: Smaller) => string | null): string {
  let best: Smaller = made;
  for (let again = true; again;) {
    again = false;
    for (const smaller of smallerOnes(best)) {
      if (fails(smaller) === null) continue;
      best = smaller;
      again = true;
      break;
    }
  }
  const requests = best.request.groups.map((group) => group.vertices.map(show).join('; ')).join(' & ');
  const links = best.subsystems.flatMap(({ links }) => links.map(([vertex, to]) => `${vertex}→s${to}`)).join(' ');
  const constraint = best.request.constraint === null ? '' : `, constraint ${JSON.stringify(best.request.constraint)}`;
  const image = best.request.image ? `, image ${JSON.stringify(best.request.image)}` : '';
  return `seed ${JSON.stringify(made.seed)}\ngraph ${showGraph(best.graph, 0)} ${links}\nrequest ${requests}${constraint}${image}\n${fails(best)}`;
}

function* smallerOnes(of: Smaller): Generator<Smaller> {
  for (let vertex = of.graph.size - 1; vertex > 0; vertex--) {
    if (of.graph.parents.includes(vertex)) continue;
    yield { ...of, ...without(of, vertex) };
  }
  if (of.request.constraint !== null) yield { ...of, request: { ...of.request, constraint: null } };
  if (of.request.image) yield { ...of, request: { ...of.request, image: null } };
  const [group] = of.request.groups;
  if (group === undefined) return;
  const variant = (vertices: readonly RequestVertex[]): Smaller => ({
    ...of,
    request: { ...of.request, groups: [{ ...group, vertices }] },
  });
  const one = { min: 1, max: 1, operator: '+', operand: 1, values: null } as const;
  for (const vertex of preorder(group.vertices)) {
    yield variant(replaced(group.vertices, vertex, null));
    if (vertex.requires.length > 0) yield variant(replaced(group.vertices, vertex, { ...vertex, requires: [] }));
    if (vertex.exclusive !== null) yield variant(replaced(group.vertices, vertex, { ...vertex, exclusive: null }));
    if (vertex.unit !== '') yield variant(replaced(group.vertices, vertex, { ...vertex, unit: '' }));
    if (vertex.count.min > 1 || vertex.count.max > 1) {
      yield variant(replaced(group.vertices, vertex, { ...vertex, count: one }));
    }
    if (vertex.replicas !== null) yield variant(replaced(group.vertices, vertex, { ...vertex, replicas: null }));
  }
}

/** Without a leaf: a graph whose later vertices move down by one. */
function without({ graph, subsystems }: Smaller, leaf: number): Pick<Smaller, 'graph' | 'subsystems'> {
  const moved = (vertex: number): number => (vertex > leaf ? vertex - 1 : vertex);
  const kept = <T>(of: readonly T[]): T[] => of.filter((_, i) => i !== leaf);
  const smaller: ResourceGraph = {
    ...graph,
    size: graph.size - 1,
    ids: kept(graph.ids),
    types: kept(graph.types),
    units: kept(graph.units),
    names: kept(graph.names),
    sizes: graph.sizes.filter((_, i) => i !== leaf),
    ranks: graph.ranks.filter((_, i) => i !== leaf),
    parents: graph.parents.filter((_, i) => i !== leaf).map(moved),
    metadata: (vertex) => graph.metadata(vertex >= leaf ? vertex + 1 : vertex),
  };
  const relinked = subsystems.map((subsystem) => ({
    ...subsystem,
    links: subsystem.links.filter(([vertex]) => vertex !== leaf).map(([vertex, to]) => [moved(vertex), to] as const),
  }));
  return { graph: smaller, subsystems: relinked };
}

function showGraph(graph: ResourceGraph, vertex: number): string {
  const kids: string[] = [];
  for (let i = 0; i < graph.size; i++) if (graph.parents[i] === vertex) kids.push(showGraph(graph, i));
  const size = graph.sizes[vertex] === 1 ? '' : `(${graph.sizes[vertex]}${graph.units[vertex]})`;
  return `${graph.types[vertex]}#${vertex}${size}${kids.length === 0 ? '' : `[${kids.join(' ')}]`}`;
}

function show(vertex: RequestVertex): string {
  const { count } = vertex;
  const parts = [
    vertex.type,
    count.values === null ? `${count.min}${count.max === count.min ? '' : count.operator}` : `{${count.values.join()}}`,
    vertex.unit,
    vertex.countGiven ? 'given' : '',
    vertex.replicas === null ? '' : `replicas ${vertex.replicas}`,
    vertex.exclusive === null ? '' : vertex.exclusive ? 'exclusive' : 'shared',
    ...vertex.requires.flatMap(({ fields }) => fields.map(({ field, match, min }) => `${field}=${match ?? min?.text}`)),
  ];
  const inner = vertex.with.length === 0 ? '' : ` > [${vertex.with.map(show).join(', ')}]`;
  return parts.filter((part) => part !== '').join(' ') + inner;
}

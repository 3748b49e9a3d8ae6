/**
 * Random small graphs and requests of every shape, from a seed. Written for the brute-force comparison: trees of a
 * dozen vertices, few types, so that requests fit about as often as they do not.
 */
import { readGraph, readSubsystem } from '../../src/core/graph/read.ts';
import type { ResourceGraph, Subsystem } from '../../src/core/graph/graph.ts';
import type { Compatibility, CompatibilitySet, Term } from '../../src/core/image/compatibility.ts';
import type { Constraint, Count, Request, RequestVertex, Requirement } from '../../src/core/jobspec/jobspec.ts';
import { seededRandom, type SeededRandom } from '../../src/core/random.ts';

export interface Case {
  readonly seed: string;
  readonly text: string;
  readonly graph: ResourceGraph;
  readonly subsystems: readonly Subsystem[];
  readonly request: Request;
}

export const caseCount = Number(process.env['RAINBOW_CASES'] ?? 20_000);
export const caseSeed = process.env['RAINBOW_SEED'] ?? 'rainbow';

export function makeCase(seed: string): Case {
  const random = seededRandom(seed);
  const { text, graph } = randomGraph(random);
  const subsystems = random.below(2) === 0 ? [] : [randomSubsystem(random, graph)];
  return { seed, text, graph, subsystems, request: randomRequest(random, typesBelow(graph)) };
}

interface Vertex {
  readonly type: string;
  readonly size?: number;
  readonly unit?: string;
  readonly properties?: readonly string[];
  readonly kids: readonly Vertex[];
}

export function randomGraph(random: SeededRandom): { text: string; graph: ResourceGraph } {
  const text = textOf(randomTree(random));
  return { text, graph: readGraph(text) };
}

function randomTree(random: SeededRandom): Vertex {
  const budget = { left: 10 + random.below(14) };
  const kids = (type: string, depth: number): Vertex[] => {
    const below = levels[type] ?? [];
    const made: Vertex[] = [];
    if (below.length === 0 || depth > 5) return made;
    for (let n = 1 + random.below(4); n > 0 && budget.left > 0; n--) {
      // Now and then something sits where it usually does not: types at unequal depths, types in themselves.
      const odd = random.below(25) === 0;
      made.push(vertex(odd ? pick(random, allTypes) : pick(random, below), depth + 1));
    }
    return made;
  };
  const vertex = (type: string, depth: number): Vertex => {
    budget.left--;
    const isPool = type === 'memory' || type === 'ssd';
    return {
      type,
      ...(isPool ? { size: random.below(6) === 0 ? 0 : 1 + random.below(4) } : {}),
      ...(isPool && random.below(3) === 0 ? { unit: pick(random, ['GB', 'GB', 'TB', 'slices']) } : {}),
      ...(type === 'node' && random.below(3) === 0 ? { properties: [pick(random, ['fast', 'big'])] } : {}),
      kids: kids(type, depth),
    };
  };
  return vertex(random.below(8) === 0 ? 'node' : 'cluster', 0);
}

const allTypes = ['rack', 'node', 'socket', 'core', 'gpu', 'memory', 'ssd'];
const levels: Readonly<Record<string, readonly string[]>> = {
  cluster: ['rack', 'node', 'node', 'ssd'],
  rack: ['node', 'node', 'node', 'ssd'],
  node: ['socket', 'socket', 'core', 'core', 'gpu', 'memory', 'ssd'],
  socket: ['core', 'core', 'core', 'gpu', 'memory'],
  gpu: [],
};

function textOf(root: Vertex): string {
  const nodes: string[] = [];
  const edges: string[] = [];
  const visit = (vertex: Vertex, parent: number | null): void => {
    const id = nodes.length;
    const { type, size, unit, properties } = vertex;
    const metadata = { type, name: `${type}${id}`, id, rank: id, size, unit, properties };
    nodes.push(`"${id}":{"metadata":${JSON.stringify(metadata)}}`);
    if (parent !== null) edges.push(`{"source":"${parent}","target":"${id}","relation":"contains"}`);
    for (const kid of vertex.kids) visit(kid, id);
  };
  visit(root, null);
  return `{"graph":{"nodes":{${nodes.join()}},"edges":[${edges.join()}]}}`;
}

function randomSubsystem(random: SeededRandom, graph: ResourceGraph): Subsystem {
  const packages = [
    { type: 'shm' },
    { type: 'nvme' },
    { type: 'package', name: 'gcc', version: '12.2.0' },
    { type: 'package', name: 'openmpi', version: '4.1.0' },
  ];
  const nodes = packages.map((metadata, i) => `"s${i}":${JSON.stringify({ metadata })}`);
  const edges = ['{"source":"s1","target":"s3","relation":"contains"}'];
  for (let i = 0; i < graph.size; i++) {
    if (random.below(4) === 0) {
      edges.push(`{"source":"${graph.ids[i]}","target":"s${random.below(4)}","relation":"contains"}`);
    }
  }
  return readSubsystem('io', `{"graph":{"nodes":{${nodes.join()}},"edges":[${edges.join()}]}}`, graph);
}

/** For each type of a graph, and for '' the whole graph: the types below it. */
export type TypesBelow = ReadonlyMap<string, readonly string[]>;

export function typesBelow(graph: ResourceGraph): TypesBelow {
  const below = new Map<string, Set<string>>([['', new Set(graph.types)]]);
  for (let i = 0; i < graph.size; i++) {
    for (let at = graph.parents[i] as number; at !== -1; at = graph.parents[at] as number) {
      const type = graph.types[at] as string;
      below.set(type, (below.get(type) ?? new Set()).add(graph.types[i] as string));
    }
  }
  return new Map([...below].map(([type, set]) => [type, [...set]]));
}

export function randomRequest(random: SeededRandom, types: TypesBelow): Request {
  const vertices: RequestVertex[] = [];
  // Crowded: siblings that get in each other's way, and little else that could make it fail.
  const crowded = random.below(2) === 0;
  const around = { types, parent: '', inSlot: false, depth: 0, crowded };
  for (let n = (crowded ? 2 : 1) + random.below(2); n > 0; n--) {
    vertices.push(randomVertex(random, around, `resources[${vertices.length}]`));
  }
  const constraint = random.below(12) === 0 ? randomConstraint(random, 0) : null;
  const image = random.below(12) === 0 ? randomImage(random) : null;
  return { groups: [{ key: '', vertices, simple: null }], constraint, image };
}

/** Of one or two sets, about what hangs on a node (`randomSubsystem`) or stands in it. */
function randomImage(random: SeededRandom): Compatibility {
  const facts = [
    ['type', 'shm'],
    ['type', 'nvme'],
    ['version', '12.2.0'],
    ['type', 'node'],
  ] as const;
  const term = (): Term => {
    const [key, value] = pick(random, facts);
    return { on: 'attribute', keys: [key], value };
  };
  const set = (weight: number): CompatibilitySet => {
    const rules = [{ name: '', vars: {}, varsTemplate: '', matchFeatures: [term()], matchAny: [] }];
    if (random.below(3) === 0) rules.push({ ...rules[0]!, matchFeatures: [term()] });
    return { weight, tag: '', description: '', rules };
  };
  return { format: 'compspec', sets: random.below(2) === 0 ? [set(1)] : [set(1), set(2)] };
}

interface Around {
  readonly types: TypesBelow;
  /** The nearest type around it; '' for none. */
  readonly parent: string;
  readonly inSlot: boolean;
  readonly depth: number;
  readonly crowded: boolean;
}

function randomVertex(random: SeededRandom, around: Around, path: string): RequestVertex {
  const { inSlot, depth, crowded } = around;
  const slot = inSlot ? random.below(12) === 0 : random.below(4) === 0;
  const type = slot ? 'slot' : randomType(random, around);
  const below = around.types.get(type) ?? [];
  const replicas = !slot && random.below(inSlot ? 20 : 6) === 0 ? 1 + random.below(3) : null;
  const kids: RequestVertex[] = [];
  if (slot || (depth < 3 && below.length > 0 && random.below(5) < 3)) {
    const inner = {
      types: around.types,
      parent: slot ? around.parent : type,
      inSlot: inSlot || slot || replicas !== null,
      depth: depth + 1,
      crowded,
    };
    for (let n = 1 + random.below(2); n > 0; n--) {
      if (depth < 3 || kids.length === 0) kids.push(randomVertex(random, inner, `${path}.with[${kids.length}]`));
    }
  }
  const isPool = type === 'memory' || type === 'ssd';
  return {
    type,
    count: crowded && random.below(2) === 0 ? one : randomCount(random),
    countGiven: random.below(2) === 0,
    replicas,
    unit: isPool && random.below(4) === 0 ? pick(random, ['GB', 'slices']) : '',
    exclusive: random.below(crowded ? 2 : 6) === 0 ? random.below(4) !== 0 : null,
    requires: random.below(crowded ? 20 : 12) === 0 ? [randomRequirement(random, path)] : [],
    with: kids,
    label: slot || replicas !== null ? path : null,
    path,
  };
}

/** Mostly one that is there. */
function randomType(random: SeededRandom, around: Around): string {
  const there = around.types.get(around.parent) ?? [];
  const types = there.length === 0 || random.below(30) === 0 ? [...allTypes, 'cluster'] : there;
  return pick(random, types);
}

const one: Count = { min: 1, max: 1, operator: '+', operand: 1, values: null };

function randomCount(random: SeededRandom): Count {
  const min = random.below(4) === 0 ? 2 + random.below(2) : 1;
  switch (random.below(8)) {
    case 0:
      return { min, max: Infinity, operator: '+', operand: 1, values: null };
    case 1:
      return { min, max: 4, operator: '*', operand: 2, values: null };
    case 2:
      return { min: 1, max: 3, operator: '+', operand: 1, values: [min, min + 2] };
    default:
      return { min, max: min, operator: '+', operand: 1, values: null };
  }
}

function randomRequirement(random: SeededRandom, path: string): Requirement {
  const field = { match: null, min: null, max: null };
  const scalar = (text: string): { text: string; number: null } => ({ text, number: null });
  switch (random.below(4)) {
    case 0:
      return { subsystem: 'io', fields: [{ ...field, field: 'type', match: 'shm' }], path };
    case 1:
      return { subsystem: 'io', fields: [{ ...field, field: 'type', match: 'nvme' }], path };
    case 2: {
      const name = { ...field, field: 'name', match: pick(random, ['gcc', 'openmpi']) };
      return { subsystem: 'io', fields: [name, { ...field, field: 'version', min: scalar('4.1') }], path };
    }
    default:
      return { subsystem: null, fields: [{ ...field, field: 'size', match: '1' }], path };
  }
}

function randomConstraint(random: SeededRandom, depth: number): Constraint {
  switch (random.below(depth > 1 ? 3 : 6)) {
    case 0:
      return { op: 'properties', values: [pick(random, ['fast', 'big', '^fast'])] };
    case 1:
      return { op: 'ranks', ranks: [[0, 2 + random.below(8)]] };
    case 2:
      return { op: 'hostlist', values: [`node[${random.below(3)}-${3 + random.below(9)}]`] };
    default:
      return {
        op: pick(random, ['and', 'or', 'not'] as const),
        of: Array.from({ length: random.below(3) }, () => randomConstraint(random, depth + 1)),
      };
  }
}

export function pick<T>(random: SeededRandom, from: readonly T[]): T {
  return from[random.below(from.length)] as T;
}

/**
 * Random cases of what `cases.ts` seldom or never makes: several groups, two subsystems, constraints of constraints,
 * every operator of a range, pools in mixed units, exclusive inner vertices.
 */
import type { ResourceGraph, Subsystem } from '../../src/core/graph/graph.ts';
import { readGraph, readSubsystem } from '../../src/core/graph/read.ts';
import type { Constraint, Count, Request, RequestVertex, Requirement } from '../../src/core/jobspec/jobspec.ts';
import { seededRandom, type SeededRandom } from '../../src/core/random.ts';
import { makeCase, pick, randomRequest, typesBelow, type Case } from './cases.ts';

export function makeWideCase(seed: string): Case {
  const random = seededRandom(`${seed} wide`);
  const { text, graph } = remeasured(random, makeCase(seed));
  const subsystems = ['io', 'software'].map((name) => randomSubsystem(random, name, graph));
  const types = typesBelow(graph);
  const groups = Array.from({ length: random.below(3) === 0 ? 1 + random.below(3) : 1 }, (_, i) => {
    const [group] = randomRequest(random, types).groups;
    return { key: `g${i}`, vertices: (group?.vertices ?? []).map((vertex) => spiced(random, vertex)), simple: null };
  });
  const constraint = random.below(3) === 0 ? randomConstraint(random, graph, 0) : null;
  const request: Request = { groups, constraint };
  return { seed, text, graph, subsystems, request };
}

/** Other sizes and units of pools; now and then a size of a thing that is no pool. */
function remeasured(random: SeededRandom, made: Case): { text: string; graph: ResourceGraph } {
  const document = JSON.parse(made.text) as {
    graph: { nodes: Record<string, { metadata: Record<string, unknown> }>; edges: object[] };
  };
  for (const { metadata } of Object.values(document.graph.nodes)) {
    const isPool = metadata['type'] === 'memory' || metadata['type'] === 'ssd';
    if (isPool && random.below(2) === 0) {
      metadata['size'] = pick(random, [1, 2, 3, 1000, 1024, 2048]);
      metadata['unit'] = pick(random, ['', 'GB', 'MB', 'GiB', 'MiB', 'TB', 'slices']);
    } else if (random.below(20) === 0) metadata['size'] = random.below(3);
    if (metadata['type'] === 'node' && random.below(2) === 0)
      metadata['properties'] = { fast: '', [`p${random.below(2)}`]: '' };
  }
  const text = JSON.stringify(document);
  return { text, graph: readGraph(text) };
}

function spiced(random: SeededRandom, vertex: RequestVertex): RequestVertex {
  const isPool = vertex.type === 'memory' || vertex.type === 'ssd';
  const kids = vertex.with.map((kid) => spiced(random, kid));
  return {
    ...vertex,
    with: kids,
    count: random.below(6) === 0 ? randomRange(random, isPool) : vertex.count,
    unit: isPool && random.below(3) === 0 ? pick(random, ['', 'GB', 'MB', 'GiB', 'TB', 'slices', 'B']) : vertex.unit,
    exclusive: kids.length > 0 && random.below(5) === 0 ? true : vertex.exclusive,
    requires: random.below(16) === 0 ? [...vertex.requires, randomRequirement(random, vertex.path)] : vertex.requires,
  };
}

function randomRange(random: SeededRandom, isPool: boolean): Count {
  const min = isPool && random.below(4) === 0 ? pick(random, [500, 1000, 1500]) : 1 + random.below(3);
  const max = pick(random, [min, min + 1, min + 3, 4 * min, Infinity]);
  switch (random.below(4)) {
    case 0:
      return { min, max, operator: '+', operand: 1 + random.below(3), values: null };
    case 1:
      return { min, max, operator: '*', operand: 2 + random.below(2), values: null };
    case 2:
      return { min: Math.max(2, min), max: Math.max(2, max), operator: '^', operand: 2, values: null };
    default:
      return { min, max: min + 4, operator: '+', operand: 1, values: [min, min + 1, min + 4] };
  }
}

function randomRequirement(random: SeededRandom, path: string): Requirement {
  const field = { match: null, min: null, max: null };
  const version = { text: pick(random, ['1.0', '1.2', '2']), number: null };
  const subsystem = pick(random, ['io', 'software']);
  const named = { ...field, field: 'name', match: pick(random, ['alpha', 'beta']) };
  switch (random.below(3)) {
    case 0:
      return { subsystem, fields: [named], path };
    case 1:
      return { subsystem, fields: [named, { ...field, field: 'version', min: version }], path };
    default:
      return { subsystem, fields: [{ ...field, field: 'version', max: version }], path };
  }
}

function randomSubsystem(random: SeededRandom, name: string, graph: ResourceGraph): Subsystem {
  const versions = ['1.0.0', '1.2.0', '2.0.1'];
  const nodes = [0, 1, 2, 3].map((i) => {
    const metadata = { type: 'package', name: pick(random, ['alpha', 'beta']), version: pick(random, versions) };
    return `"s${i}":${JSON.stringify({ metadata })}`;
  });
  const edges = ['{"source":"s0","target":"s2","relation":"contains"}'];
  for (let i = 0; i < graph.size; i++) {
    if (random.below(3) > 0) continue;
    edges.push(`{"source":"${graph.ids[i]}","target":"s${random.below(4)}","relation":"contains"}`);
  }
  return readSubsystem(name, `{"graph":{"nodes":{${nodes.join()}},"edges":[${edges.join()}]}}`, graph);
}

function randomConstraint(random: SeededRandom, graph: ResourceGraph, depth: number): Constraint {
  switch (random.below(depth > 2 ? 3 : 6)) {
    case 0:
      return { op: 'properties', values: Array.from({ length: 1 + random.below(2) }, () => property(random)) };
    case 1: {
      const low = random.below(graph.size);
      return { op: 'ranks', ranks: [[low, low + random.below(graph.size)]] };
    }
    case 2:
      return { op: 'hostlist', values: [`node[${random.below(graph.size)}-${graph.size}]`] };
    default:
      return {
        op: pick(random, ['and', 'or', 'or', 'not'] as const),
        of: Array.from({ length: random.below(4) }, () => randomConstraint(random, graph, depth + 1)),
      };
  }
}

function property(random: SeededRandom): string {
  return `${random.below(3) === 0 ? '^' : ''}${pick(random, ['fast', 'big', 'p0', 'p1'])}`;
}

/** Graph and request of the simulation: a cluster of nodes, of which a job takes some whole. */
import type { ResourceGraph } from '../core/graph/graph.ts';
import type { Request } from '../core/jobspec/jobspec.ts';
import { readJobspec } from '../core/jobspec/read.ts';

/** Vertex 0 is the cluster, the others are its nodes. */
export function graphOf(nodes: number): ResourceGraph {
  const size = nodes + 1;
  const isNode = (vertex: number): boolean => vertex > 0;
  return {
    size,
    ids: Array.from({ length: size }, (_, i) => String(i)),
    types: Array.from({ length: size }, (_, i) => (isNode(i) ? 'node' : 'cluster')),
    sizes: new Float64Array(size).fill(1),
    units: Array.from({ length: size }, () => ''),
    parents: Int32Array.from({ length: size }, (_, i) => (isNode(i) ? 0 : -1)),
    names: Array.from({ length: size }, (_, i) => (isNode(i) ? `node${i}` : 'cluster')),
    ranks: new Int32Array(size).fill(-1),
    metadata: (vertex) => ({ type: isNode(vertex) ? 'node' : 'cluster' }),
  };
}

export function requestOf(nodes: number, walltime: number): Request {
  const jobspec = {
    version: 1,
    resources: [{ type: 'slot', count: nodes, label: 'all', with: [{ type: 'node', count: 1, exclusive: true }] }],
    tasks: [{ command: ['job'], slot: 'all', count: { per_slot: 1 } }],
    attributes: { system: { duration: walltime } },
  };
  return readJobspec(JSON.stringify(jobspec), { format: 'json' }).request;
}

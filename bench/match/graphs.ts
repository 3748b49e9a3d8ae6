/** Graphs for the benchmarks, made as columns: the largest has 7.5 million vertices. */
import type { ResourceGraph } from '../../src/core/graph/graph.ts';

export interface NodeKind {
  readonly sockets: number;
  readonly cores: number;
  readonly gpus: number;
}

/** cluster > racks of 64 > nodes > sockets > cores and gpus; names of nodes are `node0` … */
export function build(kinds: readonly NodeKind[], nodes: number, kindOf: (node: number) => number): ResourceGraph {
  const types: string[] = [];
  const parents: number[] = [];
  const names = new Map<number, string>();
  const add = (type: string, parent: number): number => {
    parents.push(parent);
    return types.push(type) - 1;
  };
  const root = add('cluster', -1);
  let rack = root;
  for (let n = 0; n < nodes; n++) {
    if (n % 64 === 0) rack = add('rack', root);
    const kind = kinds[kindOf(n)] as NodeKind;
    const node = add('node', rack);
    names.set(node, `node${n}`);
    for (let s = 0; s < kind.sockets; s++) {
      const socket = add('socket', node);
      for (let c = 0; c < kind.cores; c++) add('core', socket);
      for (let g = 0; g < kind.gpus; g++) add('gpu', socket);
    }
  }
  const size = types.length;
  const metadata = new Map(['cluster', 'rack', 'node', 'socket', 'core', 'gpu'].map((type) => [type, { type }]));
  return {
    size,
    ids: types.map((_, i) => String(i)),
    types,
    sizes: new Float64Array(size).fill(1),
    units: types.map(() => ''),
    parents: Int32Array.from(parents),
    names: types.map((_, i) => names.get(i) ?? ''),
    ranks: new Int32Array(size).fill(-1),
    metadata: (vertex) => metadata.get(types[vertex] as string) ?? {},
  };
}

/** 75 vertices a node. */
export const plain: NodeKind = { sockets: 2, cores: 32, gpus: 4 };

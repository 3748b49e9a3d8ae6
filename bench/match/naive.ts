/** The naive peer: the same question answered by walking all vertices, depth first, with nothing remembered. */
import type { ResourceGraph } from '../../src/core/graph/graph.ts';

export interface Wanted {
  readonly racks: number;
  readonly nodes: number;
  readonly slots: number;
  readonly cores: number;
  readonly gpus: number;
}

/** racks with nodes that hold so many slots of cores and gpus each. */
export function naive(graph: ResourceGraph, ends: Int32Array, wanted: Wanted): boolean {
  let racks = 0;
  for (let rack = 1; rack < graph.size; rack = ends[rack] as number) {
    let nodes = 0;
    for (let node = rack + 1; node < (ends[rack] as number); node = ends[node] as number) {
      let cores = 0;
      let gpus = 0;
      for (let i = node + 1; i < (ends[node] as number); i++) {
        if (graph.types[i] === 'core') cores++;
        else if (graph.types[i] === 'gpu') gpus++;
      }
      if (Math.min(Math.floor(cores / wanted.cores), Math.floor(gpus / wanted.gpus)) >= wanted.slots) nodes++;
    }
    if (nodes >= wanted.nodes) racks++;
  }
  return racks >= wanted.racks;
}

export function endsOf(graph: ResourceGraph): Int32Array {
  const ends = Int32Array.from({ length: graph.size }, (_, i) => i + 1);
  for (let i = graph.size - 1; i > 0; i--) {
    const parent = graph.parents[i] as number;
    ends[parent] = Math.max(ends[parent] as number, ends[i] as number);
  }
  return ends;
}

export function jobspecOf(wanted: Wanted): string {
  const slot = {
    type: 'slot',
    count: wanted.slots,
    label: 'task',
    with: [
      { type: 'core', count: wanted.cores },
      { type: 'gpu', count: wanted.gpus },
    ],
  };
  return JSON.stringify({
    version: 1,
    resources: [{ type: 'rack', count: wanted.racks, with: [{ type: 'node', count: wanted.nodes, with: [slot] }] }],
    tasks: [{ command: ['app'], slot: 'task', count: { per_slot: 1 } }],
    attributes: { system: { duration: 3600 } },
  });
}

/** Number `i` of many different ones, most of them satisfiable on nodes of 64 cores and 8 gpus. */
export function wantedNumber(i: number): Wanted {
  return {
    racks: 1 + (i % 2),
    nodes: 1 + (Math.floor(i / 2) % 4),
    slots: 1 + (Math.floor(i / 8) % 4),
    cores: 1 + (Math.floor(i / 32) % 20),
    gpus: 1 + (Math.floor(i / 640) % 3),
  };
}

import { describe, expect, test } from 'vitest';
import { generateGraph } from '../../core/graph/generate.ts';
import { readSubsystem } from '../../core/graph/read-subsystem.ts';
import { readGraph } from '../../core/graph/read.ts';
import { paint } from '../paint.ts';
import { countText, foldedLine, foldedTree, foldGraph } from './graph.ts';

const plain = paint({ write() {}, isTTY: false, columns: 80 }, {});

function chain(depth: number): string {
  const ids = Array.from({ length: depth }, (_, i) => String(i));
  return JSON.stringify({
    graph: {
      nodes: Object.fromEntries(ids.map((id) => [id, { metadata: { type: id === '0' ? 'cluster' : 'node' } }])),
      edges: ids.slice(1).map((id, i) => ({ source: String(i), target: id, relation: 'contains' })),
    },
  });
}

describe('a folded graph', () => {
  test('equal siblings are one', () => {
    const graph = readGraph(generateGraph({ name: 'k', nodes: 48, socketsPerNode: 2, coresPerNode: 36 }));
    expect(foldedLine(foldGraph(graph, []))).toBe('cluster {rack {48 × node {2 × socket {18 × core}}}}');
  });

  test('pools, units and gpus are shown; a tree is drawn', () => {
    const graph = readGraph(
      generateGraph({ name: 'k', nodes: 2, coresPerNode: 4, gpusPerNode: 1, memoryGiBPerNode: 64 }),
    );
    expect(foldedTree(foldGraph(graph, []), plain).split('\n')).toEqual([
      'cluster',
      '└─ rack',
      '   └─ 2 × node',
      '      ├─ socket',
      '      │  ├─ 4 × core',
      '      │  └─ gpu',
      '      └─ memory 64 GiB',
    ]);
  });

  test('a vertex that a subsystem hangs on is not equal to one without', () => {
    const graph = readGraph(generateGraph({ name: 'k', nodes: 2, coresPerNode: 1 }));
    const subsystem = readSubsystem(
      'io',
      JSON.stringify({
        graph: {
          nodes: { io0: { metadata: { type: 'io' } }, io1: { metadata: { type: 'shm' } } },
          edges: [
            { source: 'io0', target: 'io1', relation: 'contains' },
            { source: '2', target: 'io1', relation: 'contains' },
          ],
        },
      }),
      graph,
    );
    expect(foldedLine(foldGraph(graph, [subsystem]))).toBe(
      'cluster {rack {node [io:shm] {socket {core}}, node {socket {core}}}}',
    );
  });

  test('deep ones are cut, in the tree and in the line', () => {
    const folded = foldGraph(readGraph(chain(60)), []);
    expect(foldedLine(folded)).toContain('{…}');
    expect(foldedTree(folded, plain).split('\n')).toHaveLength(42);
  });

  test('counts', () => {
    expect(
      countText([
        { type: 'node', total: 3, unit: '' },
        { type: 'memory', total: 192, unit: 'GB' },
      ]),
    ).toBe('3 node, 192 GB memory');
  });
});

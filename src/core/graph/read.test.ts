import { describe, expect, test } from 'vitest';
import { RainbowError } from '../errors.ts';
import { resourceCounts } from './counts.ts';
import { generateGraph } from './generate.ts';
import { GraphReader, readGraph, readSubsystem } from './read.ts';

const small = {
  graph: {
    directed: true,
    nodes: {
      0: { label: 'c', metadata: { type: 'cluster', name: 'red' } },
      1: { metadata: { type: 'node', basename: 'node', id: 7, rank: 3 } },
      2: { metadata: { type: 'core' } },
      3: { metadata: { type: 'memory', size: 64, unit: 'GB' } },
      4: {},
    },
    edges: [
      { source: '0', target: '1', relation: 'contains' },
      { source: '1', target: '0', relation: 'in' },
      { source: '1', target: '2', relation: 'contains', metadata: {} },
      { source: '1', target: '3', relation: 'contains' },
      { source: '0', target: '4', relation: 'contains' },
    ],
  },
};

function refusal(text: string): string {
  try {
    readGraph(text);
  } catch (error) {
    if (error instanceof RainbowError && error.code === 'invalid_input') return error.message;
    throw error;
  }
  return 'it was taken';
}

function withParts(nodes: object, edges: readonly (readonly [string, string])[]): string {
  const all = edges.map(([source, target]) => ({ source, target, relation: 'contains' }));
  return JSON.stringify({ graph: { nodes, edges: all } });
}

describe('readGraph', () => {
  test('columns, with parents first and defaults filled in', () => {
    const graph = readGraph(JSON.stringify(small));
    expect(graph.ids).toEqual(['0', '1', '2', '3', '4']);
    expect(graph.types).toEqual(['cluster', 'node', 'core', 'memory', 'resource']);
    expect([...graph.parents]).toEqual([-1, 0, 1, 1, 0]);
    expect([...graph.sizes]).toEqual([1, 1, 1, 64, 1]);
    expect(graph.units[3]).toBe('GB');
    expect(graph.names).toEqual(['red', 'node7', '2', '3', '4']);
    expect([...graph.ranks]).toEqual([-1, 3, -1, -1, -1]);
    expect(graph.metadata(1)).toEqual({ type: 'node', basename: 'node', id: 7, rank: 3 });
    expect(graph.metadata(4)).toEqual({});
  });

  test('nodes as an array, relations in the ways of Fluxion', () => {
    const nodes = ['b', 'a', 'c', 'd'].map((id) => ({ id, metadata: { type: id } }));
    const edges = [
      { source: 'a', target: 'b' },
      { source: 'a', target: 'c', metadata: { subsystem: 'containment' } },
      { source: 'c', target: 'd', metadata: { name: { containment: 'contains' } } },
      { source: 'd', target: 'c', metadata: { name: { containment: 'in' } } },
      { source: 'b', target: 'd', metadata: { subsystem: 'power' } },
    ];
    const graph = readGraph(JSON.stringify({ graph: { directed: false, nodes, edges } }));
    expect(graph.ids).toEqual(['a', 'b', 'c', 'd']);
    expect([...graph.parents]).toEqual([-1, 0, 0, 2]);
  });

  test('the root need not be called 0, and one vertex is a graph', () => {
    expect(readGraph('{"graph":{"nodes":{"top":{"metadata":{"type":"node"}}}}}').size).toBe(1);
  });

  test.each([
    ['{"graph":\n {"nodes": }}', 'line 2, column 12: this is not JSON'],
    ['{"graph":', 'the text ends too early'],
    ['[]', 'document: a JSON object with "graph" is needed, this is an array'],
    ['{"graphs":[]}', 'one graph per document'],
    ['{"graph":{"nodes":{}}}', 'graph.nodes: there is no vertex'],
    ['{"graph":{"nodes":{"1":5}}}', 'graph.nodes["1"]: an object is needed, this is 5'],
    ['{"graph":{"nodes":{"1":{"metadata":[]}}}}', 'graph.nodes["1"].metadata: an object is needed'],
    [
      '{"graph":{"nodes":{"1":{"metadata":{"type":3}}}}}',
      'graph.nodes["1"].metadata.type: a string is needed, this is 3',
    ],
    ['{"graph":{"nodes":{"1":{"metadata":{"size":-1}}}}}', 'graph.nodes["1"].metadata.size: a whole number'],
    ['{"graph":{"nodes":{"1":{"metadata":{"size":1.5}}}}}', 'graph.nodes["1"].metadata.size: a whole number'],
    ['{"graph":{"nodes":{"1":{"metadata":{"size":"4"}}}}}', 'graph.nodes["1"].metadata.size: a whole number'],
    ['{"graph":{"nodes":{"1":{}},"edges":{}}}', 'graph.edges: an array is needed'],
    [
      '{"graph":{"nodes":{"1":{}},"edges":[{"source":"1"}]}}',
      'graph.edges[0].target: an id is needed, this is nothing',
    ],
    ['{"graph":{"nodes":[{"id":"1"},{"id":"1"}]}}', 'graph.nodes[1].id: the id "1" is taken by graph.nodes[0]'],
    ['{"graph":{"nodes":[{"metadata":{}}]}}', 'graph.nodes[0].id: a non-empty string is needed'],
  ])('refuses %s', (text, message) => {
    expect(refusal(text)).toContain(message);
  });

  test('refuses edges that lead nowhere, two parents, two roots, cycles', () => {
    const nodes = { 1: {}, 2: {}, 3: {} };
    expect(refusal(withParts(nodes, [['1', '9']]))).toBe('graph.edges[0].target: no vertex "9"');
    expect(refusal(withParts(nodes, [['8', '1']]))).toBe('graph.edges[0].source: no vertex "8"');
    const twoParents = refusal(
      withParts(nodes, [
        ['1', '3'],
        ['1', '2'],
        ['2', '3'],
      ]),
    );
    expect(twoParents).toContain('graph.edges[2].target: vertex "3" has two containment parents, "1" and "2"');
    expect(refusal(withParts(nodes, [['1', '2']]))).toContain(
      'more than one vertex is contained in no other ("1", "3")',
    );
    expect(refusal(withParts(nodes, [['1', '1']]))).toContain('contains itself');
    expect(
      refusal(
        withParts(nodes, [
          ['1', '2'],
          ['2', '3'],
          ['3', '1'],
        ]),
      ),
    ).toContain('has a cycle');
    expect(
      refusal(
        withParts(nodes, [
          ['2', '3'],
          ['3', '2'],
        ]),
      ),
    ).toMatch(/graph\.nodes\["[23]"\]: lies on a cycle/);
  });

  test('several trees are one, below a vertex that nobody asks for', () => {
    const nodes = { all: { metadata: { type: 'rack' } }, 2: {}, 3: { metadata: { type: 'rack' } }, 4: {} };
    const graph = readGraph(
      withParts(nodes, [
        ['all', '2'],
        ['3', '4'],
      ]),
    );
    expect(graph.ids[0]).toBe("all'");
    expect(graph.types[0]).toBe('all');
    expect([...graph.parents]).toEqual([-1, 0, 1, 0, 3]);
    const lonely = { ...nodes, 5: {} };
    expect(
      refusal(
        withParts(lonely, [
          ['all', '2'],
          ['3', '4'],
        ]),
      ),
    ).toContain('"5" contains nothing either');
  });

  test('the graph in an R document of Fluxion, whatever stands around it, however it is cut', () => {
    const { graph } = small;
    const around = { nodes: { x: {} }, edges: 7, list: [{ graph: 1 }] };
    const text = JSON.stringify({
      version: 1,
      execution: { R_lite: [], nodes: {} },
      scheduling: { before: around, writer: 'fluxion', graph, after: around },
      more: around,
    });
    const reader = new GraphReader();
    for (const character of text) reader.push(character);
    const read = reader.finish();
    expect(read.ids).toEqual(readGraph(JSON.stringify(small)).ids);
    expect([...read.parents]).toEqual([-1, 0, 1, 1, 0]);
    expect(refusal('{"version":1,"execution":{},"scheduling":{"nodes":{"1":{}}}}')).toContain('rainbow graph discover');
    expect(refusal('{"scheduling":{"graph":[]}}')).toContain('graph: an object with "nodes" and "edges" is needed');
  });

  test('the same edge twice is one edge', () => {
    expect(
      readGraph(
        withParts({ 1: {}, 2: {} }, [
          ['1', '2'],
          ['1', '2'],
        ]),
      ).size,
    ).toBe(2);
  });

  test('refuses 10,000 levels, and nesting inside of metadata, without running out of stack', () => {
    const nodes = Object.fromEntries(Array.from({ length: 10_000 }, (_, i) => [`v${i}`, {}]));
    const edges = Array.from({ length: 9_999 }, (_, i) => [`v${i}`, `v${i + 1}`] as const);
    expect(refusal(withParts(nodes, edges))).toBe('graph.nodes["v256"]: deeper than 256 levels of containment');
    const nested = `{"graph":{"nodes":{"1":{"metadata":{"x":${'['.repeat(5_000)}${']'.repeat(5_000)}}}}}}`;
    expect(refusal(nested)).toContain('graph.nodes["1"].metadata["x"]: nested more than 64 levels deep');
  });

  test('names from objects are no trouble', () => {
    const text = '{"graph":{"nodes":{"__proto__":{"metadata":{"type":"constructor"}}}}}';
    expect(readGraph(text).types).toEqual(['constructor']);
  });
});

describe('readSubsystem', () => {
  const graph = readGraph(JSON.stringify(small));
  const sw = (
    edges: readonly (readonly [string, string, string?])[],
    nodes: object = { s0: {}, s1: {}, s2: {} },
  ): string =>
    JSON.stringify({
      graph: { nodes, edges: edges.map(([source, target, relation = 'contains']) => ({ source, target, relation })) },
    });
  const read = (text: string): ReturnType<typeof readSubsystem> => readSubsystem('sw', text, graph);

  test('internal edges and links', () => {
    const subsystem = read(
      sw([
        ['s0', 's1'],
        ['1', 's1'],
        ['s1', '1', 'in'],
        ['1', 's2'],
      ]),
    );
    expect(subsystem.children).toEqual([[1], [], []]);
    expect(subsystem.links).toEqual([
      [1, 1],
      [1, 2],
    ]);
  });

  test('a vertex may have two parents inside', () => {
    expect(
      read(
        sw([
          ['s0', 's2'],
          ['s1', 's2'],
          ['1', 's0'],
        ]),
      ).children,
    ).toEqual([[2], [2], []]);
  });

  test.each([
    [sw([['s0', '1']]), 'edge s0->1 is not internal, and not connected to the dominant subsystem'],
    [sw([['1', '2']]), 'edge 1->2 is not internal, and not connected to the dominant subsystem'],
    [sw([['1', 's9']]), 'graph.edges[0].target: no vertex "s9"'],
    [sw([['x', 's1']]), 'graph.edges[0].source: no vertex "x"'],
    [
      sw([
        ['s0', 's1'],
        ['s1', 's0'],
      ]),
      'cycle',
    ],
    [sw([]), 'no "contains" edge'],
    [sw([['1', '2']], { 2: {} }), 'graph.nodes["2"]: this id is a vertex of the resource graph'],
    ['{"graph":{"nodes":{}}}', 'there is no vertex'],
  ])('refuses %s', (text, message) => {
    expect(() => read(text)).toThrow(message);
  });
});

describe('generateGraph', () => {
  test('makes what was asked for', () => {
    const text = generateGraph({
      name: 'blue',
      racks: 2,
      nodes: 5,
      socketsPerNode: 2,
      coresPerNode: 9,
      gpusPerNode: 2,
      memoryGiBPerNode: 64,
    });
    const graph = readGraph(text);
    expect(resourceCounts(graph)).toEqual([
      { type: 'cluster', total: 1, unit: '' },
      { type: 'rack', total: 2, unit: '' },
      { type: 'node', total: 5, unit: '' },
      { type: 'socket', total: 10, unit: '' },
      { type: 'core', total: 45, unit: '' },
      { type: 'gpu', total: 10, unit: '' },
      { type: 'memory', total: 320, unit: 'GiB' },
    ]);
    const last = graph.ids.length - 1;
    expect(graph.metadata(last)['paths']).toEqual({ containment: '/blue/rack1/node4/memory0' });
    expect(graph.ranks[last]).toBe(4);
  });

  test('refuses sizes that make no sense', () => {
    expect(() => generateGraph({ name: 'x', nodes: 0, coresPerNode: 1 })).toThrow('nodes: a whole number of 1 or more');
    expect(() => generateGraph({ name: 'x', nodes: 1, coresPerNode: -1 })).toThrow('coresPerNode');
    expect(() => generateGraph({ name: 'x', nodes: 1, racks: 2, coresPerNode: 1 })).toThrow('some would be empty');
    expect(() => generateGraph({ name: 'x', nodes: 1e9, coresPerNode: 1 })).toThrow('more than the limit');
  });
});

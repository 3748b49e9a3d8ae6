/** A graph whose vertices are read by their likeness is the graph that is read vertex by vertex. */
import { expect, test } from 'vitest';
import { createMatcher } from '../match/create.ts';
import { keptOf } from '../match/attributes.ts';
import { seededRandom } from '../random.ts';
import type { ResourceGraph } from './graph.ts';
import { FOR_MATCHING, GraphReader, readGraph } from './read.ts';

function lean(text: string): ResourceGraph {
  const reader = new GraphReader(FOR_MATCHING);
  reader.push(text);
  return reader.finish();
}

/** What the matcher asks of a graph. */
function asked(graph: ResourceGraph): unknown {
  const isNode = graph.types.map((type) => type === 'node');
  return {
    ids: graph.ids,
    types: graph.types,
    sizes: [...graph.sizes],
    units: graph.units,
    parents: [...graph.parents],
    names: graph.names.filter((_, vertex) => isNode[vertex]),
    ranks: [...graph.ranks].filter((_, vertex) => isNode[vertex]),
    metadata: graph.ids.map((_, vertex) => keptOf(graph.metadata(vertex), null)),
  };
}

const random = seededRandom('alike');
const oneOf = <const T extends readonly unknown[]>(...items: T): T[number] => items[random.below(items.length)];

function metadata(i: number): Record<string, unknown> {
  const of: Record<string, unknown> = { type: oneOf('node', 'core', 'core', 'core', 'gpu') };
  if (random.below(8) > 0) of['name'] = oneOf(`v${i}`, `v${i}`, 'a "quoted" one', '', 'ü', 7);
  if (random.below(8) > 0) of['id'] = oneOf(i, i, -1, 1.5, String(i), null);
  if (random.below(3) > 0) of['rank'] = oneOf(i, i, i, -1, 2 ** 40, 0.5, 'x', '3');
  if (random.below(4) === 0) of['basename'] = oneOf('b', 'node');
  if (random.below(3) === 0) of['size'] = oneOf(1, 1, 4);
  if (random.below(3) === 0) of['paths'] = oneOf({ containment: `/a/${i}` }, { containment: 7 }, 'none');
  if (random.below(5) === 0) of['properties'] = oneOf({ name: `p${i % 2}`, id: i % 3 }, ['x'], { rank: 1 });
  return of;
}

test('300 graphs of all sorts', () => {
  for (let round = 0; round < 300; round++) {
    const inArray = random.below(2) === 0;
    const count = 2 + random.below(30);
    const ids = Array.from({ length: count }, (_, i) => oneOf(String(i), String(i), `id-of-vertex-${i}`));
    const parts = ids.map((id, i) => ({ id, label: `l${i}`, metadata: metadata(i) }));
    const edges = ids.slice(1).map((target, i) => ({ source: ids[random.below(i + 1)], target, relation: 'contains' }));
    const nodes = inArray ? parts : Object.fromEntries(parts.map(({ id, ...node }) => [id, node]));
    const graph = random.below(2) === 0 ? { nodes, edges } : { edges, nodes };
    const text = JSON.stringify({ graph }, null, oneOf(0, 2));
    expect(asked(lean(text))).toEqual(asked(readGraph(text)));
  }
});

test('an id that comes twice counts as it came last, also where others were like it', () => {
  const vertex = (type: string, size: number): string => `{"metadata":{"type":"${type}","size":${size}}}`;
  const edges = ['1', '2', '3'].map((target) => `{"source":"0","target":"${target}"}`).join();
  const nodes = [
    ['0', vertex('cluster', 1)],
    ['1', vertex('core', 1)],
    ['2', vertex('core', 1)],
    ['1', vertex('memory', 9)],
    ['3', vertex('core', 1)],
  ];
  const text = `{"graph":{"nodes":{${nodes.map(([id, of]) => `"${id}":${of}`).join()}},"edges":[${edges}]}}`;
  const graph = lean(text);
  expect([graph.types, [...graph.sizes]]).toEqual([
    ['cluster', 'memory', 'core', 'core'],
    [1, 9, 1, 1],
  ]);
  const matcher = createMatcher();
  matcher.setCluster('c', graph, []);
  expect(matcher.counts('c').find(({ type }) => type === 'core')?.total).toBe(2);
});

test('an array that names an id twice is refused where it does', () => {
  const nodes = ['a', 'b', 'a'].map((id) => ({ id, metadata: { type: 'core', rank: 1 } }));
  expect(() => lean(JSON.stringify({ graph: { nodes } }))).toThrow(
    'graph.nodes[2].id: the id "a" is taken by graph.nodes[0]',
  );
});

import { expect, test } from 'vitest';
import { generateGraph } from '../graph/generate.ts';
import { readGraph } from '../graph/read.ts';
import { readJobspec } from '../jobspec/read.ts';
import { createMatcher } from './create.ts';
import { openings } from './openings.ts';

const job = (nodes: number, cores: number) => `version: 1
resources: [{type: node, count: ${nodes}, with: [{type: slot, count: 1, label: s, with: [{type: core, count: ${cores}}]}]}]
tasks: [{command: [a], slot: s, count: {per_slot: 1}}]
attributes: {system: {duration: 60}}`;

function asked(
  jobspec: string,
  clusters: Readonly<Record<string, { nodes: number; coresPerNode: number; memoryGiBPerNode?: number }>>,
) {
  const matcher = createMatcher();
  for (const [name, size] of Object.entries(clusters)) {
    matcher.setCluster(name, readGraph(generateGraph({ name, ...size })), []);
  }
  const { request } = readJobspec(jobspec);
  const candidates = Object.keys(clusters).map((cluster) => ({
    cluster,
    verdict: matcher.satisfiable(cluster, request),
  }));
  return openings(request, candidates, (cluster, changed) => matcher.satisfiable(cluster, changed).fits).map(
    ({ relaxation, clusters: opened }) => [relaxation.message, ...opened],
  );
}

test('48 cores instead of 64 opens three clusters; 56 opens one', () => {
  const four = { nodes: 4 };
  expect(
    asked(job(4, 64), {
      a: { ...four, coresPerNode: 48 },
      b: { ...four, coresPerNode: 56 },
      c: { ...four, coresPerNode: 48 },
      d: { ...four, coresPerNode: 64 },
    }),
  ).toEqual([
    ['48 core instead of 64 would fit', 'a', 'b', 'c'],
    ['56 core instead of 64 would fit', 'b'],
  ]);
});

test('changes that open different clusters are both named', () => {
  expect(asked(job(4, 8), { a: { nodes: 3, coresPerNode: 8 }, b: { nodes: 4, coresPerNode: 4 } })).toEqual([
    ['3 node instead of 4 would fit', 'a'],
    ['4 core instead of 8 would fit', 'b'],
  ]);
});

test('a cluster counts for a change that another named', () => {
  // By itself, `b` would name 7 cores.
  expect(asked(job(2, 8), { a: { nodes: 2, coresPerNode: 6 }, b: { nodes: 2, coresPerNode: 7 } })[0]).toEqual([
    '6 core instead of 8 would fit',
    'a',
    'b',
  ]);
});

test('nothing opens what cannot be opened, and what fits needs no opening', () => {
  expect(asked(job(1, 4), { a: { nodes: 1, coresPerNode: 4 } })).toEqual([]);
});

test('of a whole TiB where there is less, an amount in a smaller unit is advised, not that it goes without its unit', () => {
  const asks = (memory: string) => `version: 1
resources: [{type: node, count: 1, with: [{type: slot, count: 1, label: s, with: [{type: core, count: 1}, {type: memory, ${memory}}]}]}]
tasks: [{command: [a], slot: s, count: {per_slot: 1}}]
attributes: {system: {duration: 60}}`;
  const nodes = { nodes: 1, coresPerNode: 4, memoryGiBPerNode: 64 };
  expect(asked(asks('count: 1, unit: TiB'), { a: nodes })).toEqual([['64 GiB memory instead of 1 TiB would fit', 'a']]);
  expect(asked(asks('count: 1024, unit: GB'), { a: nodes })).toEqual([['68 GB memory instead of 1024 would fit', 'a']]);
});

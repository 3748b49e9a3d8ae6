import { expect, test } from 'vitest';
import { generateGraph } from '../graph/generate.ts';
import { readGraph } from '../graph/read.ts';
import { readJobspec } from '../jobspec/read.ts';
import { createMatcher } from './create.ts';
import { hostlists, idset, rDocument } from './r-document.ts';

function placed(jobspec: string, size: Parameters<typeof generateGraph>[0]) {
  const graph = readGraph(generateGraph(size));
  const matcher = createMatcher();
  matcher.setCluster('c', graph, []);
  const witness = matcher.place('c', readJobspec(jobspec).request, 'all');
  if (witness === null) throw new Error('it does not fit');
  return rDocument(graph, witness, { start: 100, end: 160 });
}

test('slots on two nodes: ranks, cores and gpus numbered within their node, names folded', () => {
  const document = placed(
    `version: 1
resources: [{type: node, count: 2, with: [{type: slot, count: 2, label: s, with: [{type: core, count: 2}, {type: gpu, count: 1}]}]}]
tasks: [{command: [a], slot: s, count: {per_slot: 1}}]
attributes: {system: {duration: 60}}`,
    { name: 'c', nodes: 2, socketsPerNode: 2, coresPerNode: 4, gpusPerNode: 2 },
  );
  expect(document.execution).toEqual({
    R_lite: [{ rank: '0-1', children: { core: '0-3', gpu: '0-1' } }],
    nodelist: ['node[0-1]'],
    nslots: 4,
    starttime: 100,
    expiration: 160,
  });
  expect(document.attributes.rainbow.claims).toEqual([]);
});

test('an exclusive node takes all that is in it; memory is named beside', () => {
  const document = placed(
    `version: 1
resources: [{type: slot, count: 1, label: s, with: [{type: node, count: 1, with: [{type: core, count: 1}, {type: memory, count: 8, unit: GiB}]}]}]
tasks: [{command: [a], slot: s, count: {per_slot: 1}}]
attributes: {system: {duration: 60}}`,
    { name: 'c', nodes: 1, coresPerNode: 4, memoryGiBPerNode: 16 },
  );
  expect(document.execution.R_lite).toEqual([{ rank: '0', children: { core: '0-3' } }]);
  expect(document.attributes.rainbow.claims).toEqual([
    expect.objectContaining({ type: 'memory', amount: 8, unit: 'GiB' }),
  ]);
});

test('id sets and hostlists', () => {
  expect(idset([7, 0, 1, 3, 2, 3])).toBe('0-3,7');
  expect(idset([])).toBe('');
  expect(hostlists(['n1', 'n2', 'n04', 'login', 'n9'])).toEqual(['n[1-2,9]', 'n04', 'login']);
});

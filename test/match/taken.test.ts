/** What is left of a vertex when something of it is taken: cases that random histories found. */
import { expect, test } from 'vitest';
import { createMatcher } from '../../src/core/match/create.ts';
import type { Matcher, Witness } from '../../src/core/match/matcher.ts';
import type { Request, Requirement } from '../../src/core/jobspec/jobspec.ts';
import { readGraph } from '../../src/core/graph/read.ts';
import { grow, requestOf } from './grow.ts';

function matcherOf(tree: string): Matcher {
  const matcher = createMatcher();
  matcher.setCluster('c', grow(tree), []);
  return matcher;
}

const wholeNode = requestOf(`
  - {type: slot, count: 1, label: task, with: [{type: node, count: 1}]}`);
const anyNode = requestOf(`
  - {type: node, count: 1}`);

test('a node of which all is taken is not free, though nothing is left below it', () => {
  const matcher = matcherOf('cluster[node[4*core]]');
  const cores = requestOf(`
    - {type: slot, count: 1, label: task, with: [{type: core, count: 4}]}`);
  matcher.debit('c', 'job', matcher.place('c', cores, 'free') as Witness);
  expect(matcher.startable('c', wholeNode).fits).toBe('no');
  expect(matcher.place('c', wholeNode, 'free')).toBeNull();
  // Whoever wants it not for itself may have it.
  expect(matcher.startable('c', anyNode).fits).toBe('yes');
  matcher.credit('c', 'job');
  expect(matcher.startable('c', wholeNode).fits).toBe('yes');
});

test('nor is one whose only child the cluster reports as busy, nor a rack without its nodes', () => {
  const matcher = matcherOf('cluster[rack[node[core]]]');
  const rack = requestOf(`
    - {type: rack, count: 1, exclusive: true}`);
  matcher.report('c', [3], []);
  expect(matcher.startable('c', wholeNode).fits).toBe('no');
  matcher.report('c', [2], []);
  expect(matcher.startable('c', rack).fits).toBe('no');
  matcher.report('c', [], []);
  expect(matcher.startable('c', rack).fits).toBe('yes');
  // A constraint that leaves out all nodes of a rack takes them likewise.
  const constrained = { ...rack, constraint: { op: 'properties', values: ['fast'] } as const };
  expect(matcher.satisfiable('c', constrained).fits).toBe('no');
});

test('a pool from which a fraction was drawn in other units is shared out in good time', () => {
  const metadata = [{ type: 'cluster' }, { type: 'memory', size: 3, unit: 'TB' }];
  const nodes = metadata.map((of, i) => `"${i}":${JSON.stringify({ metadata: of })}`);
  const text = `{"graph":{"nodes":{${nodes.join()}},"edges":[{"source":"0","target":"1","relation":"contains"}]}}`;
  const matcher = createMatcher();
  matcher.setCluster('c', readGraph(text), []);
  const request = requestOf(`
    - {type: memory, count: 1}
    - {type: memory, count: 1, unit: GB}`);
  matcher.debit('c', 'first', matcher.place('c', request, 'free') as Witness);
  expect(matcher.startable('c', request).fits).toBe('yes');
  matcher.debit('c', 'second', matcher.place('c', request, 'free') as Witness);
  expect(matcher.startable('c', request).fits).toBe('no');
});

test('a size that is written and one that is a default are told apart by a requirement only', () => {
  const nodes = [{ type: 'cluster' }, { type: 'gpu', size: 1 }, { type: 'gpu' }].map((metadata) => ({ metadata }));
  const edges = [1, 2].map((target) => ({ source: '0', target: String(target), relation: 'contains' }));
  const matcher = createMatcher();
  matcher.setCluster(
    'c',
    readGraph(JSON.stringify({ graph: { nodes: Object.fromEntries(nodes.entries()), edges } })),
    [],
  );
  const gpus = (count: number, requires: Requirement[]): Request => {
    const { groups } = requestOf(`
    - {type: gpu, count: ${count}}`);
    const vertices = groups.flatMap((group) => group.vertices.map((vertex) => ({ ...vertex, requires })));
    return { groups: [{ key: '', vertices, simple: null }], constraint: null };
  };
  const written = { subsystem: null, path: '', fields: [{ field: 'size', match: '1', min: null, max: null }] };
  expect(matcher.satisfiable('c', gpus(2, [])).fits).toBe('yes');
  expect(matcher.satisfiable('c', gpus(1, [written])).fits).toBe('yes');
  expect(matcher.satisfiable('c', gpus(2, [written])).fits).toBe('no');
});

test('what is only taken is said to be taken, and not to be missing', () => {
  const matcher = matcherOf('cluster[node[2*core]]');
  const cores = (count: number) =>
    requestOf(`
    - {type: slot, count: 1, label: task, with: [{type: core, count: ${count}}]}`);
  const said = (count: number) => matcher.startable('c', cores(count)).reasons[0];
  expect(said(3)?.message).toBe('needs 3 core in the whole cluster, the most there are is 2');
  matcher.debit('c', 'one', matcher.place('c', cores(1), 'free') as Witness);
  expect(said(2)).toMatchObject({
    message: 'needs 2 core in the whole cluster, 1 is free now',
    relaxation: { message: '1 core instead of 2 would fit now' },
  });
  matcher.debit('c', 'other', matcher.place('c', cores(1), 'free') as Witness);
  expect(said(1)?.message).toBe('no core is free now');
  expect(matcher.satisfiable('c', cores(3)).reasons[0]?.message).toContain('the most there are is 2');
  // One that has as little as is left of the other, and is idle.
  matcher.setCluster('d', grow('cluster[node[core]]'), []);
  matcher.credit('c', 'other');
  const two = cores(2);
  expect(matcher.startable('c', two).reasons[0]?.message).toContain('1 is free now');
  expect(matcher.satisfiable('d', two).reasons[0]?.message).toContain('the most there are is 1');
});

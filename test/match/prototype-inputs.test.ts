/** The prototype's example inputs, taken as they are where they are to be found beside the checkout, and ours of the same kind. */
import { existsSync, readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { readGraph, readSubsystem } from '../../src/core/graph/read.ts';
import { resourceCounts } from '../../src/core/graph/counts.ts';
import { readJobspec } from '../../src/core/jobspec/read.ts';
import { createMatcher } from '../../src/core/match/create.ts';
import type { Fits } from '../../src/core/match/matcher.ts';
import { requestOf } from './grow.ts';

const folder = '../shared/data/prototype';
const isThere = existsSync(folder);

function ask(graphFile: string, subsystem: string, subsystemFile: string, jobspec: string): Fits {
  const graph = readGraph(readFileSync(graphFile, 'utf8'));
  const matcher = createMatcher();
  matcher.setCluster('keebler', graph, [readSubsystem(subsystem, readFileSync(subsystemFile, 'utf8'), graph)]);
  return matcher.satisfiable('keebler', readJobspec(jobspec).request).fits;
}

describe.skipIf(!isThere)("the prototype's examples", () => {
  const range = `${folder}/match-algorithms/range`;
  const scheduler = `${folder}/scheduler`;
  const text = (path: string): string => readFileSync(path, 'utf8');

  test('jobspec-io fits keebler with its io subsystem', () => {
    const nodes = `${scheduler}/cluster-nodes.json`;
    const io = `${scheduler}/cluster-io-subsystem.json`;
    expect(ask(nodes, 'io', io, text(`${scheduler}/jobspec-io.yaml`))).toBe('yes');
    expect(ask(nodes, 'io', io, text(`${scheduler}/jobspec-constraint.yaml`))).toBe('yes');
  });

  test('a valid range of versions fits, an invalid one does not', () => {
    const nodes = `${range}/cluster-nodes.json`;
    const spack = `${range}/spack-subsystem.json`;
    expect(ask(nodes, 'spack', spack, text(`${range}/jobspec-valid-range.yaml`))).toBe('yes');
    expect(ask(nodes, 'spack', spack, text(`${range}/jobspec-invalid-range.yaml`))).toBe('no');
  });

  test('two nodes with 24 tasks fit, a hundred nodes do not', () => {
    const matcher = createMatcher();
    matcher.setCluster('keebler', readGraph(text(`${scheduler}/cluster-nodes.json`)), []);
    const simple = (nodes: number, tasks: number): string => `
      app: {type: rack, replicas: 1, with: [{type: node, count: ${nodes}, with: [{type: core, count: ${tasks}}]}]}`;
    expect(matcher.satisfiable('keebler', requestOf(simple(2, 24))).fits).toBe('yes');
    expect(matcher.satisfiable('keebler', requestOf(simple(100, 100))).fits).toBe('no');
  });
});

describe('examples/graphs', () => {
  const examples = 'examples/graphs';

  test('keebler with io and spack', () => {
    const io =
      'a: {type: node, replicas: 1, requires: [{name: io, field: type, match: shm}], with: [{type: core, count: 2}]}';
    const version = (min: string): string =>
      `a: {type: node, replicas: 2, requires: [{name: spack, field: version, min: "${min}", max: "0.9"}], with: [{type: core, count: 2}]}`;
    const graph = readGraph(readFileSync(`${examples}/keebler.json`, 'utf8'));
    const matcher = createMatcher();
    matcher.setCluster(
      'keebler',
      graph,
      ['io', 'spack'].map((name) =>
        readSubsystem(name, readFileSync(`${examples}/keebler-${name}.json`, 'utf8'), graph),
      ),
    );
    expect(matcher.satisfiable('keebler', requestOf(io)).fits).toBe('yes');
    expect(matcher.satisfiable('keebler', requestOf(version('0.5.1'))).fits).toBe('yes');
    expect(matcher.satisfiable('keebler', requestOf(version('0.7.1'))).fits).toBe('no');
  });

  test('the others are what their names say', () => {
    const of = (name: string): string =>
      resourceCounts(readGraph(readFileSync(`${examples}/${name}.json`, 'utf8')))
        .map(({ type, total, unit }) => `${total}${unit} ${type}`)
        .join(', ');
    expect(of('workstation')).toBe('1 cluster, 1 rack, 1 node, 1 socket, 8 core, 1 gpu, 32GiB memory');
    expect(of('gpu-cluster')).toBe('1 cluster, 2 rack, 4 node, 8 socket, 64 core, 16 gpu, 512GiB memory');
  });
});

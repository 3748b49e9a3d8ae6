/** What an image needs, asked of the nodes of a graph: only good nodes are used, equal ones asked once, and said why not. */
import { describe, expect, test } from 'vitest';
import { readGraph, readSubsystem } from '../../src/core/graph/read.ts';
import type { Request } from '../../src/core/jobspec/jobspec.ts';
import { readJobspec } from '../../src/core/jobspec/read.ts';
import { createMatcher } from '../../src/core/match/create.ts';
import type { Matcher } from '../../src/core/match/matcher.ts';
import { cpuTime } from '../../src/system/testing/cpu-time.ts';

/** Nodes with a core each; of the first `wide` the features have AVX512F, and all but the last are known. */
function cluster(nodes: number, wide: number): Matcher {
  const vertices = ['"0":{"metadata":{"type":"cluster"}}'];
  const edges: string[] = [];
  const links: string[] = [];
  const contains = (source: string, target: string): string =>
    `{"source":"${source}","target":"${target}","relation":"contains"}`;
  for (let i = 1; i <= nodes; i++) {
    vertices.push(`"n${i}":{"metadata":{"type":"node","name":"n${i}"}},"c${i}":{"metadata":{"type":"core"}}`);
    edges.push(contains('0', `n${i}`), contains(`n${i}`, `c${i}`));
    if (i <= wide) links.push(contains(`n${i}`, 'f0'));
    else if (i < nodes) links.push(contains(`n${i}`, 'f1'));
  }
  const graph = readGraph(`{"graph":{"nodes":{${vertices.join()}},"edges":[${edges.join()}]}}`);
  const features = (flags: string): string =>
    `{"metadata":{"type":"features","features":{"flags":{"cpu.cpuid":{"elements":${flags}}}}}}`;
  const nfd = `{"graph":{"nodes":{"f0":${features('{"AVX":{},"AVX512F":{}}')},"f1":${features('{"AVX":{}}')}},"edges":[${links.join()}]}}`;
  const matcher = createMatcher();
  matcher.setCluster('c', graph, [readSubsystem('nfd', nfd, graph)]);
  return matcher;
}

function wanting(count: number, compatibility: string): Request {
  return readJobspec(
    `{version: 1, resources: {a: {type: node, count: ${count}}}, tasks: [{command: [x], resources: a}], attributes: {image: x, compatibility: ${compatibility}}}`,
  ).request;
}

const flag = (name: string, more = ''): string =>
  `{${more}rules: [{matchFeatures: [{feature: cpu.cpuid, matchExpressions: {${name}: {op: Exists}}}]}]}`;
const needs = (...sets: string[]): string => `{version: v1alpha1, compatibilities: [${sets.join()}]}`;

describe('only good nodes are used', () => {
  test('as many as there are', () => {
    const matcher = cluster(5, 2);
    expect(matcher.satisfiable('c', wanting(2, needs(flag('AVX512F')))).fits).toBe('yes');
    expect(matcher.satisfiable('c', wanting(3, needs(flag('AVX512F')))).fits).toBe('no');
    expect(matcher.satisfiable('c', wanting(4, needs(flag('AVX')))).fits).toBe('yes');
    expect(matcher.satisfiable('c', wanting(5, needs(flag('AVX')))).fits).toBe('no');
    const used = matcher
      .place('c', wanting(2, needs(flag('AVX512F'))), 'all')
      ?.groups[0]?.claims.map(({ vertex }) => matcher.vertexId('c', vertex));
    expect(used?.sort()).toEqual(['n1', 'n2']);
  });

  test('what is taken of them is not there for the next', () => {
    const matcher = cluster(5, 2);
    const request = wanting(2, needs(flag('AVX512F')));
    matcher.debit('c', 'job', matcher.place('c', request, 'free')!);
    expect(matcher.startable('c', request).fits).toBe('no');
    expect(matcher.startable('c', wanting(2, needs(flag('AVX')))).fits).toBe('yes');
  });
});

describe('why not', () => {
  test('names the feature and the number of nodes', () => {
    const [reason] = cluster(5, 2).satisfiable('c', wanting(3, needs(flag('AVX512F')))).reasons;
    expect(reason).toMatchObject({
      stage: 'image',
      message:
        '2 of 5 nodes have what the image needs (cpu.cpuid AVX512F Exists: not on 2 of 5, cpu.cpuid (not known of the node): not on 1 of 5)',
      relaxation: { field: 'count', from: '3', to: '2' },
    });
  });

  test('of several sets each', () => {
    const request = wanting(1, needs(flag('SVE', 'tag: arm, '), flag('AMX')));
    const [reason] = cluster(3, 1).satisfiable('c', request).reasons;
    expect(reason?.stage).toBe('image');
    expect(reason?.message).toContain('0 of 3 nodes have what the image needs');
    expect(reason?.message).toContain('set "arm": cpu.cpuid SVE Exists: not on 2 of 3');
    expect(reason?.message).toContain('or set 2: cpu.cpuid AMX Exists: not on 2 of 3');
  });

  test('is not said where the image is not what stands in the way', () => {
    const [reason] = cluster(3, 2).satisfiable('c', wanting(9, needs(flag('AVX')))).reasons;
    expect(reason?.stage).toBe('total');
  });
});

test('equal nodes are one class, and asked once', () => {
  const matcher = cluster(20_000, 10_000);
  const before = cpuTime();
  expect(matcher.satisfiable('c', wanting(10_000, needs(flag('AVX512F')))).fits).toBe('yes');
  expect(matcher.satisfiable('c', wanting(10_001, needs(flag('AVX512F')))).fits).toBe('no');
  // Some milliseconds here; evaluated for each node it would be seconds.
  expect(cpuTime() - before).toBeLessThan(1_000);
});

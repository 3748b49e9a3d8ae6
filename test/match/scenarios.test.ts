/** The acceptance scenarios that are the matcher's own: 4 to 18 of the specification. */
import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { readGraph, readSubsystem } from '../../src/core/graph/read.ts';
import { readJobspec } from '../../src/core/jobspec/read.ts';
import { createMatcher } from '../../src/core/match/create.ts';
import { fits, grow, link, requestOf } from './grow.ts';

const keebler = readGraph(readFileSync('examples/graphs/keebler.json', 'utf8'));
const io = readSubsystem('io', readFileSync('examples/graphs/keebler-io.json', 'utf8'), keebler);

function simple(nodes: number, tasks: number): string {
  return `
    task-resources:
      type: rack
      replicas: 1
      label: app
      with: [{type: node, count: ${nodes}, with: [{type: core, count: ${tasks}}]}]`;
}

describe('acceptance scenarios', () => {
  test('4: simple flags balance tasks over nodes', () => {
    expect(fits(keebler, simple(2, 24))).toBe('yes');
    expect(fits(keebler, simple(2, 25))).toBe('no');
    expect(fits(keebler, simple(4, 4))).toBe('no');
    expect(fits(keebler, simple(3, 1))).toBe('yes');
  });

  test('5: the simple shape needs no rack, rack locality proper does', () => {
    const rackless = grow('cluster[3*node[socket[12*core]]]');
    expect(fits(rackless, simple(1, 1))).toBe('yes');
    expect(fits(rackless, 'a: {type: rack, count: 1, with: [{type: node, count: 1}]}')).toBe('no');
  });

  test('6: a node of twelve cores', () => {
    const request = (cores: number): string => `a: {type: node, replicas: 1, with: [{type: core, count: ${cores}}]}`;
    expect(fits(keebler, request(24))).toBe('no');
    expect(fits(keebler, request(12))).toBe('yes');
  });

  test('7: replicas may share their node unless it is exclusive', () => {
    const request = 'a: {type: node, replicas: 3, with: [{type: core, count: 2}]}';
    const exclusive = 'a: {type: node, replicas: 3, exclusive: true, with: [{type: core, count: 2}]}';
    expect(fits(grow('cluster[2*node[2*core]]'), request)).toBe('no');
    expect(fits(grow('cluster[2*node[3*core]]'), request)).toBe('no');
    expect(fits(grow('cluster[2*node[4*core]]'), request)).toBe('yes');
    expect(fits(grow('cluster[node[6*core]]'), request)).toBe('yes');
    expect(fits(grow('cluster[node[6*core]]'), exclusive)).toBe('no');
    expect(fits(grow('cluster[3*node[2*core]]'), exclusive)).toBe('yes');
  });

  test('8: replicas without contents are vertices of their own', () => {
    expect(fits(keebler, 'a: {type: node, replicas: 4}')).toBe('no');
    expect(fits(keebler, 'a: {type: node, replicas: 3}')).toBe('yes');
  });

  test('9: counts multiply by nesting', () => {
    const request = 'a: {type: node, count: 4, with: [{type: core, count: 4}]}';
    expect(fits(grow('cluster[4*node[core]]'), request)).toBe('no');
    expect(fits(grow('cluster[4*node[4*core]]'), request)).toBe('yes');
  });

  test('10: RFC 25', () => {
    const request = (cores: number): string => `
      - {type: node, count: 3, with: [{type: slot, count: 1, label: task, with: [{type: core, count: ${cores}}]}]}`;
    expect(fits(keebler, request(12))).toBe('yes');
    expect(fits(keebler, request(13))).toBe('no');
  });

  test('11: of a range the largest is allocated', () => {
    const request = (min: number): string => `
      - type: slot
        label: task
        count: {min: ${min}, max: 8, operator: "*", operand: 2}
        with: [{type: node, count: 1}]`;
    expect(fits(keebler, request(2))).toBe('yes');
    expect(fits(keebler, request(4))).toBe('no');
    const matcher = createMatcher();
    matcher.setCluster('k', keebler, []);
    expect(matcher.place('k', requestOf(request(2)), 'all')?.groups[0]?.slots).toHaveLength(2);
    expect(matcher.place('k', requestOf(request(1)), 'all')?.groups[0]?.slots).toHaveLength(2);
  });

  test('a byte that somebody else asks for is missing, however large the pool', () => {
    const asks = (bytes: number, pool: number): string => `
      - {type: slot, count: 1, label: task, with: [{type: core, count: 1}]}
      - {type: ssd, count: ${bytes}, unit: B, exclusive: false}
      - {type: ssd, count: ${pool}}`;
    expect(fits(grow('cluster[node[core ssd(1MiB)]]'), asks(1, 1))).toBe('no');
    expect(fits(grow('cluster[node[core ssd(1000GiB)]]'), asks(2, 1000))).toBe('no');
    expect(fits(grow('cluster[node[core ssd(1000GiB)]]'), asks(2, 999))).toBe('yes');
  });

  test('12: two kinds of slot in one node', () => {
    const request = `
      - type: node
        count: 1
        with:
        - {type: slot, count: 10, label: task, with: [{type: core, count: 1}, {type: memory, count: 4, unit: GB}]}
        - {type: slot, count: 1, label: main, with: [{type: core, count: 6}, {type: memory, count: 24, unit: GB}]}`;
    expect(fits(grow('cluster[node[16*core memory(64GB)]]'), request)).toBe('yes');
    expect(fits(grow('cluster[node[15*core memory(64GB)]]'), request)).toBe('no');
    expect(fits(grow('cluster[node[16*core memory(63GB)]]'), request)).toBe('no');
    expect(fits(grow('cluster[node[16*core 16*memory(4GB)]]'), request)).toBe('yes');
  });

  test('13: both nodes need shm', () => {
    const graph = grow('cluster[node node]');
    const request = 'a: {type: node, count: 2, requires: [{name: io, field: type, match: shm}]}';
    const shm = { type: 'shm' };
    expect(fits(graph, request, [link(graph, 'io', [{ to: [1], metadata: shm }])])).toBe('no');
    expect(fits(graph, request, [link(graph, 'io', [{ to: [1, 2], metadata: shm }])])).toBe('yes');
  });

  test('14: a rare requirement is not spent on a sibling that does not need it', () => {
    const graph = grow('cluster[node node]');
    const shm = [link(graph, 'io', [{ to: [1], metadata: { type: 'shm' } }])];
    const plain = '{type: node, count: 1}';
    const rare = '{type: node, count: 1, requires: [{name: io, field: type, match: shm}]}';
    expect(fits(graph, `a: {type: cluster, count: 1, with: [${plain}, ${rare}]}`, shm)).toBe('yes');
    expect(fits(graph, `a: {type: cluster, count: 1, with: [${rare}, ${plain}]}`, shm)).toBe('yes');
    expect(fits(graph, `a: {type: cluster, count: 1, with: [${rare}, ${rare}]}`, shm)).toBe('no');
  });

  test('15: an ancestor that needs shm, and none anywhere', () => {
    const request = `
      a:
        type: node
        count: 1
        requires: [{name: io, field: type, match: shm}]
        with: [{type: slot, replicas: 1, with: [{type: core, count: 1}]}]`;
    expect(fits(keebler, request)).toBe('no');
    expect(fits(keebler, request, [io])).toBe('yes');
  });

  test('16: name and version are of one package', () => {
    const graph = grow('cluster[node]');
    const request = `
      a:
        type: node
        replicas: 1
        requires: [{name: sw, field: name, match: openmpi}, {name: sw, field: version, min: "11"}]`;
    const old = { to: [1], metadata: { name: 'openmpi', version: '3.0.0' } };
    const gcc = { to: [1], metadata: { name: 'gcc', version: '12.0.0' } };
    expect(fits(graph, request, [link(graph, 'sw', [old, gcc])])).toBe('no');
    const recent = { to: [1], metadata: { name: 'openmpi', version: '12.0.0' } };
    expect(fits(graph, request, [link(graph, 'sw', [recent, gcc])])).toBe('yes');
  });

  test.each([
    ['0.5.2', 'min: "0.5.1", max: "0.5.5"', 'yes'],
    ['0.5.2', 'min: "0.7.1"', 'no'],
    ['0.5.2', 'max: "0.5"', 'yes'],
    ['5.4.0-91-generic', 'min: "5.0"', 'yes'],
  ])('17: version %s with %s: %s', (version, range, expected) => {
    const graph = grow('cluster[node]');
    const request = `a: {type: node, replicas: 1, requires: [{name: sw, field: version, ${range}}]}`;
    expect(fits(graph, request, [link(graph, 'sw', [{ to: [1], metadata: { version } }])])).toBe(expected);
  });

  test('18: a field that is a number', () => {
    const graph = grow('cluster[node]');
    const request = 'a: {type: node, replicas: 1, requires: [{name: sw, field: size, match: "1"}]}';
    expect(fits(graph, request, [link(graph, 'sw', [{ to: [1], metadata: { size: 1 } }])])).toBe('yes');
    expect(fits(graph, request, [link(graph, 'sw', [{ to: [1], metadata: { size: 2 } }])])).toBe('no');
  });

  test('24: two jobs of all cores, one cluster', () => {
    const matcher = createMatcher();
    matcher.setCluster('k', keebler, []);
    const all = requestOf('a: {type: node, count: 3, with: [{type: core, count: 12}]}');
    const witness = matcher.place('k', all, 'free');
    if (witness === null) throw new Error('it has no place');
    matcher.debit('k', 'job 1', witness);
    expect(matcher.startable('k', all).fits).toBe('no');
    expect(matcher.satisfiable('k', all).fits).toBe('yes');
    matcher.credit('k', 'job 1');
    expect(matcher.startable('k', all).fits).toBe('yes');
  });
});

describe('the documented example', () => {
  test('two slots of four cores, each beside a gpu of the right make', () => {
    const graph = grow('cluster[node[8*core gpu gpu] node[8*core gpu]]');
    const text = `
version: 1
resources:
  train:
    type: node
    replicas: 2
    requires: [{name: io, field: type, match: shm}]
    with:
    - {type: core, count: 4}
    - {type: gpu, count: 1, requires: [{name: hw, field: driver, min: "535", max: "550"}]}
tasks: [{command: [train], resources: train}]
attributes: {parameter: {seconds_per_gb: 2}}
`;
    const { request } = readJobspec(text);
    const shm = link(graph, 'io', [{ to: [1, 12], metadata: { type: 'shm' } }]);
    const answer = (gpus: readonly number[]): string => {
      const matcher = createMatcher();
      const hw = link(graph, 'hw', [{ to: gpus, metadata: { driver: '545.29' } }]);
      matcher.setCluster('c', graph, [shm, hw]);
      return matcher.satisfiable('c', request).fits;
    };
    expect(answer([10, 11])).toBe('yes');
    expect(answer([10, 21])).toBe('yes');
    expect(answer([10])).toBe('no');
  });
});

/** The matcher's door: reasons, all clusters at once, names, groups, placements, what is free. */
import { describe, expect, test } from 'vitest';
import { RainbowError } from '../../src/core/errors.ts';
import { generateGraph } from '../../src/core/graph/generate.ts';
import { readGraph } from '../../src/core/graph/read.ts';
import type { ResourceGraph, Subsystem } from '../../src/core/graph/graph.ts';
import type { Constraint, Request, RequestVertex } from '../../src/core/jobspec/jobspec.ts';
import { createMatcher } from '../../src/core/match/create.ts';
import type { Matcher, MatchReason, Witness } from '../../src/core/match/matcher.ts';
import { fits, grow, link, requestOf } from './grow.ts';

function holding(graph: ResourceGraph, subsystems: readonly Subsystem[] = []): Matcher {
  const matcher = createMatcher();
  matcher.setCluster('c', graph, subsystems);
  return matcher;
}

function reasons(
  graph: ResourceGraph,
  request: Request,
  subsystems: readonly Subsystem[] = [],
): readonly MatchReason[] {
  return holding(graph, subsystems).satisfiable('c', request).reasons;
}

function placed(matcher: Matcher, request: Request): Witness {
  const witness = matcher.place('c', request, 'free');
  if (witness === null) throw new Error('it has no place');
  return witness;
}

function free(matcher: Matcher): Record<string, number> {
  return Object.fromEntries(matcher.counts('c').map(({ type, free }) => [type, free]));
}

describe('slots and exclusivity', () => {
  test('a slot that names no node gathers in one node, over its sockets', () => {
    const graph = grow('cluster[2*node[2*socket[18*core]]]');
    expect(fits(graph, '- {type: slot, count: 2, label: task, with: [{type: core, count: 24}]}')).toBe('yes');
    expect(fits(graph, '- {type: slot, count: 3, label: task, with: [{type: core, count: 24}]}')).toBe('no');
    expect(fits(graph, '- {type: slot, count: 1, label: task, with: [{type: core, count: 37}]}')).toBe('no');
  });

  test('what a slot asks of all in it, it asks of what is in a slot inside it, too', () => {
    const matcher = holding(grow('cluster[node[socket[memory(4)]]]'));
    const core = requestOf('- {type: slot, count: 1, label: task, with: [{type: memory, count: 3}]}').groups[0]!;
    const socket = requestOf(
      '- {type: socket, count: 1, with: [{type: slot, count: 1, label: task, with: [{type: core, count: 1}]}]}',
    );
    const inner = core.vertices[0] as RequestVertex;
    const sized = (vertex: RequestVertex, size: string): RequestVertex => ({
      ...vertex,
      requires: [{ subsystem: null, fields: [{ field: 'size', match: size, min: null, max: null }], path: '' }],
    });
    const fitsWith = (outerSize: string, innerSize: string): string => {
      const outer = sized({ ...inner, with: [sized(inner, innerSize)] }, outerSize);
      const vertices = [{ ...(socket.groups[0]!.vertices[0] as RequestVertex), with: [outer] }];
      return matcher.satisfiable('c', { ...socket, groups: [{ ...socket.groups[0]!, vertices }] }).fits;
    };
    expect([fitsWith('4', '4'), fitsWith('1', '4'), fitsWith('4', '1')]).toEqual(['yes', 'no', 'no']);
  });

  test('nobody has a part of a node that another has exclusively', () => {
    const request = (exclusive: boolean): string => `
      - type: cluster
        count: 1
        with:
        - {type: node, count: 1, exclusive: ${exclusive}, with: [{type: slot, count: 1, label: task, with: [{type: core, count: 2}]}]}
        - {type: slot, count: 1, label: other, with: [{type: core, count: 2}]}`;
    const one = grow('cluster[node[4*core]]');
    expect(fits(one, request(false))).toBe('yes');
    expect(fits(one, request(true))).toBe('no');
    expect(fits(grow('cluster[2*node[4*core]]'), request(true))).toBe('yes');
  });

  test('what contends for nodes of two sizes is arranged, not taken first come', () => {
    const graph = grow('cluster[2*node[8*core] 4*node[2*core]]');
    const request = (small: number): string => `
      - {type: slot, count: 2, label: task, with: [{type: core, count: 7}]}
      - {type: slot, count: ${small}, label: other, with: [{type: core, count: 2}]}`;
    expect(fits(graph, request(4))).toBe('yes');
    expect(fits(graph, request(5))).toBe('no');
  });

  test('a type that nests in itself', () => {
    const graph = grow('cluster[group[group[2*node] node] group[node]]');
    expect(fits(graph, 'a: {type: group, count: 3}')).toBe('yes');
    expect(fits(graph, 'a: {type: group, count: 3, exclusive: true, with: [{type: node, count: 1}]}')).toBe('no');
    expect(fits(graph, 'a: {type: group, count: 2, exclusive: true, with: [{type: node, count: 1}]}')).toBe('yes');
    expect(fits(graph, 'a: {type: group, count: 1, with: [{type: node, count: 3}]}')).toBe('yes');
  });

  test('replicas inside of a slot have vertices of their own', () => {
    const request = `
      a:
        type: slot
        count: 2
        with: [{type: node, replicas: 2, with: [{type: core, count: 1}]}]`;
    expect(fits(grow('cluster[node[4*core]]'), request)).toBe('no');
    expect(fits(grow('cluster[2*node[2*core]]'), request)).toBe('yes');
    expect(fits(grow('cluster[4*node[core]]'), request)).toBe('yes');
    expect(fits(grow('cluster[node[3*core] node[core]]'), request)).toBe('no');
  });
});

describe('constraints of RFC 31', () => {
  const text = generateGraph({ name: 'c', nodes: 4, coresPerNode: 2 });
  const document = JSON.parse(text) as { graph: { nodes: Record<string, { metadata: Record<string, unknown> }> } };
  for (const { metadata } of Object.values(document.graph.nodes)) {
    if (metadata['name'] === 'node1' || metadata['name'] === 'node2') metadata['properties'] = { fast: '' };
  }
  const graph = readGraph(JSON.stringify(document));
  const request = (constraint: Constraint, nodes = 1): Request => ({
    ...requestOf(`- {type: slot, count: ${nodes}, label: task, with: [{type: node, count: 1}]}`),
    constraint,
  });
  const most = (constraint: Constraint): number => {
    const matcher = holding(graph);
    let nodes = 0;
    while (matcher.satisfiable('c', request(constraint, nodes + 1)).fits === 'yes') nodes++;
    const witness = matcher.place('c', request(constraint, Math.max(1, nodes)), 'all');
    expect(witness?.groups[0]?.slots.length ?? 0).toBe(nodes);
    return nodes;
  };

  test.each<[Constraint, number]>([
    [{ op: 'properties', values: ['fast'] }, 2],
    [{ op: 'properties', values: ['^fast'] }, 2],
    [{ op: 'properties', values: ['slow'] }, 0],
    [{ op: 'hostlist', values: ['node[1-3]'] }, 3],
    [
      {
        op: 'ranks',
        ranks: [
          [0, 0],
          [3, 9],
        ],
      },
      2,
    ],
    [{ op: 'not', of: [{ op: 'hostlist', values: ['node0'] }] }, 3],
    [{ op: 'not', of: [] }, 0],
    [{ op: 'and', of: [] }, 4],
    [{ op: 'or', of: [] }, 4],
    [
      {
        op: 'or',
        of: [
          { op: 'properties', values: ['fast'] },
          { op: 'ranks', ranks: [[0, 0]] },
        ],
      },
      3,
    ],
    [
      {
        op: 'and',
        of: [
          { op: 'properties', values: ['fast'] },
          { op: 'ranks', ranks: [[0, 1]] },
        ],
      },
      1,
    ],
  ])('%j leaves %i of four nodes', (constraint, nodes) => {
    expect(most(constraint)).toBe(nodes);
  });

  test('is the reason where nothing else is', () => {
    const [reason] = reasons(graph, request({ op: 'properties', values: ['fast'] }, 3));
    expect(reason).toMatchObject({ stage: 'constraint', relaxation: { field: 'count', from: '3', to: '2' } });
  });

  const ssd: Constraint = { op: 'properties', values: ['disktype=ssd'] };
  const fast: Constraint = { op: 'properties', values: ['fast', '^retired'] };
  test.each<[Constraint, string]>([
    [ssd, 'none is disktype=ssd'],
    [{ op: 'and', of: [fast, { op: 'or', of: [ssd, { op: 'not', of: [fast] }] }, ssd] }, 'none is disktype=ssd'],
    [{ op: 'and', of: [fast, { op: 'properties', values: ['^fast'] }] }, 'none is (fast and not retired) and not fast'],
    [{ op: 'hostlist', values: ['other[1-2]'] }, 'none is host other[1-2]'],
  ])('%j that leaves no node is the reason, whether it would fit without or not', (constraint, none) => {
    for (const cores of [1, 3]) {
      const asked = {
        ...requestOf(`- {type: slot, count: 1, label: task, with: [{type: core, count: ${cores}}]}`),
        constraint,
      };
      const all = reasons(graph, asked);
      expect(all).toMatchObject([{ stage: 'constraint', message: `the constraint leaves no node: ${none}` }]);
      expect(all[0]!.relaxation?.field).toBe(cores === 1 ? 'constraint' : undefined);
    }
  });
});

describe('why not', () => {
  const graph = grow('cluster[rack[3*node[socket[12*core]]]]');

  test('no vertex of a type', () => {
    expect(reasons(graph, requestOf('a: {type: node, replicas: 1, with: [{type: gpu, count: 2}]}'))).toEqual([
      {
        stage: 'absent',
        vertex: 'resources.a.with[0]',
        type: 'gpu',
        message: 'there is no gpu in this cluster',
        needed: 2,
        best: 0,
        unit: '',
        relaxation: null,
      },
    ]);
  });

  test('too few in all, with the count that would do', () => {
    const [reason] = reasons(graph, requestOf('a: {type: node, count: 4, with: [{type: core, count: 1}]}'));
    expect(reason).toMatchObject({
      stage: 'total',
      vertex: 'resources.a',
      needed: 4,
      best: 3,
      relaxation: { field: 'count', vertex: 'resources.a', from: '4', to: '3' },
    });
  });

  test('enough in all, too few in one node', () => {
    const [reason] = reasons(graph, requestOf('a: {type: node, replicas: 1, with: [{type: core, count: 24}]}'));
    expect(reason).toMatchObject({
      stage: 'per_vertex',
      vertex: 'resources.a.with[0]',
      message: 'needs 24 core in one node, the most there are is 12',
      needed: 24,
      best: 12,
      relaxation: { field: 'count', from: '24', to: '12', message: '12 core instead of 24 would fit' },
    });
  });

  test('slots that are wanted several times: how many there are to have, and where', () => {
    const slots = (count: number, cores: number) =>
      `{type: slot, count: ${count}, with: [{type: core, count: ${cores}}]}`;
    const said = (request: string) => reasons(graph, requestOf(`a: ${request}`))[0];
    expect(said(`{type: node, count: 1, with: [${slots(20, 1)}]}`)).toMatchObject({
      stage: 'per_vertex',
      message: 'needs 20 core in one node, the most there are is 12',
      needed: 20,
      best: 12,
      relaxation: { message: '12 slot instead of 20 would fit' },
    });
    expect(said(`{type: node, count: 1, with: [${slots(3, 5)}]}`)?.message).toBe(
      'needs 3 × 5 core in one node, the most there are is 2 × 5',
    );
    expect(said(slots(5, 7))?.message).toBe('needs 5 × 7 core, each in one node, the most there are is 3 × 7');
    expect(said(`{type: node, count: 1, with: [${slots(2, 13)}]}`)?.message).toBe(
      'needs 13 core in one node, the most there are is 12',
    );
  });

  test('what is required', () => {
    const io = [link(graph, 'io', [{ to: [2], metadata: { type: 'shm' } }])];
    const two = requestOf('a: {type: node, count: 2, requires: [{name: io, field: type, match: shm}]}');
    expect(reasons(graph, two, io)[0]).toMatchObject({
      stage: 'predicate',
      needed: 2,
      best: 1,
      relaxation: { field: 'count', to: '1' },
    });
    const one = requestOf('a: {type: node, count: 1, requires: [{name: io, field: type, match: nvme}]}');
    expect(reasons(graph, one, io)[0]).toMatchObject({
      stage: 'predicate',
      message: 'needs 1 node with io.type=nvme, the most there are is 0',
      relaxation: { field: 'requires', from: 'io.type=nvme' },
    });
  });

  test('each fits alone, not all together', () => {
    const request = requestOf(`
      - {type: slot, count: 3, label: task, with: [{type: core, count: 8}]}
      - {type: slot, count: 2, label: other, with: [{type: core, count: 6}]}`);
    const [reason] = reasons(graph, request);
    expect(reason?.stage).toBe('competition');
    expect(reason?.relaxation).toMatchObject({ field: 'count' });
  });

  test('the simple shape is explained as what it means', () => {
    const request = requestOf(
      'a: {type: rack, replicas: 1, with: [{type: node, count: 2, with: [{type: core, count: 25}]}]}',
    );
    const found = reasons(graph, request);
    expect(found[0]).toMatchObject({ stage: 'per_vertex', type: 'core', needed: 13, best: 12 });
  });

  test('a budget that was spent', () => {
    const matcher = createMatcher({ budget: 5 });
    matcher.setCluster('c', graph, []);
    const request = requestOf(`
      - {type: slot, count: 3, label: task, with: [{type: core, count: 8}]}
      - {type: slot, count: 2, label: other, with: [{type: core, count: 6}]}`);
    const { fits, reasons } = matcher.satisfiable('c', request);
    expect(fits).toBe('unknown');
    expect(reasons[0]?.stage).toBe('budget');
    expect(matcher.place('c', request, 'all')).toBeNull();
  });
});

describe('many clusters', () => {
  test('clusters that look alike share their answer', () => {
    const matcher = createMatcher();
    for (let i = 0; i < 20; i++) {
      matcher.setCluster(`c${i}`, grow(i % 2 === 0 ? 'cluster[2*node[4*core]]' : 'cluster[4*node[2*core]]'), []);
    }
    const request = requestOf('a: {type: node, replicas: 1, with: [{type: core, count: 3}]}');
    expect(matcher.satisfying(request).yes.toSorted()).toEqual(
      Array.from({ length: 10 }, (_, i) => `c${2 * i}`).toSorted(),
    );
    matcher.removeCluster('c0');
    expect(matcher.satisfying(request).yes).not.toContain('c0');
    expect(matcher.clusters()).toHaveLength(19);
  });

  test('no resources: every cluster will do', () => {
    const matcher = holding(grow('cluster[node]'));
    expect(matcher.satisfying({ groups: [], constraint: null }).yes).toEqual(['c']);
    expect(matcher.place('c', { groups: [], constraint: null }, 'free')).toEqual({ groups: [] });
  });

  test('a cluster that is not there', () => {
    expect(() => createMatcher().satisfiable('nobody', { groups: [], constraint: null })).toThrow(RainbowError);
    expect(createMatcher().vertexIndex('nobody', '0')).toBe(-1);
  });
});

describe('names in a subsystem', () => {
  test('numbered names tell vertices apart only once somebody asks', () => {
    const graph = grow('cluster[node node node]');
    const disks = [1, 2, 3].map((vertex) => ({ to: [vertex], metadata: { type: 'disk', name: `disk${vertex}` } }));
    const matcher = holding(graph, [link(graph, 'io', disks)]);
    const request = (name: string, nodes: number): Request =>
      requestOf(`a: {type: node, count: ${nodes}, requires: [{name: io, field: name, match: ${name}}]}`);
    expect(matcher.satisfiable('c', request('disk2', 1)).fits).toBe('yes');
    expect(matcher.satisfiable('c', request('disk2', 2)).fits).toBe('no');
    expect(matcher.satisfiable('c', request('disk4', 1)).fits).toBe('no');
    expect(matcher.place('c', request('disk2', 1), 'all')?.groups[0]?.claims[0]?.vertex).toBe(2);
  });
});

describe('placements', () => {
  test('ids lead to indices, whatever they look like', () => {
    for (const ids of [
      ['0', '1', '2'],
      ['7', '3', '4'],
      ['a', 'b', 'c'],
      ['01', '1', '2'],
    ]) {
      const graph = { ...grow('cluster[node[core]]'), ids };
      const matcher = holding(graph);
      expect(ids.map((id) => matcher.vertexIndex('c', id))).toEqual([0, 1, 2]);
      expect(matcher.vertexIndex('c', '99')).toBe(-1);
      expect(matcher.vertexIndex('c', '1.5'), 'no vertex lies between two').toBe(-1);
    }
  });

  test('slots, claims and amounts', () => {
    const matcher = holding(grow('cluster[2*node[4*core memory(64GB)]]'));
    const request = requestOf(`
      - type: node
        count: 1
        with: [{type: slot, count: 2, label: task, with: [{type: core, count: 2}, {type: memory, count: 8, unit: GB}]}]`);
    expect(placed(matcher, request)).toEqual({
      groups: [
        {
          key: '',
          claims: [{ vertex: 1, amount: 1, exclusive: false, request: 'resources[0]' }],
          slots: [
            {
              label: 'task',
              claims: [
                { vertex: 5, amount: 1, exclusive: true, request: 'resources[0].with[0].with[0]' },
                { vertex: 4, amount: 1, exclusive: true, request: 'resources[0].with[0].with[0]' },
                { vertex: 6, amount: 8, exclusive: true, request: 'resources[0].with[0].with[1]' },
              ],
            },
            {
              label: 'task',
              claims: [
                { vertex: 3, amount: 1, exclusive: true, request: 'resources[0].with[0].with[0]' },
                { vertex: 2, amount: 1, exclusive: true, request: 'resources[0].with[0].with[0]' },
                { vertex: 6, amount: 8, exclusive: true, request: 'resources[0].with[0].with[1]' },
              ],
            },
          ],
        },
      ],
    });
  });

  test('groups are placed together where they fit, else the largest of them', () => {
    const request = requestOf(`
      big: {type: node, replicas: 1, with: [{type: core, count: 6}]}
      small: {type: node, replicas: 1, with: [{type: core, count: 4}]}`);
    expect(placed(holding(grow('cluster[node[10*core]]')), request).groups.map(({ key }) => key)).toEqual([
      'big',
      'small',
    ]);
    expect(placed(holding(grow('cluster[node[8*core]]')), request).groups.map(({ key }) => key)).toEqual(['big']);
  });

  test('of several ranges the first is made as large as it can be', () => {
    const request = requestOf(`
      - {type: slot, label: task, count: {min: 1, max: 8, operator: "*", operand: 2}, with: [{type: core, count: 2}]}
      - {type: slot, label: other, count: {min: 1}, with: [{type: core, count: 1}]}`);
    const slots = placed(holding(grow('cluster[node[11*core]]')), request).groups[0]?.slots ?? [];
    expect(slots.filter(({ label }) => label === 'task')).toHaveLength(4);
    expect(slots.filter(({ label }) => label === 'other')).toHaveLength(3);
  });
});

describe('what is free', () => {
  test('an exclusive node takes all that is in it; a shared one only what is drawn', () => {
    const matcher = holding(grow('cluster[2*node[4*core memory(8)]]'));
    matcher.debit(
      'c',
      'a',
      placed(matcher, requestOf('- {type: slot, count: 1, label: task, with: [{type: node, count: 1}]}')),
    );
    expect(free(matcher)).toEqual({ cluster: 1, node: 1, core: 4, memory: 8 });
    const part = requestOf('a: {type: node, count: 1, with: [{type: core, count: 1}, {type: memory, count: 3}]}');
    matcher.debit('c', 'b', placed(matcher, part));
    expect(free(matcher)).toEqual({ cluster: 1, node: 1, core: 3, memory: 5 });
    // The second node is in use: nobody may have it exclusively, but others may share it.
    const node = requestOf(
      '- {type: node, count: 1, exclusive: true, with: [{type: slot, count: 1, label: task, with: [{type: core, count: 1}]}]}',
    );
    expect(matcher.startable('c', node).fits).toBe('no');
    expect(matcher.startable('c', part).fits).toBe('yes');
    matcher.credit('c', 'b');
    expect(matcher.startable('c', node).fits).toBe('yes');
    matcher.credit('c', 'a');
    expect(free(matcher)).toEqual({ cluster: 1, node: 2, core: 8, memory: 16 });
  });

  test('a report replaces the debits that it includes and no others', () => {
    const matcher = holding(grow('cluster[3*node[2*core]]'));
    const node = requestOf('- {type: slot, count: 1, label: task, with: [{type: node, count: 1}]}');
    matcher.debit('c', 'a', placed(matcher, node));
    matcher.debit('c', 'b', placed(matcher, node));
    matcher.report('c', [1], ['a']);
    expect(free(matcher)['node']).toBe(1);
    matcher.report('c', [], []);
    expect(free(matcher)['node']).toBe(2);
    matcher.credit('c', 'b');
    expect(free(matcher)['node']).toBe(3);
  });

  test('a graph that comes again keeps the debits of vertices that are still there', () => {
    const matcher = holding(grow('cluster[2*node[2*core]]'));
    const core = requestOf('- {type: slot, count: 1, label: task, with: [{type: core, count: 2}]}');
    matcher.debit('c', 'a', placed(matcher, core));
    matcher.debit('c', 'b', placed(matcher, core));
    matcher.setCluster('c', grow('cluster[node[2*core]]'), []);
    expect(free(matcher)['core']).toBe(0);
    matcher.credit('c', 'b');
    matcher.credit('c', 'a');
    expect(free(matcher)['core']).toBe(2);
  });

  test('a report about vertices that are not there is refused', () => {
    expect(() => holding(grow('cluster[node]')).report('c', [5], [])).toThrow('send its graph again');
  });
});

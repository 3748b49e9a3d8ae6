/** The seventeen cases that the prototype's matcher answers wrongly (docs/prototype.md), answered rightly. */
import { describe, expect, test } from 'vitest';
import { fits, grow, link, requestOf } from './grow.ts';

const threeTwelve = grow('cluster[rack[3*node[socket[12*core]]]]');

describe('what the prototype gets wrong', () => {
  test('1: 24 cores in one node of 12', () => {
    expect(fits(threeTwelve, 'a: {type: node, replicas: 1, with: [{type: core, count: 24}]}')).toBe('no');
  });

  test('2: three replicas of two cores on two nodes of two', () => {
    const request = 'a: {type: node, replicas: 3, with: [{type: core, count: 2}]}';
    expect(fits(grow('cluster[2*node[2*core]]'), request)).toBe('no');
    expect(fits(grow('cluster[3*node[2*core]]'), request)).toBe('yes');
  });

  test('3: four replicas of a node where there is one', () => {
    expect(fits(grow('cluster[rack[node[socket[core]]]]'), 'a: {type: node, replicas: 4}')).toBe('no');
  });

  test('4: four nodes with four cores each on four nodes of one', () => {
    const request = 'a: {type: node, count: 4, with: [{type: core, count: 4}]}';
    expect(fits(grow('cluster[4*node[core]]'), request)).toBe('no');
    expect(fits(grow('cluster[4*node[4*core]]'), request)).toBe('yes');
  });

  test('5: two sockets in each of two nodes that have one', () => {
    const request = `
      a: {type: node, count: 2, with: [{type: socket, count: 2, with: [{type: core, count: 2}]}]}`;
    expect(fits(grow('cluster[2*node[socket[4*core]]]'), request)).toBe('no');
    expect(fits(grow('cluster[2*node[2*socket[2*core]]]'), request)).toBe('yes');
  });

  test('6: two nodes that need shm, one has it', () => {
    const graph = grow('cluster[node[core] node[core]]');
    const request = 'a: {type: node, count: 2, requires: [{name: io, field: type, match: shm}]}';
    expect(fits(graph, request, [link(graph, 'io', [{ to: [1], metadata: { type: 'shm' } }])])).toBe('no');
    expect(fits(graph, request, [link(graph, 'io', [{ to: [1, 3], metadata: { type: 'shm' } }])])).toBe('yes');
  });

  test('7: shm on the small node, cores on the other', () => {
    const graph = grow('cluster[node[2*core] node[4*core]]');
    const request = `
      a: {type: node, replicas: 1, requires: [{name: io, field: type, match: shm}], with: [{type: core, count: 3}]}`;
    expect(fits(graph, request, [link(graph, 'io', [{ to: [1], metadata: { type: 'shm' } }])])).toBe('no');
    expect(fits(graph, request, [link(graph, 'io', [{ to: [4], metadata: { type: 'shm' } }])])).toBe('yes');
  });

  test('8: what an ancestor of the slot requires', () => {
    const request = `
      a:
        type: node
        count: 1
        requires: [{name: io, field: type, match: shm}]
        with: [{type: slot, replicas: 1, with: [{type: core, count: 1}]}]`;
    expect(fits(threeTwelve, request)).toBe('no');
  });

  test('9: two fields are of one package', () => {
    const graph = grow('cluster[node[core]]');
    const request = `
      a:
        type: node
        replicas: 1
        requires:
        - {name: sw, field: name, match: openmpi}
        - {name: sw, field: version, min: "11"}
        with: [{type: core, count: 1}]`;
    const gcc = { to: [1], metadata: { type: 'package', name: 'gcc', version: '12.0.0' } };
    const openmpi = (version: string): object => ({ type: 'package', name: 'openmpi', version });
    expect(fits(graph, request, [link(graph, 'sw', [gcc])])).toBe('no');
    expect(fits(graph, request, [link(graph, 'sw', [gcc, { to: [1], metadata: { ...openmpi('3.0.0') } }])])).toBe('no');
    expect(fits(graph, request, [link(graph, 'sw', [gcc, { to: [1], metadata: { ...openmpi('12.0') } }])])).toBe('yes');
  });

  test('10: an entry without a field is refused', () => {
    expect(() => requestOf('a: {type: node, replicas: 1, requires: [{name: io, match: shm}]}')).toThrow(/field/);
  });

  test('11: unlabelled groups are told apart', () => {
    const graph = grow('cluster[node[8*core]]');
    const big = '{type: node, replicas: 1, with: [{type: core, count: 100}]}';
    const small = '{type: node, replicas: 1, with: [{type: core, count: 1}]}';
    expect(fits(graph, `big: ${big}\nsmall: ${small}`)).toBe('no');
    expect(fits(graph, `small: ${small}\nbig: ${big}`)).toBe('no');
    expect(fits(graph, `small: ${small}\nother: ${small}`)).toBe('yes');
  });

  test('12: any of several links will do', () => {
    const graph = grow('cluster[rack[node[socket[2*core]]]]');
    const types = ['mtl1unit', 'nvme', 'mtl2unit', 'shm', 'mtl3unit'];
    const io = link(
      graph,
      'io',
      types.map((type) => ({ to: [2], metadata: { type } })),
    );
    const request = `
      ior:
        type: node
        replicas: 1
        requires: [{name: io, match: shm, field: type}]
        with: [{type: core, count: 2}]`;
    expect(fits(graph, request, [io])).toBe('yes');
  });

  test('13: a slot inside of a node', () => {
    const request =
      '- {type: node, count: 1, with: [{type: slot, count: 1, label: task, with: [{type: core, count: 1}]}]}';
    expect(fits(threeTwelve, request)).toBe('yes');
  });

  test('14: a root that is not called 0', () => {
    const graph = grow('cluster[node[core]]');
    const other = { ...graph, ids: ['root', '0', '1'] };
    expect(fits(other, 'a: {type: node, replicas: 1, with: [{type: core, count: 1}]}')).toBe('yes');
  });

  test('15: the root itself may be asked for', () => {
    expect(fits(threeTwelve, 'a: {type: cluster, count: 1, with: [{type: node, count: 1}]}')).toBe('yes');
  });

  test('16: a pool is a quantity', () => {
    const request = 'a: {type: node, replicas: 2, with: [{type: memory, count: 16}]}';
    expect(fits(grow('cluster[node[memory(128)]]'), request)).toBe('yes');
    expect(fits(grow('cluster[node[memory(31)]]'), request)).toBe('no');
  });

  test('17: a gpu where there is none', () => {
    expect(fits(threeTwelve, 'a: {type: gpu, replicas: 1}')).toBe('no');
  });
});

/** RFC 29 host lists as a test of a name, against their expansion. */
import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { hostTest } from '../hostlist.ts';
import { readHostlist } from './hostlist.ts';
import type { Place } from './place.ts';

const place: Place = { node: { kind: 'scalar', value: '', text: '', at: { line: 1, column: 1 } }, path: 'x' };
const matcher = (...lists: string[]): ((name: string) => boolean) =>
  hostTest(lists.flatMap((list) => readHostlist(list, place)));

test.each([
  ['node[0-3,7]', ['node0', 'node3', 'node7'], ['node4', 'node', 'node00', 'xnode0', 'node0x']],
  ['node[00-10]', ['node00', 'node09', 'node10'], ['node0', 'node9', 'node010']],
  ['a,b[1]-ib', ['a', 'b1-ib'], ['b1', 'b-ib', 'b2-ib']],
  ['[1-3]', ['1', '2'], ['4', '']],
  ['', [], ['a']],
  ['n[00-10,7]', ['n07', 'n10'], ['n7']],
  ['rack[1-2]node[01-3]', ['rack2node03'], ['rack2node3', 'rack2node04', 'rack2']],
  ['node[1-1000000000]', ['node1', 'node999999999'], ['node0', 'node1000000001']],
])('%s', (list, inside, outside) => {
  const isIn = matcher(list);
  expect(inside.filter((name) => !isIn(name))).toEqual([]);
  expect(outside.filter((name) => isIn(name))).toEqual([]);
});

test.each([
  ['node[1', /not closed/],
  ['node]1', /not closed/],
  ['node[a]', /numbers and ranges/],
  ['node[3-1]', /ends before/],
  ['n[1][2][3][4][5]', /more than 4 pairs/],
  ['no de', /printable/],
])('%s is refused', (list, message) => {
  expect(() => readHostlist(list, place)).toThrow(message);
});

test('a range holds exactly its expansion', () => {
  const bounds = fc.tuple(fc.nat(120), fc.nat(30), fc.integer({ min: 1, max: 4 }));
  fc.assert(
    fc.property(bounds, ([first, more, digits]) => {
      const written = String(first).padStart(digits, '0');
      const width = written.length > 1 && written.startsWith('0') ? written.length : 0;
      const expanded = new Set(
        Array.from({ length: more + 1 }, (_, i) => `n${String(first + i).padStart(width, '0')}`),
      );
      const isIn = matcher(`n[${written}-${first + more}]`);
      const names = Array.from({ length: 170 * 5 }, (_, i) => `n${String(i % 170).padStart(Math.floor(i / 170), '0')}`);
      expect(names.filter((name) => isIn(name) !== expanded.has(name))).toEqual([]);
    }),
    { numRuns: 50 },
  );
});

/** Membership in lists that nobody has checked. */
import { expect, test } from 'vitest';
import { hostTest } from './hostlist.ts';

test.each<[lists: string[], host: string, expected: boolean]>([
  [['node[0-3]'], 'node2', true],
  [['node[0-3]'], 'node4', false],
  [['node[0-3]'], 'node02', false],
  [['node[00-12]'], 'node07', true],
  [['node[00-12]'], 'node7', false],
  [['node[1,3,5-7]'], 'node5', true],
  [['node[1,3,5-7]'], 'node4', false],
  [['a,b[1-2],c'], 'c', true],
  [['a', 'b[1-2]'], 'b2', true],
  [['rack[1-2]node[1-3]'], 'rack2node3', true],
  [['rack[1-2]node[1-3]'], 'rack2node4', false],
  [['r[1-2]x'], 'r1', false],
  [['n[0-1000000000]'], 'n999999999', true],
  [['plain'], 'plain', true],
  [[], 'plain', false],
  [['n[x]'], 'n[x]', true],
])('%j has %s: %s', (lists, host, expected) => {
  expect(hostTest(lists)(host)).toBe(expected);
});

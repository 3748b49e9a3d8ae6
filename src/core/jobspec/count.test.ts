/** RFC 14 counts in all their spellings. */
import { expect, test } from 'vitest';
import { readJobspec } from './read.ts';

function count(written: string): unknown {
  const text = `version: 1\nresources: [{type: node, count: ${written}}]`;
  return readJobspec(text).request.groups[0]!.vertices[0]!.count;
}

const plain = { operator: '+', operand: 1, values: null };

test.each([
  ['4', { min: 4, max: 4, ...plain }],
  ['"4"', { min: 4, max: 4, ...plain }],
  ['"2-8"', { min: 2, max: 8, ...plain }],
  ['"[2-8]"', { min: 2, max: 8, ...plain }],
  ['"3+"', { min: 3, max: Infinity, ...plain }],
  ['"1-4:2:+"', { min: 1, max: 4, operator: '+', operand: 2, values: null }],
  ['"1-5:2"', { min: 1, max: 5, operator: '+', operand: 2, values: null }],
  ['"2+:2:*"', { min: 2, max: Infinity, operator: '*', operand: 2, values: null }],
  ['"2-256:2:^"', { min: 2, max: 256, operator: '^', operand: 2, values: null }],
  ['"2,4,8"', { min: 2, max: 8, operator: '+', operand: 1, values: [2, 4, 8] }],
  ['"1-2,8"', { min: 1, max: 8, operator: '+', operand: 1, values: [1, 2, 8] }],
  ['"1,2,3"', { min: 1, max: 3, ...plain }],
  ['{min: 1}', { min: 1, max: Infinity, ...plain }],
  ['{min: 2, max: 8, operator: "*", operand: 2}', { min: 2, max: 8, operator: '*', operand: 2, values: null }],
])('%s', (written, expected) => {
  expect(count(written)).toEqual(expected);
});

test.each([
  ['"0-3"', /at least 1, not 0/],
  ['"1-2000000,3000000-4000000"', /more than 10000 counts/],
  ['"01-4"', /no id set/],
  ['"a"', /no id set/],
  ['""', /no id set/],
  ['"4-2"', /less than min/],
  ['"1-4:0"', /no id set/],
  ['"1-4:1:*"', /operand of at least 2/],
])('%s is refused', (written, message) => {
  expect(() => count(written)).toThrow(message);
});

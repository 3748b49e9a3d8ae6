/** What is kept of registries is bounded, in number and in bytes. */
import { expect, test } from 'vitest';
import { keptContents } from './kept.ts';

test('by place and digest', () => {
  const kept = keptContents();
  kept.put('a/x', 'sha256:1', Buffer.from('one'));
  expect(kept.get('a/x', 'sha256:1')).toEqual(Buffer.from('one'));
  expect(kept.get('a/y', 'sha256:1')).toBeUndefined();
});

test('the oldest goes, for number or bytes; what is too large is not kept at all', () => {
  const many = keptContents();
  for (let i = 0; i < 600; i++) many.put('a', `${i}`, Buffer.from('x'));
  expect([many.get('a', '87'), many.get('a', '88') === undefined]).toEqual([undefined, false]);
  const large = keptContents();
  for (let i = 0; i < 6; i++) large.put('a', `${i}`, Buffer.alloc(4 * 2 ** 20));
  expect([0, 1, 2, 5].map((i) => large.get('a', `${i}`) === undefined)).toEqual([true, true, false, false]);
  large.put('a', '5', Buffer.alloc(4 * 2 ** 20));
  expect(large.get('a', '2')).toBeDefined();
  large.put('a', 'huge', Buffer.alloc(5 * 2 ** 20));
  expect(large.get('a', 'huge')).toBeUndefined();
});

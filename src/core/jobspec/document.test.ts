/** The limits that keep hostile text cheap, and what a tree remembers. */
import { expect, test } from 'vitest';
import { readDocument } from './document.ts';

const read = (text: string): unknown => readDocument(text, 'text');

test('scalars keep their source text and their place', () => {
  const document = readDocument('a: 0.10\nb:\n- "0.10"\n', 'text');
  if (document.kind !== 'map') throw new Error('no map');
  expect(document.entries.get('a')).toMatchObject({ value: 0.1, text: '0.10', at: { line: 1, column: 4 } });
  const list = document.entries.get('b');
  expect(list).toMatchObject({ items: [{ value: '0.10', text: '0.10', at: { line: 3, column: 3 } }] });
});

test('anchors and merge keys are followed', () => {
  const document = readDocument('x: &x {a: 1, b: 1}\ny: {<<: *x, b: 2}', 'text');
  if (document.kind !== 'map') throw new Error('no map');
  const y = document.entries.get('y');
  if (y?.kind !== 'map') throw new Error('no map');
  expect([...y.entries].map(([key, value]) => [key, value.kind === 'scalar' ? value.value : null])).toEqual([
    ['b', 2],
    ['a', 1],
  ]);
});

const bomb = `a: &a [x,x,x,x,x,x,x,x,x,x]\n${'bcdefghij'
  .split('')
  .map((c, i) => `${c}: &${c} [${Array.from({ length: 10 }, () => `*${'abcdefghij'[i]}`).join(',')}]\n`)
  .join('')}`;

test.each([
  ['a key twice', 'a: 1\nb: {c: 1, c: 2}', /line 2, column 11: the key "c" stands here twice/],
  ['a bomb of aliases', bomb, /more than 50000 values/],
  ['an alias to itself', 'a: &a [*a]', /no anchor &a/],
  ['a tag', 'a: !!python/object x', /Unresolved tag/],
  ['two documents', 'a: 1\n---\nb: 2', /line 2, column 1: a second document/],
  ['nothing', '', /is empty/],
  ['a syntax error', 'a: [1', /line 1/],
  ['deep flow', '['.repeat(1_000_000), /nested deeper than 64/],
  ['deep blocks', '- '.repeat(10_000), /nested too deeply|nested deeper/],
  ['a million tokens', `[${','.repeat(1_000_000)}`, /more than 40000 tokens/],
  ['too much text', ' '.repeat(2 ** 20 + 1), /longer than 1048576 bytes/],
  ['too much text in bytes', `a: "${'é'.repeat(2 ** 19)}"`, /longer than 1048576 bytes/],
  ['a key that is a list', '? [a]\n: 1', /a key must be text/],
])('%s is refused', (_, text, message) => {
  expect(() => read(text)).toThrow(message);
});

test('a long text in few tokens is fine', () => {
  expect(() => read(`a: |\n${'  line\n'.repeat(100_000)}`)).not.toThrow();
});

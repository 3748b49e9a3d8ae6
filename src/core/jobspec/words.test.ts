/** A command line split into words. */
import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { splitWords } from './words.ts';

test.each([
  ['a b  c', ['a', 'b', 'c']],
  [`echo 'a b' "c d"`, ['echo', 'a b', 'c d']],
  [`a\\ b`, ['a b']],
  [`"a\\"b" '\\n' "\\n"`, ['a"b', '\\n', '\\n']],
  [`a''b ""`, ['ab', '']],
  ['a\\\nb', ['ab']],
  ['  ', []],
  ['$HOME *', ['$HOME', '*']],
])('%s', (line, words) => {
  expect(splitWords(line)).toEqual(words);
});

test.each([`'a`, `"a`, 'a\\'])('%s is not closed', (line) => {
  expect(splitWords(line)).toBeNull();
});

test('what was quoted comes back', () => {
  const quote = (word: string): string => `'${word.replaceAll("'", `'\\''`)}'`;
  fc.assert(
    fc.property(fc.array(fc.string()), (words) => {
      expect(splitWords(words.map(quote).join(' '))).toEqual(words);
    }),
  );
});

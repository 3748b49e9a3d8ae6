import { describe, expect, test } from 'vitest';
import { UsageError } from './exit.ts';
import { splitWords } from './words.ts';

describe('a command given as one text', () => {
  test.each([
    ['hostname', ['hostname']],
    ['  a   b\tc\n', ['a', 'b', 'c']],
    [`echo "two words" 'and more'`, ['echo', 'two words', 'and more']],
    [`a'b'"c"d`, ['abcd']],
    [`echo ''`, ['echo', '']],
    [String.raw`a\ b "q\"q" 'n\n' "n\n"`, ['a b', 'q"q', String.raw`n\n`, String.raw`n\n`]],
    ['echo $HOME *.txt | wc', ['echo', '$HOME', '*.txt', '|', 'wc']],
    ['', []],
  ])('%j', (text, words) => {
    expect(splitWords(text)).toEqual(words);
  });

  test.each(['echo "open', "echo 'open", 'end\\'])('%j is called wrongly', (text) => {
    expect(() => splitWords(text)).toThrow(UsageError);
  });
});

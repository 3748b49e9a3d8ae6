/** Lines for people, broken at words where a terminal would break them inside one. For pipes and files everything is as it is. */
import { stripVTControlCharacters } from 'node:util';
import type { Sink } from './io.ts';
import { tableWidth, width } from './table.ts';

/** Each line of these texts on as many as it needs there; a word that is longer than one is left to the terminal. */
export function wrapped(texts: readonly string[], sink: Sink): readonly string[] {
  const most = tableWidth(sink);
  return texts
    .flatMap((text) => text.split('\n'))
    .flatMap((line) => (width(line) <= most ? [line] : broken(line, most)));
}

function broken(line: string, most: number): readonly string[] {
  const indent = ' '.repeat(hanging(stripVTControlCharacters(line), most));
  const lines: string[] = [];
  let now = '';
  for (const word of line.match(/ *[^ ]+/g) ?? []) {
    if (now.trim() !== '' && width(now) + width(word) > most) {
      lines.push(now);
      now = indent + word.trimStart();
    } else now += word;
  }
  return [...lines, now];
}

/** Where what follows begins: below the second column, where the line has one, else a little further in. */
function hanging(plain: string, most: number): number {
  const first = /^ *[^ ]+(?: [^ ]+)* {2,}/.exec(plain)?.[0].length ?? most;
  return first <= most / 2 ? first : plain.length - plain.trimStart().length + 2;
}

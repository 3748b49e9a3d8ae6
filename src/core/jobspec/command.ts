/** A task's program and arguments: a list, or one string that is split into words. */
import { isNull, items, text, wrong } from './place.ts';
import type { Place } from './place.ts';
import { splitWords } from './words.ts';

export function readCommand(place: Place): readonly string[] {
  const command = place.node.kind === 'list' ? readList(place) : readLine(place);
  if (command.length === 0 || command[0] === '') throw wrong(place, 'the command is empty; name a program');
  if (command.some((word) => word.includes('\0'))) throw wrong(place, 'a command must not hold a NUL character');
  return command;
}

function readList(place: Place): readonly string[] {
  return items(place).map((word) => {
    if (isNull(word)) throw wrong(word, 'must be text, not null');
    return text(word);
  });
}

function readLine(place: Place): readonly string[] {
  const words = splitWords(text(place));
  if (words === null) throw wrong(place, 'a quote in the command is not closed');
  return words;
}

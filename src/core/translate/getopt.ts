/**
 * Options as GNU getopt_long (sbatch) and Python's argparse (Flux) read them: `--name value`, `--name=value`, unique
 * beginnings of long names, `-N4`, `-N 4`, `-HQ`. Every option remembers where it stood.
 */
import { invalid } from '../errors.ts';
import { shown } from './report.ts';
import type { Spot } from './report.ts';

export interface Word extends Spot {
  readonly text: string;
}

export interface OptionKind {
  /** What both spellings mean; the first long name. */
  readonly key: string;
  readonly long: readonly string[];
  readonly short: string | null;
  readonly takes: 'nothing' | 'value' | 'perhaps';
}

export interface Given extends Spot {
  readonly key: string;
  /** null where none was given. */
  readonly value: string | null;
  /** As written, for people. */
  readonly what: string;
}

/** `long|alias` with `=` for a value and `[=]` for an optional one, after the short letter and a blank: `N nodes=`. */
export function optionTable(lines: string): readonly OptionKind[] {
  return lines
    .trim()
    .split(/\s*\n\s*/)
    .map((line) => {
      const found = /^(?:(\w) )?([\w|-]+)(=|\[=\])?$/.exec(line);
      if (found === null) throw new Error(`a wrong line in a table of options: ${line}`);
      const long = found[2]!.split('|');
      const takes = found[3] === '=' ? 'value' : found[3] === undefined ? 'nothing' : 'perhaps';
      return { key: long[0]!, long, short: found[1] ?? null, takes };
    });
}

export interface Options {
  readonly given: readonly Given[];
  /** What is no option, from the first such word on where `stops`. */
  readonly rest: readonly Word[];
}

/** `stops`: options end at the first word that is none (as for a command); else they may be mixed. */
export function readOptions(words: readonly Word[], kinds: readonly OptionKind[], stops: boolean): Options {
  const given: Given[] = [];
  const rest: Word[] = [];
  for (let i = 0; i < words.length; i++) {
    const word = words[i]!;
    const { text } = word;
    if (text === '--') {
      rest.push(...words.slice(i + 1));
      break;
    }
    if (text === '-' || !text.startsWith('-')) {
      if (stops) return { given, rest: words.slice(i) };
      rest.push(word);
    } else if (text.startsWith('--')) {
      i += readLong(word, words[i + 1], kinds, given);
    } else {
      i += readShort(word, words[i + 1], kinds, given);
    }
  }
  return { given, rest };
}

/** How many more words it took. */
function readLong(word: Word, next: Word | undefined, kinds: readonly OptionKind[], given: Given[]): number {
  const { text, line, column } = word;
  const equals = text.indexOf('=');
  const name = text.slice(2, equals < 0 ? text.length : equals);
  const value = equals < 0 ? null : text.slice(equals + 1);
  const kind = findLong(word, name, kinds);
  if (value !== null) {
    if (kind.takes === 'nothing') throw wrong(word, `--${name} takes no value`);
    given.push({ key: kind.key, value, what: text, line, column });
    return 0;
  }
  if (kind.takes !== 'value') {
    given.push({ key: kind.key, value: null, what: text, line, column });
    return 0;
  }
  if (next === undefined) throw wrong(word, `--${name} needs a value`);
  given.push({ key: kind.key, value: next.text, what: `${text} ${next.text}`, line, column });
  return 1;
}

function findLong(word: Word, name: string, kinds: readonly OptionKind[]): OptionKind {
  const exact = kinds.find(({ long }) => long.includes(name));
  if (exact !== undefined) return exact;
  const begun = name === '' ? [] : kinds.filter(({ long }) => long.some((each) => each.startsWith(name)));
  if (begun.length === 1) return begun[0]!;
  if (begun.length === 0) throw wrong(word, `unknown option ${JSON.stringify(shown(`--${name}`, 60))}`);
  const names = begun.slice(0, 5).map(({ key }) => `--${key}`);
  throw wrong(word, `--${name} could be ${names.join(', ')}; write it out`);
}

function readShort(word: Word, next: Word | undefined, kinds: readonly OptionKind[], given: Given[]): number {
  const { text, line, column } = word;
  for (let at = 1; at < text.length; at++) {
    const letter = text[at]!;
    const kind = kinds.find(({ short }) => short === letter);
    if (kind === undefined)
      throw wrong(word, `unknown option ${JSON.stringify(`-${letter}`)} in ${JSON.stringify(shown(text, 60))}`);
    if (kind.takes === 'nothing') {
      given.push({ key: kind.key, value: null, what: `-${letter}`, line, column });
      continue;
    }
    const attached = text.slice(at + 1);
    if (attached !== '' || kind.takes === 'perhaps') {
      given.push({
        key: kind.key,
        value: attached === '' ? null : attached,
        what: `-${letter}${attached}`,
        line,
        column,
      });
      return 0;
    }
    if (next === undefined) throw wrong(word, `-${letter} needs a value`);
    given.push({ key: kind.key, value: next.text, what: `-${letter} ${next.text}`, line, column });
    return 1;
  }
  return 0;
}

export function wrong({ line, column }: Spot, message: string): Error {
  return invalid(`line ${line}, column ${column}`, message);
}

/** Words for a POSIX shell, and the scripts of one line that this module writes and knows again. */
import { splitWords } from '../jobspec/words.ts';

/** As it is where no shell would touch it, else in single quotes. */
export function quoteWord(word: string): string {
  return /^[\w./:@%+,^=-]+$/.test(word) && !/^[\w]+=/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`;
}

export interface OneLine {
  /** What stands between `exec` and the command: `srun --`; '' for nothing. */
  readonly launcher: readonly string[];
  readonly command: readonly string[];
}

/** A script that only starts a program: `exec program arguments…`. */
export function oneLineScript({ launcher, command }: OneLine, directives: readonly string[]): string {
  const line = ['exec', ...launcher, ...(launcher.length === 0 ? [] : ['--']), ...command.map(quoteWord)].join(' ');
  return ['#!/bin/sh', ...directives, line, ''].join('\n');
}

/**
 * Reads such a script again; null for any other. Only what has the same meaning without a shell: quotes are single,
 * nothing is expanded, and the line is all that there is beside comments.
 */
export function readOneLine(script: string, launchers: readonly string[]): OneLine | null {
  const lines = /^#![ \t]*\/bin\/sh[ \t]*\n((?:#.*\n|\s*\n)*)exec ([\s\S]+)$/.exec(script);
  if (lines === null || lines[2]!.length > 200_000) return null;
  const line = lines[2]!.endsWith('\n') ? lines[2]!.slice(0, -1) : lines[2]!;
  if (!/^(?:(?:[\w./:@%+,^=-]|'[^']*'|\\')+(?: |$))+$/.test(line)) return null;
  const words = splitWords(line);
  if (words === null || words.length === 0) return null;
  // What has quotes is written as this module writes it, or not taken for it.
  const first = words[0]!;
  if (/^\w+=/.test(line) || (first.startsWith('-') && launchers.length === 0)) return null;
  if (!launchers.includes(first)) return first.startsWith('-') ? null : { launcher: [], command: words };
  const dashes = words.indexOf('--');
  if (dashes < 0 || dashes === words.length - 1) return null;
  return { launcher: words.slice(0, dashes), command: words.slice(dashes + 1) };
}

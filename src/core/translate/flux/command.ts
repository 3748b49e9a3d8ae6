/** A command line as text: words as a shell reads them, nothing expanded, and a here-document after `<<'END'`. */
import { wrong } from '../getopt.ts';
import type { Word } from '../getopt.ts';

export interface CommandLine {
  readonly words: readonly Word[];
  readonly script: string | null;
}

export function looksLikeFluxCommand(text: string): boolean {
  return /^\s*flux[ \t]+(submit|run|batch)[ \t\n]/.test(text);
}

/** Throws `invalid_input` with line and column. */
export function readCommandLine(text: string): CommandLine {
  const words: Word[] = [];
  let word: string[] | null = null;
  let line = 1;
  let lineStart = 0;
  let start = { line: 1, column: 1 };
  let quote: { readonly mark: string; readonly line: number; readonly column: number } | null = null;
  const end = (): void => {
    if (word !== null) words.push({ text: word.join(''), ...start });
    word = null;
  };
  for (let i = 0; i < text.length; i++) {
    const c = text[i]!;
    const here = { line, column: i - lineStart + 1 };
    if (c === '\n') {
      line += 1;
      lineStart = i + 1;
    }
    if (word === null && !/\s/.test(c)) start = here;
    if (quote?.mark === "'") {
      if (c === "'") quote = null;
      else (word ??= []).push(c);
    } else if (c === '\\' && i + 1 < text.length) {
      const next = text[++i]!;
      if (next === '\n') {
        line += 1;
        lineStart = i + 1;
      } else (word ??= []).push(quote !== null && !'"\\$`'.includes(next) ? `\\${next}` : next);
    } else if (quote !== null) {
      if (c === '"') quote = null;
      else if (c === '$' || c === '`') throw wrong(here, `${c} would be expanded by a shell; quote it with '`);
      else (word ??= []).push(c);
    } else if (c === '"' || c === "'") {
      quote = { mark: c, ...here };
      word ??= [];
    } else if (c === '<') {
      end();
      return { words, script: readHere(text.slice(i), here) };
    } else if (c === '\n') {
      if (words.length > 0 || word !== null) {
        const rest = text.slice(i + 1);
        if (rest.trim() !== '') throw wrong({ line, column: 1 }, 'a second command; give one');
        break;
      }
    } else if (/\s/.test(c)) {
      end();
    } else if (/[$`;|&()>*?]/.test(c)) {
      throw wrong(here, `${c} means something to a shell; quote it with '`);
    } else (word ??= []).push(c);
  }
  if (quote !== null) throw wrong(quote, `the ${quote.mark} is not closed`);
  end();
  return { words, script: null };
}

function readHere(text: string, at: { readonly line: number; readonly column: number }): string {
  const found = /^<<[ \t]*'(\w+)'[ \t]*\n/.exec(text);
  if (found === null) throw wrong(at, "a script follows as <<'END'");
  const body = text.slice(found[0].length);
  const last = found[1]!;
  if (body === last || body === `${last}\n`) return '';
  const end = body.indexOf(`\n${last}\n`);
  const until = end >= 0 ? end : body.endsWith(`\n${last}`) ? body.length - last.length - 1 : -1;
  if (until < 0) throw wrong(at, `no line ${last} ends the script`);
  return body.slice(0, until + 1);
}

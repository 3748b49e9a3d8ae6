/**
 * Submission directives in a script (RFC 36): lines of one sentinel, such as `# flux:`, whose words are options. Triple
 * quotes hold text as it is, over several lines too; the first line without the sentinel's prefix ends them, and a
 * directive after it is an error.
 */
import { wrong } from '../getopt.ts';
import type { Word } from '../getopt.ts';
import { shown } from '../report.ts';

const MOST_LINE = 65_536;
const MOST_WORDS = 10_000;
const SENTINEL = /^([^\p{L}\p{N}_]*)(flux:|FLUX:)(.*)$/u;

export function hasFluxLines(script: string): boolean {
  return /^[^\p{L}\p{N}_\n]*(?:flux|FLUX):[ \t]*-/mu.test(script);
}

/** Text between triple quotes is literal: no quote, blank or # in it counts. */
interface Piece {
  readonly text: string;
  readonly literal: boolean;
  readonly line: number;
  readonly column: number;
}

interface Open {
  readonly quotes: string;
  readonly indent: string;
  readonly before: Piece;
  readonly lines: string[];
}

/** Throws `invalid_input` with line and column where Flux would refuse the file. */
export function readFluxDirectives(script: string): readonly Word[] {
  const words: Word[] = [];
  let sentinel: string | null = null;
  let prefix = '';
  let endedAt = 0;
  let open: Open | null = null;
  let line = 0;
  for (const text of script.split('\n')) {
    line += 1;
    const found = text.length > MOST_LINE ? null : SENTINEL.exec(text);
    if (found === null) {
      if (open !== null) throw wrong(open.before, `the ${open.quotes} is not closed before line ${line}`);
      if (sentinel !== null && endedAt === 0 && !text.startsWith(prefix.trimEnd()) && text.trim() !== '')
        endedAt = line;
      continue;
    }
    const [, before = '', tag = '', value = ''] = found;
    const at = { line, column: before.length + 1 };
    if (endedAt > 0)
      throw wrong(at, `a directive after line ${endedAt}, where directives ended; put it before that line`);
    if (sentinel !== null && sentinel !== before + tag) {
      throw wrong(
        at,
        `all directives begin alike: ${JSON.stringify(shown(sentinel, 40))}, not ${JSON.stringify(shown(before + tag, 40))}`,
      );
    }
    sentinel = before + tag;
    prefix = before;
    const column = sentinel.length + 1;
    if (open !== null) {
      if (!value.endsWith(open.quotes)) {
        open.lines.push(withoutIndent(value, open.indent));
        continue;
      }
      open.lines.push(withoutIndent(value.slice(0, -3), open.indent));
      words.push(...split([open.before, { ...open.before, text: open.lines.join('\n'), literal: true }]));
      open = null;
    } else {
      const pieces = readTriples({ text: value, literal: false, line, column });
      const last = pieces.at(-1)!;
      const quotes = /("""|''')$/.exec(last.literal ? '' : last.text)?.[1];
      if (quotes === undefined) words.push(...split(pieces));
      else if (pieces.length > 1) throw wrong(last, `the ${quotes} is not closed`);
      else {
        const indent = /^\s*/.exec(value)![0];
        open = { quotes, indent, before: { ...last, text: last.text.slice(0, -3) }, lines: [] };
      }
    }
    if (words.length > MOST_WORDS) throw wrong(at, `more than ${MOST_WORDS} words, which is the limit`);
  }
  if (open !== null) throw wrong(open.before, `the ${open.quotes} is never closed`);
  return words;
}

function withoutIndent(text: string, indent: string): string {
  return text.startsWith(indent) ? text.slice(indent.length) : text;
}

/** Cuts out what stands between triple quotes on one line. */
function readTriples(line: Piece): Piece[] {
  const pieces: Piece[] = [];
  let from = 0;
  for (;;) {
    const open = /"""|'''/.exec(line.text.slice(from));
    const start = open === null ? -1 : from + open.index;
    const end = start < 0 ? -1 : line.text.indexOf(open![0], start + 3);
    if (end < 0) {
      if (start >= 0 && start + 3 < line.text.length) {
        throw wrong(
          { line: line.line, column: line.column + start },
          `the ${open![0]} is not closed on this line, nor at its end`,
        );
      }
      pieces.push({ ...line, text: line.text.slice(from), column: line.column + from });
      return pieces;
    }
    pieces.push({ ...line, text: line.text.slice(from, start), column: line.column + from });
    pieces.push({ ...line, text: line.text.slice(start + 3, end), literal: true, column: line.column + start + 3 });
    from = end + 3;
  }
}

function split(pieces: readonly Piece[]): Word[] {
  const words: Word[] = [];
  let word: string[] | null = null;
  let start = { line: 1, column: 1 };
  let quote: { readonly mark: string; readonly line: number; readonly column: number } | null = null;
  const end = (): void => {
    if (word !== null) words.push({ text: word.join(''), ...start });
    word = null;
  };
  reading: for (const { text, literal, line, column } of pieces) {
    if (literal) {
      if (word === null) start = { line, column };
      (word ??= []).push(text);
      continue;
    }
    for (let i = 0; i < text.length; i++) {
      const c = text[i]!;
      const here = { line, column: column + i };
      if (word === null && !/\s/.test(c)) start = here;
      if (c === '\\' && i + 1 < text.length) {
        const next = text[++i]!;
        // Between quotes only the quote and the backslash itself can be escaped.
        (word ??= []).push(quote !== null && next !== quote.mark && next !== '\\' ? `\\${next}` : next);
      } else if (quote !== null) {
        if (c === quote.mark) quote = null;
        else (word ??= []).push(c);
      } else if (c === '"' || c === "'") {
        quote = { mark: c, ...here };
        word ??= [];
      } else if (c === '#') {
        break reading;
      } else if (/\s/.test(c)) {
        end();
      } else if (/[();<>|&]/.test(c)) {
        throw wrong(here, `put quotes around what has ${c} in it`);
      } else {
        (word ??= []).push(c);
      }
    }
  }
  if (quote !== null) throw wrong(quote, `the ${quote.mark} is not closed`);
  end();
  const first = words[0];
  if (first !== undefined && !first.text.startsWith('-')) {
    throw wrong(first, `unknown directive ${JSON.stringify(shown(first.text, 40))}; options begin with -`);
  }
  return words;
}

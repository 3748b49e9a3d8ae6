/**
 * The `#SBATCH` lines of a script as words, the way sbatch finds them: lines that begin with the very word, before
 * the first line that is neither blank nor a comment. Single and double quotes group, a backslash takes the next
 * character as it is (in quotes too), an unquoted # begins a comment.
 */
import { wrong } from '../getopt.ts';
import type { Word } from '../getopt.ts';
import { shown } from '../report.ts';
import type { Report, Spot } from '../report.ts';

const MARK = '#SBATCH';
const MOST_LINE = 65_536;
const MOST_WORDS = 10_000;

export interface Directives {
  readonly words: readonly Word[];
  /** Where a further component of a heterogeneous job begins: what follows asks for other nodes. */
  readonly componentAt: number | null;
}

export function hasSbatchLines(script: string): boolean {
  return /^#SBATCH/m.test(script);
}

export function readDirectives(script: string, report: Report): Directives {
  const words: Word[] = [];
  let componentAt: number | null = null;
  let over = false;
  let line = 0;
  let late = 0;
  for (const text of linesOf(script)) {
    line += 1;
    if (text.startsWith(MARK)) {
      if (over) {
        late += 1;
        if (late <= 20) {
          report.noted(
            { line, column: 1 },
            shown(text),
            'stands after the first command: sbatch takes it for a comment too',
          );
        }
        continue;
      }
      const found = splitLine(text, line);
      if (/^(het|pack)job$/.test(found[0]?.text ?? '')) {
        componentAt ??= words.length;
        words.push(...found.slice(1));
      } else words.push(...found);
      if (words.length > MOST_WORDS)
        throw wrong({ line, column: 1 }, `more than ${MOST_WORDS} words, which is the limit`);
    } else if (!over && /^#(PBS|BSUB|COBALT|\$) /.test(text)) {
      report.dropped({ line, column: 1 }, shown(text), 'a directive of another scheduler; write it as #SBATCH');
    } else if (/^\s*[^\s#]/.test(text)) {
      over = true;
    }
  }
  return { words, componentAt };
}

/** Without an array of a million lines. */
function* linesOf(script: string): Generator<string> {
  for (let from = 0; from < script.length;) {
    const end = script.indexOf('\n', from);
    const to = end < 0 ? script.length : end;
    yield script.slice(from, to);
    from = to + 1;
  }
}

function splitLine(text: string, line: number): Word[] {
  if (text.length > MOST_LINE) {
    throw wrong(
      { line, column: MOST_LINE + 1 },
      `the directive is longer than ${MOST_LINE} characters, which is the limit`,
    );
  }
  const words: Word[] = [];
  let word: string[] | null = null;
  let start = 0;
  let quote: { readonly mark: string; readonly at: number } | null = null;
  const end = (): void => {
    if (word !== null) words.push({ text: word.join(''), line, column: start + 1 });
    word = null;
  };
  for (let i = MARK.length; i < text.length; i++) {
    const c = text[i]!;
    if (word === null && !/\s/.test(c)) start = i;
    if (c === '\\' && i + 1 < text.length) {
      (word ??= []).push(text[++i]!);
    } else if (quote !== null) {
      if (c === quote.mark) quote = null;
      else (word ??= []).push(c);
    } else if (c === '"' || c === "'") {
      quote = { mark: c, at: i };
      word ??= [];
    } else if (c === '#') {
      break;
    } else if (/\s/.test(c)) {
      end();
    } else {
      (word ??= []).push(c);
    }
  }
  if (quote !== null) throw wrong(spot(line, quote.at), `the ${quote.mark} is not closed`);
  end();
  return words;
}

function spot(line: number, index: number): Spot {
  return { line, column: index + 1 };
}

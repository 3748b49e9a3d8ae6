/**
 * A command given as one text, taken apart as a shell would: at blanks, with quotes and backslashes, and nothing else:
 * no variables, no patterns, no pipes. Whoever wants those says: sh -c '…'.
 */
import { UsageError } from './exit.ts';

export function splitWords(text: string): string[] {
  const words: string[] = [];
  let word: string | null = null;
  let quote: '"' | "'" | null = null;
  for (let i = 0; i < text.length; i++) {
    const c = text[i] as string;
    if (quote === null && /\s/.test(c)) {
      if (word !== null) words.push(word);
      word = null;
    } else if (quote === null && (c === '"' || c === "'")) {
      quote = c;
      word ??= '';
    } else if (c === quote) {
      quote = null;
    } else if (c === '\\' && quote !== "'") {
      const next: string | undefined = text[i + 1];
      if (next === undefined) throw new UsageError('--command ends with a backslash; write it twice to mean one.');
      // Within double quotes a backslash is itself, but before a quote or another backslash.
      word = (word ?? '') + (quote === '"' && next !== '"' && next !== '\\' ? `\\${next}` : next);
      i++;
    } else {
      word = (word ?? '') + c;
    }
  }
  if (quote !== null) throw new UsageError(`--command has a ${quote} that is not closed.`);
  if (word !== null) words.push(word);
  return words;
}

/**
 * A command given as one string, split into words as a POSIX shell would quote them; nothing is expanded and no
 * shell is run. Returns null where a quote is not closed.
 */
export function splitWords(line: string): readonly string[] | null {
  const words: string[] = [];
  let word: string | null = null;
  let quote = '';
  for (let i = 0; i < line.length; i++) {
    const c = line[i]!;
    if (quote === "'") {
      if (c === "'") quote = '';
      else word += c;
    } else if (c === '\\') {
      const next = line[i + 1];
      if (next === undefined) return null;
      // In double quotes a backslash counts only before what it can escape there.
      if (quote === '"' && !'"\\$`\n'.includes(next)) word = (word ?? '') + c;
      else {
        if (next !== '\n') word = (word ?? '') + next;
        i += 1;
      }
    } else if (quote === '"') {
      if (c === '"') quote = '';
      else word += c;
    } else if (c === '"' || c === "'") {
      quote = c;
      word ??= '';
    } else if (/\s/.test(c)) {
      if (word !== null) words.push(word);
      word = null;
    } else {
      word = (word ?? '') + c;
    }
  }
  if (quote !== '') return null;
  if (word !== null) words.push(word);
  return words;
}

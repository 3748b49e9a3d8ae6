/**
 * What is to come back of a job's folder: paths and patterns. `*` and `?` stay within a name, `**` is any number of
 * folders, `[a-z]` and `[!a-z]` one character; `\` takes the next character as it is. A name that begins with a dot is
 * matched as any other. A pattern that matches a folder means all in it. Pure.
 * Time: names are matched without trying twice what was tried (a star gives way to the next one for good), folders by a
 * table of parts against parts, so no pattern takes long.
 */
import { invalid } from '../errors.ts';
import { whyNoPath } from './manifest.ts';

export const MOST_PATTERNS = 100;
const MOST_TEXT = 1_024;

type Item =
  | { readonly kind: 'star' }
  | { readonly kind: 'any' }
  | { readonly kind: 'one'; readonly is: (character: string) => boolean };
/** `null`: `**`. */
type Part = readonly Item[] | null;

export interface Pattern {
  readonly text: string;
  readonly parts: readonly Part[];
}

/** Throws `invalid_input` at `place`. */
export function readPatterns(texts: readonly string[], place: string): readonly Pattern[] {
  if (texts.length > MOST_PATTERNS)
    throw invalid(place, `${texts.length} patterns are too many; at most ${MOST_PATTERNS}`);
  return texts.map((text, index) => readPattern(text, `${place}[${index}]`));
}

export function readPattern(text: string, place: string): Pattern {
  if (text.length > MOST_TEXT) throw invalid(place, `a pattern has at most ${MOST_TEXT} characters`);
  // `results/` means the folder.
  const bare = text.length > 1 ? text.replace(/\/$/, '') : text;
  const why = whyNoPath(bare);
  if (why !== null) throw invalid(place, `${JSON.stringify(text)} ${why}; it names what is in the job's own folder`);
  return { text, parts: bare.split('/').map((part) => (part === '**' ? null : readPart(part, place))) };
}

function readPart(text: string, place: string): readonly Item[] {
  const items: Item[] = [];
  const characters = Array.from(text);
  for (let i = 0; i < characters.length; i++) {
    const character = characters[i]!;
    if (character === '*') {
      if (items.at(-1)?.kind !== 'star') items.push({ kind: 'star' });
    } else if (character === '?') {
      items.push({ kind: 'any' });
    } else if (character === '[') {
      const end = characters.indexOf(']', i + (characters[i + 1] === '!' ? 3 : 2));
      if (end === -1) throw invalid(place, `${JSON.stringify(text)}: "[" has no "]"; \\[ is the character itself`);
      items.push({ kind: 'one', is: readClass(characters.slice(i + 1, end)) });
      i = end;
    } else {
      if (character === '\\') i += 1;
      const literal = characters[i];
      if (literal === undefined) throw invalid(place, `${JSON.stringify(text)} ends with a backslash`);
      items.push({ kind: 'one', is: (each) => each === literal });
    }
  }
  return items;
}

function readClass(inside: readonly string[]): (character: string) => boolean {
  const isNot = inside[0] === '!';
  const from = isNot ? inside.slice(1) : inside;
  const ranges: [number, number][] = [];
  for (let i = 0; i < from.length; i++) {
    const low = from[i]!.codePointAt(0)!;
    const isRange = from[i + 1] === '-' && i + 2 < from.length;
    ranges.push([low, isRange ? from[i + 2]!.codePointAt(0)! : low]);
    if (isRange) i += 2;
  }
  return (character) => {
    const code = character.codePointAt(0)!;
    return ranges.some(([low, high]) => code >= low && code <= high) !== isNot;
  };
}

/** Does it match the path of a file, or of a folder above it? */
export function matches(pattern: Pattern, path: string): boolean {
  return follow(pattern, path) === 'matches';
}

/** Could a file in this folder, or further down, match? */
export function mayLead(pattern: Pattern, folder: string): boolean {
  return folder === '' || follow(pattern, folder) !== 'never';
}

function follow({ parts }: Pattern, path: string): 'matches' | 'so far' | 'never' {
  const names = path.split('/').map((name) => Array.from(name));
  // reached[i]: the first i parts match the names so far.
  let reached = [true, ...parts.map(() => false)];
  const closeOver = (): void => {
    parts.forEach((part, i) => {
      if (part === null && reached[i] === true) reached[i + 1] = true;
    });
  };
  closeOver();
  for (const name of names) {
    const next = [false, ...parts.map(() => false)];
    parts.forEach((part, i) => {
      if (
        part === null ? reached[i] === true || reached[i + 1] === true : reached[i] === true && matchesName(part, name)
      )
        next[i + 1] = true;
      // `**` goes on.
      if (part === null && reached[i] === true) next[i] = true;
    });
    reached = next;
    closeOver();
    if (reached[parts.length] === true) return 'matches';
  }
  return reached.includes(true) ? 'so far' : 'never';
}

function matchesName(items: readonly Item[], name: readonly string[]): boolean {
  let item = 0;
  let at = 0;
  let star = -1;
  let starAt = 0;
  while (at < name.length) {
    const here = items[item];
    if (here?.kind === 'star') {
      star = item;
      starAt = at;
      item += 1;
    } else if (here !== undefined && (here.kind === 'any' || (here.kind === 'one' && here.is(name[at]!)))) {
      item += 1;
      at += 1;
    } else if (star !== -1) {
      starAt += 1;
      at = starAt;
      item = star + 1;
    } else {
      return false;
    }
  }
  while (items[item]?.kind === 'star') item += 1;
  return item === items.length;
}

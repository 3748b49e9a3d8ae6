/**
 * Vertices that are written alike. Programs write graphs: of 400,000 vertices a dozen differ in more than what only
 * tells them apart (label, id, name, rank, paths). One of each kind is parsed; from its text a pattern is made in which
 * those values are left open, and the others are read by it, at half the time of JSON.parse and with nothing to collect.
 *
 * Invariant: what a pattern reads is JSON, and JSON.parse would have made of it what it made of the first, but for those
 * values. Whatever is written otherwise (an escape, a fraction, another order) is not read here.
 */
import { alone, isObject, type JsonObject } from './json.ts';

export interface Alike {
  /** The vertex that it was made from. */
  readonly like: number;
  /** `id` where nodes are an array; '' where the key says it. */
  readonly id: string;
  /** metadata.name of a vertex of type `node`. */
  readonly name: string;
  /** Of a vertex of type `node`; null: as that of `like`. */
  readonly rank: number | null;
  /** One past the last character. */
  readonly end: number;
}

interface Kind {
  readonly text: RegExp;
  /** Does it read an id, a name or a rank? To find nothing but the end costs half. */
  readonly isAsked: boolean;
}

interface Pattern extends Kind {
  readonly like: number;
}

/** Kinds that are remembered. */
const patternLimit = 64;
/**
 * Those of the documents before, the one that was of use last first: whoever starts with ten thousand small graphs has
 * seen their kinds in the first of them, and to make the patterns anew took a fifth of reading.
 */
const seen: Kind[] = [];
/** Misses beyond the hits after which it is given up: these vertices are not alike. */
const patience = 1_000;

export class AlikeReader {
  /** The one that was of use last comes first. */
  readonly #patterns: Pattern[] = [];
  #credit = patience;

  /** A vertex that starts at `at`; null where none of the known kinds is written there to its end. */
  read(text: string, at: number): Alike | null {
    if (this.#credit <= 0) return null;
    for (let i = 0; i < this.#patterns.length; i++) {
      const pattern = this.#patterns[i] as Pattern;
      const { like, isAsked } = pattern;
      pattern.text.lastIndex = at;
      const found = isAsked ? pattern.text.exec(text) : pattern.text.test(text);
      if (found === null || found === false) continue;
      if (i > 0) {
        this.#patterns.splice(i, 1);
        this.#patterns.unshift(pattern);
      }
      this.#credit++;
      const end = pattern.text.lastIndex;
      if (found === true) return { like, id: '', name: '', rank: null, end };
      const { id, name, rank } = found.groups ?? {};
      return {
        like,
        id: id === undefined ? '' : alone(id),
        name: name === undefined ? '' : alone(name),
        rank: rank === undefined ? null : Number(rank),
        end,
      };
    }
    this.#credit--;
    return null;
  }

  /** Vertex number `like` was parsed from this text. The first is most often the cluster, of which there is but one. */
  learn(like: number, text: string, node: JsonObject): void {
    if (like === 0 || this.#patterns.length >= patternLimit || this.#credit <= 0) return;
    const kind = kindFrom(text, node);
    if (kind !== null) this.#patterns.unshift({ like, ...kind });
  }

  /** Vertex number `like` is not what it was. */
  forget(like: number): void {
    const at = this.#patterns.findIndex((pattern) => pattern.like === like);
    if (at !== -1) this.#patterns.splice(at, 1);
  }
}

/** What is read by a pattern to its end would have made the same one. */
function kindFrom(text: string, node: JsonObject): Kind | null {
  const known = seen.find((kind) => {
    kind.text.lastIndex = 0;
    return kind.text.test(text) && kind.text.lastIndex === text.length;
  });
  const kind = known ?? made(text, node);
  if (kind === null) return null;
  if (known !== undefined) seen.splice(seen.indexOf(known), 1);
  else if (seen.length === patternLimit) seen.pop();
  seen.unshift(kind);
  return kind;
}

function made(text: string, node: JsonObject): Kind | null {
  const source = patternOf(text, node);
  return source === null ? null : { text: new RegExp(source, 'y'), isAsked: source.includes('(?<') };
}

const token = /([\t\n\r ]+)|([{}[\]:,])|("(?:[^"\\]|\\.)*")|([^\t\n\r {}[\]:,"]+)/y;
const plainText = '[^"\\\\\\x00-\\x1f]';
const wholeNumber = '(?:0|-?[1-9]\\d{0,14})';

/**
 * Of a text that JSON.parse has taken. Null where a name comes twice, where it is too long to be one of many, and of a
 * node whose name is none that could be read by it.
 */
function patternOf(text: string, node: JsonObject): string | null {
  if (text.length > 4_000) return null;
  const path: string[] = [];
  const seen: Set<string>[] = [];
  let key: string | null = null;
  let source = '';
  token.lastIndex = 0;
  for (let found = token.exec(text); found !== null; found = token.exec(text)) {
    const [whole, , mark, quoted] = found;
    const keys = seen[seen.length - 1];
    if (quoted !== undefined && key === null && keys !== undefined && isKey(text, token.lastIndex)) {
      key = JSON.parse(quoted) as string;
      if (keys.has(key)) return null;
      keys.add(key);
      source += escaped(whole);
      continue;
    }
    if (mark === '{' || mark === '[') {
      path.push(key ?? '');
      seen.push(new Set());
      key = null;
    } else if (mark === '}' || mark === ']') {
      path.pop();
      seen.pop();
      key = null;
    } else if (mark === ',') key = null;
    source += mark === undefined && key !== null ? valueOf(path.slice(1).join('/'), key, whole, node) : escaped(whole);
  }
  return isNode(node) && !source.includes('(?<name>') ? null : source;
}

function isNode({ metadata }: JsonObject): boolean {
  return isObject(metadata) && metadata['type'] === 'node';
}

function isKey(text: string, after: number): boolean {
  return /^[\t\n\r ]*:/.test(text.slice(after, after + 100));
}

/** The pattern of one value (or of space before it). */
function valueOf(within: string, key: string, text: string, node: JsonObject): string {
  const isText = /^"[^\\]*"$/.test(text);
  const isWhole = /^-?\d{1,15}$/.test(text);
  if (!isText && !isWhole) return escaped(text);
  const open = isText ? `"${plainText}*"` : wholeNumber;
  if (within === '') {
    if (key === 'label') return open;
    if (key === 'id' && 'id' in node) return isText ? `"(?<id>${plainText}+)"` : `(?<id>${wholeNumber})`;
  }
  if (within === 'metadata') {
    if (key === 'id' || key === 'uniq_id') return open;
    if (key === 'name') {
      if (!isNode(node)) return open;
      return isText && text.length > 2 ? `"(?<name>${plainText}+)"` : escaped(text);
    }
    if (key === 'rank') return isNode(node) && isWhole ? `(?<rank>${wholeNumber})` : open;
  }
  return within === 'metadata/paths' ? open : escaped(text);
}

function escaped(text: string): string {
  return text.replace(/[\\^$.*+?()[\]{}|/]/g, '\\$&');
}

/**
 * One JSON text that comes in pieces, cut into the values that its reader wants whole. Containers that the reader
 * *enters* are never built: it is handed what is in them, one value after the other, so a document of 250 MB costs no
 * more memory than its largest vertex. Each value is parsed by JSON.parse; here only their ends are found.
 *
 * Invariant: what is accepted is JSON, and what is refused is refused with line and column, however it was cut into
 * pieces. A name that comes twice in an entered object is handed on twice.
 */
import { invalid } from '../errors.ts';
import { alone, parseAt } from './json.ts';

export interface Reader {
  /** A container begins. True: what is in it is handed on one by one; false: all of it as one value. */
  enters(depth: number, key: string, kind: '{' | '['): boolean;
  /** One value in a container that was entered; at depth 0 the document itself. `key` is '' in an array. */
  take(depth: number, key: string, value: unknown, text: string): void;
  /**
   * An object or array in an entered container starts at `at`: the reader may read it by itself. Answers where it ends,
   * or `at` where it would rather be handed it.
   */
  skim(depth: number, key: string, text: string, at: number): number;
}

/** What may come next; space may come anywhere. */
type State = 'value' | 'value or ]' | 'key' | 'key or }' | ':' | ', or end' | 'nothing';

interface Open {
  readonly kind: '{' | '[';
  key: string;
}

const usualKey = /^"[\w:./ -]*"$/;
const QUOTE = 34;
const BACKSLASH = 92;
const NEWLINE = 10;

export class JsonCutter {
  readonly #reader: Reader;
  readonly #open: Open[] = [];
  /** The characters of the piece at hand. */
  #codes: Codes = nothing;
  #state: State = 'value';
  /** Where the text so far ends: lines before, and characters from there to the line's beginning. */
  #line = 1;
  #lineStart = 0;
  #offset = 0;
  /** The next end of a line in the piece at hand, as far as it has been looked for. */
  #nextLine = -1;

  // The value that is being gone through, if there is one.
  #inside: 'container' | 'string' | 'literal' | null = null;
  #parts: string[] = [];
  #depth = 0;
  #quoted = false;
  #escaped = false;
  #startLine = 1;
  #startColumn = 1;

  constructor(reader: Reader) {
    this.#reader = reader;
  }

  /** The next piece of the text. Throws `invalid_input` with the place; after that it is of no more use. */
  push(text: string): void {
    this.#codes = codesOf(text);
    this.#nextLine = -1;
    let at = 0;
    while (at < text.length) at = this.#inside === null ? this.#between(text, at) : this.#within(text, at, at);
    this.#offset += text.length;
    this.#codes = nothing;
  }

  /** The text is at its end. */
  finish(): void {
    if (this.#inside === 'literal') this.#end('', 0, 0);
    if (this.#state !== 'nothing' || this.#inside !== null) {
      throw notJson(this.#line, this.#offset - this.#lineStart + 1, 'the text ends too early');
    }
  }

  /** One step between values; answers how far it went. */
  #between(text: string, from: number): number {
    const at = this.#skipSpace(from);
    if (at === text.length) return at;
    const char = text[at] as string;
    switch (this.#state) {
      case 'value or ]':
        if (char === ']') return this.#close(at);
        return this.#value(text, at, char);
      case 'value':
        return this.#value(text, at, char);
      case 'key or }':
        if (char === '}') return this.#close(at);
        if (char === '"') return this.#begin(text, at, 'string');
        break;
      case 'key':
        if (char === '"') return this.#begin(text, at, 'string');
        break;
      case ':':
        if (char !== ':') break;
        this.#state = 'value';
        return at + 1;
      case ', or end': {
        const { kind } = this.#top();
        if (char === ',') this.#state = kind === '{' ? 'key' : 'value';
        else if (char === (kind === '{' ? '}' : ']')) return this.#close(at);
        else break;
        return at + 1;
      }
      default:
    }
    throw this.#unexpected(at, char);
  }

  #skipSpace(from: number): number {
    const codes = this.#codes;
    let at = from;
    for (; at < codes.length; at++) {
      const code = codes[at] as number;
      if (code === NEWLINE) this.#newLine(at);
      else if (code !== 32 && code !== 13 && code !== 9) break;
    }
    return at;
  }

  #newLine(at: number): void {
    this.#line++;
    this.#lineStart = this.#offset + at + 1;
  }

  #value(text: string, at: number, char: string): number {
    if (char === '{' || char === '[') {
      const depth = this.#open.length;
      if (this.#reader.enters(depth, depth === 0 ? '' : this.#top().key, char)) {
        this.#open.push({ kind: char, key: '' });
        this.#state = char === '{' ? 'key or }' : 'value or ]';
        return at + 1;
      }
      if (depth > 0) {
        const end = this.#reader.skim(depth, this.#top().key, text, at);
        if (end > at) {
          this.#state = ', or end';
          this.#countLines(at, end);
          return end;
        }
      }
      return this.#begin(text, at, 'container');
    }
    if (char === '"') return this.#begin(text, at, 'string');
    if (/[-\w]/.test(char)) return this.#begin(text, at, 'literal');
    throw this.#unexpected(at, char);
  }

  /** In what the reader has read by itself. Most documents are one line: to look at each character took a tenth of it all. */
  #countLines(from: number, to: number): void {
    if (this.#nextLine < from) this.#nextLine = this.#endOfLine(from);
    while (this.#nextLine < to) {
      this.#newLine(this.#nextLine);
      this.#nextLine = this.#endOfLine(this.#nextLine + 1);
    }
  }

  #endOfLine(from: number): number {
    const at = this.#codes.indexOf(NEWLINE, from);
    return at === -1 ? this.#codes.length : at;
  }

  #close(at: number): number {
    this.#open.pop();
    this.#state = this.#open.length === 0 ? 'nothing' : ', or end';
    return at + 1;
  }

  #begin(text: string, at: number, what: 'container' | 'string' | 'literal'): number {
    this.#inside = what;
    this.#depth = what === 'container' ? 1 : 0;
    this.#quoted = what === 'string';
    this.#escaped = false;
    this.#startLine = this.#line;
    this.#startColumn = this.#offset + at - this.#lineStart + 1;
    return this.#within(text, at, at + 1);
  }

  /** Goes on from `from` inside of a value that, in this piece, begins at `start`. */
  #within(text: string, start: number, from: number): number {
    const end = this.#inside === 'literal' ? endOfLiteral(text, from) : this.#endOfValue(from);
    if (end !== -1) return this.#end(text, start, end);
    this.#parts.push(start === 0 ? text : text.slice(start));
    return text.length;
  }

  /** One past the value's last character; −1 where that is not in this piece. Brackets are counted, not told apart. */
  #endOfValue(from: number): number {
    const codes = this.#codes;
    const { length } = codes;
    let quoted = this.#quoted;
    let depth = this.#depth;
    let at = from;
    if (this.#escaped && at < length) {
      this.#escaped = false;
      at++;
    }
    for (; at < length; at++) {
      const code = codes[at] as number;
      if (quoted) {
        if (code === QUOTE) {
          quoted = false;
          if (depth === 0) return at + 1;
        } else if (code === BACKSLASH) {
          at++;
          if (at === length) this.#escaped = true;
        }
      } else if (code === QUOTE) quoted = true;
      else if (code === NEWLINE) this.#newLine(at);
      else if (code === 123 || code === 91) depth++;
      else if (code === 125 || code === 93) {
        depth--;
        if (depth === 0) return at + 1;
      }
    }
    this.#quoted = quoted;
    this.#depth = depth;
    return -1;
  }

  #end(text: string, start: number, end: number): number {
    let whole = text.slice(start, end);
    if (this.#parts.length > 0) {
      this.#parts.push(whole);
      whole = this.#parts.join('');
      this.#parts = [];
    }
    this.#inside = null;
    const depth = this.#open.length;
    if (this.#state === 'key' || this.#state === 'key or }') {
      this.#top().key = usualKey.test(whole)
        ? alone(whole.slice(1, -1))
        : (parseAt(whole, this.#startLine, this.#startColumn) as string);
      this.#state = ':';
    } else {
      const value = parseAt(whole, this.#startLine, this.#startColumn);
      this.#state = depth === 0 ? 'nothing' : ', or end';
      this.#reader.take(depth, depth === 0 ? '' : this.#top().key, value, whole);
    }
    return end;
  }

  #top(): Open {
    return this.#open[this.#open.length - 1] as Open;
  }

  #unexpected(at: number, char: string): Error {
    const column = this.#offset + at - this.#lineStart + 1;
    return notJson(this.#line, column, `Unexpected token '${char}'`);
  }
}

type Codes = Uint8Array | Uint16Array;

const nothing: Codes = new Uint8Array(0);
const encoder = new TextEncoder();
let scratch = new Uint8Array(0);

/** Four times as fast to go through as the string itself. Good until the next call. */
function codesOf(text: string): Codes {
  if (scratch.length < text.length) scratch = new Uint8Array(text.length);
  const { read, written } = encoder.encodeInto(text, scratch);
  if (read === text.length && written === text.length) return scratch.subarray(0, written);
  // Not all of it is ASCII.
  return Uint16Array.from({ length: text.length }, (_, at) => text.charCodeAt(at));
}

function endOfLiteral(text: string, from: number): number {
  for (let at = from; at < text.length; at++) if (!/[-+.\w]/.test(text[at] as string)) return at;
  return -1;
}

function notJson(line: number, column: number, why: string): Error {
  return invalid(`line ${line}, column ${column}`, `this is not JSON: ${why}`);
}

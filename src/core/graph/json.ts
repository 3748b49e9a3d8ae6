/**
 * JSON text to a value, with the place of a syntax error as line and column: people edit graphs by hand.
 */
import { invalid } from '../errors.ts';
import { errorOffset } from './json-error.ts';

export type JsonObject = Readonly<Record<string, unknown>>;

export function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** A part of a document that begins at this line and column. Throws `invalid_input` at `line L, column C`. */
export function parseAt(text: string, line: number, column: number): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch (cause) {
    const message = cause instanceof Error ? cause.message : String(cause);
    throw invalid(placeOf(text, line, column), `this is not JSON: ${plain(message)}`);
  }
}

/** Its own characters: a part of a text, once it is longer than twelve, keeps the whole of it. */
export function alone(part: string): string {
  return ` ${part}`.slice(1);
}

/** Names a value's kind for a message: `an array`, `the number 3.5`, `"x"`. */
export function kindOf(value: unknown): string {
  if (value === undefined) return 'nothing';
  if (value === null) return 'null';
  if (Array.isArray(value)) return 'an array';
  if (typeof value === 'object') return 'an object';
  const text = JSON.stringify(value);
  return text.length > 60 ? `${text.slice(0, 60)}…` : text;
}

function placeOf(text: string, firstLine: number, firstColumn: number): string {
  let offset: number | null = null;
  try {
    offset = errorOffset(text);
  } catch {
    // A string of many megabytes that never ends is more than a regular expression can bear.
  }
  if (offset === null) return 'document';
  let line = firstLine;
  let start = 1 - firstColumn;
  for (let at = text.indexOf('\n'); at !== -1 && at < offset; at = text.indexOf('\n', at + 1)) {
    line++;
    start = at + 1;
  }
  return `line ${line}, column ${offset - start + 1}`;
}

function plain(message: string): string {
  if (message.startsWith('Unexpected end')) return 'the text ends too early';
  const short = message
    .replace(/ in JSON at position .*$/s, '')
    .replace(/, (?:\.\.\.)?".*is not valid JSON$/s, '')
    .replace(/ \(line \d+ column \d+\)$/, '');
  return short.length > 120 ? `${short.slice(0, 120)}…` : short;
}

/** The functions of a `varsTemplate`: of Go's text/template and of Sprig those that make variables out of features. */
export type Value = unknown;

/** What cannot be evaluated: the length of a number, an element that there is not. */
export class EvaluationError extends Error {}

/** Of a text that a function makes. */
export const MOST_CHARACTERS = 64 * 1024;
type Call = (...values: readonly Value[]) => Value;

/** By name: the least and the most arguments, and what it does. */
export const FUNCTIONS: Readonly<Record<string, readonly [least: number, most: number, call: Call]>> = {
  // Go's own.
  and: [
    1,
    100,
    (...all) => all[all.findIndex((each) => !isTrue(each))] ?? (all.every(isTrue) ? all.at(-1) : undefined),
  ],
  or: [1, 100, (...all) => all.find(isTrue) ?? all.at(-1)],
  not: [1, 1, (value) => !isTrue(value)],
  eq: [2, 100, (first, ...others) => others.some((each) => same(first, each))],
  ne: [2, 2, (a, b) => !same(a, b)],
  lt: [2, 2, (a, b) => order(a, b) < 0],
  le: [2, 2, (a, b) => order(a, b) <= 0],
  gt: [2, 2, (a, b) => order(a, b) > 0],
  ge: [2, 2, (a, b) => order(a, b) >= 0],
  len: [1, 1, lengthOf],
  index: [2, 10, (value, ...keys) => keys.reduce(indexed, value)],
  print: [0, 100, (...all) => all.map(textOf).join('')],
  // Sprig's.
  first: [1, 1, (list) => listOf(list)[0]],
  last: [1, 1, (list) => listOf(list).at(-1)],
  trim: [1, 1, (value) => textIn(value).trim()],
  trimPrefix: [2, 2, (prefix, value) => without(textIn(value), textIn(prefix), true)],
  trimSuffix: [2, 2, (suffix, value) => without(textIn(value), textIn(suffix), false)],
  upper: [1, 1, (value) => textIn(value).toUpperCase()],
  lower: [1, 1, (value) => textIn(value).toLowerCase()],
  substr: [3, 3, (from, to, value) => part(textIn(value), numberIn(from), numberIn(to))],
  replace: [3, 3, (from, to, value) => replaced(textIn(value), textIn(from), textIn(to))],
  contains: [2, 2, (part, value) => textIn(value).includes(textIn(part))],
  hasPrefix: [2, 2, (prefix, value) => textIn(value).startsWith(textIn(prefix))],
  hasSuffix: [2, 2, (suffix, value) => textIn(value).endsWith(textIn(suffix))],
  default: [2, 2, (otherwise, value) => (isTrue(value) ? value : otherwise)],
  int: [1, 1, (value) => (/^[+-]?\d{1,15}$/.test(String(value)) ? Number(value) : 0)],
  add: [1, 10, (...all) => all.map(numberIn).reduce((a, b) => a + b, 0)],
  sub: [2, 2, (a, b) => numberIn(a) - numberIn(b)],
};

export const KNOWN_FUNCTIONS: readonly string[] = Object.keys(FUNCTIONS);

/** As Go takes it: nothing, zero and what is empty are false. */
export function isTrue(value: Value): boolean {
  if (Array.isArray(value)) return value.length > 0;
  if (value instanceof Map) return value.size > 0;
  return value !== undefined && value !== '' && value !== 0 && value !== false;
}

/** As Go writes it; a key that a map has not is nothing, or `<no value>` inside of a larger text. */
export function textOf(value: Value): string {
  if (value === undefined) return '';
  return typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean'
    ? String(value)
    : '<no value>';
}

function same(a: Value, b: Value): boolean {
  return typeof a !== 'object' && a === b;
}

function order(a: Value, b: Value): number {
  if (typeof a === 'number' && typeof b === 'number') return a - b;
  if (typeof a === 'string' && typeof b === 'string') return a < b ? -1 : a > b ? 1 : 0;
  throw new EvaluationError('only two numbers or two texts have an order');
}

function listOf(value: Value): readonly Value[] {
  if (Array.isArray(value)) return value;
  throw new EvaluationError('this is no list');
}

function lengthOf(value: Value): number {
  if (value instanceof Map) return value.size;
  // Go counts bytes.
  return typeof value === 'string' ? Buffer.byteLength(value) : listOf(value).length;
}

function textIn(value: Value): string {
  if (typeof value === 'string') return value;
  throw new EvaluationError('this is no text');
}

function numberIn(value: Value): number {
  if (typeof value === 'number') return value;
  if (typeof value === 'string' && /^[+-]?\d{1,15}$/.test(value)) return Number(value);
  throw new EvaluationError('this is no whole number');
}

function indexed(value: Value, key: Value): Value {
  if (value instanceof Map) return value.get(textIn(key));
  const list = listOf(value);
  const at = numberIn(key);
  if (at < 0 || at >= list.length) throw new EvaluationError('there are not so many');
  return list[at];
}

function without(text: string, end: string, isPrefix: boolean): string {
  if (isPrefix) return text.startsWith(end) ? text.slice(end.length) : text;
  return text.endsWith(end) ? text.slice(0, text.length - end.length) : text;
}

/** Sprig's: from the beginning where `from` is negative, to the end where `to` is, or is beyond it. */
function part(text: string, from: number, to: number): string {
  if (from < 0) return text.slice(0, Math.max(to, 0));
  return to < 0 || to > text.length ? text.slice(from) : text.slice(from, to);
}

function replaced(text: string, from: string, to: string): string {
  if (text.length * (to.length + 1) > MOST_CHARACTERS * 16) throw new EvaluationError('too long');
  return text.replaceAll(from, () => to);
}

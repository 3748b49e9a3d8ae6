/**
 * RFC 29 hostlists (`node[1-1000000],login[01-04]-ib`) as a test of one name. Ranges stay ranges, so a list of a
 * billion hosts costs as much as a list of one.
 */
import { wrong } from './place.ts';
import type { Place } from './place.ts';

const MOST_EXPRESSIONS = 10_000;

interface Pattern {
  readonly prefix: string;
  readonly suffix: string;
  /** First, last, and the digits that leading zeros fill up to (0: none). */
  readonly ranges: readonly (readonly [number, number, number])[];
}

/** The comma-separated expressions of one hostlist string, checked. Throws `invalid_input` at `place`. */
export function readHostlist(text: string, place: Place): readonly string[] {
  const expressions = splitExpressions(text);
  if (expressions === null) throw wrong(place, 'a bracket of the hostlist is not closed (RFC 29)');
  if (expressions.length > MOST_EXPRESSIONS) {
    throw wrong(place, `lists more than ${MOST_EXPRESSIONS} hosts; write them as ranges, host[1-20000]`);
  }
  for (const expression of expressions) {
    const problem = readExpression(expression);
    if (typeof problem === 'string') throw wrong(place, problem);
  }
  return expressions;
}

/** A test for membership in expressions that `readHostlist` let pass (others match nothing). */
export function hostMatcher(expressions: readonly string[]): (name: string) => boolean {
  const names = new Set<string>();
  const patterns: Pattern[] = [];
  for (const expression of expressions) {
    const read = readExpression(expression);
    if (typeof read === 'string') continue;
    if (read === null) names.add(expression);
    else patterns.push(read);
  }
  return (name) => names.has(name) || patterns.some((pattern) => matches(pattern, name));
}

function matches({ prefix, suffix, ranges }: Pattern, name: string): boolean {
  if (name.length <= prefix.length + suffix.length || !name.startsWith(prefix) || !name.endsWith(suffix)) return false;
  const digits = name.slice(prefix.length, name.length - suffix.length);
  if (!/^\d{1,15}$/.test(digits)) return false;
  const id = Number(digits);
  return ranges.some(([first, last, width]) => id >= first && id <= last && digits === String(id).padStart(width, '0'));
}

function splitExpressions(text: string): readonly string[] | null {
  const expressions: string[] = [];
  let inside = false;
  let from = 0;
  for (let i = 0; i <= text.length; i++) {
    const c = text[i];
    if (c === '[') {
      if (inside) return null;
      inside = true;
    } else if (c === ']') {
      if (!inside) return null;
      inside = false;
    } else if (c === undefined || (c === ',' && !inside)) {
      if (i > from) expressions.push(text.slice(from, i));
      from = i + 1;
    }
  }
  return inside ? null : expressions;
}

/** A pattern; null for a plain name; else what is wrong. */
function readExpression(expression: string): Pattern | string | null {
  const shown = JSON.stringify(expression.length > 60 ? `${expression.slice(0, 60)}…` : expression);
  if (!/^[\x21-\x7e]+$/.test(expression)) return `${shown} is no host name: only printable ASCII (RFC 29)`;
  const open = expression.indexOf('[');
  if (open < 0) return null;
  const close = expression.indexOf(']', open);
  if (expression.includes('[', close)) return `${shown}: one pair of brackets for each name`;
  const ranges: [number, number, number][] = [];
  let width = 0;
  for (const part of expression.slice(open + 1, close).split(',')) {
    const found = /^(\d{1,15})(?:-(\d{1,15}))?$/.exec(part);
    if (found === null) return `${shown}: between brackets stand numbers and ranges, [0-3,7] (RFC 29)`;
    const first = Number(found[1]);
    const last = found[2] === undefined ? first : Number(found[2]);
    if (last < first) return `${shown}: the range ${part} ends before it begins`;
    // Leading zeros of the first id hold for the whole list (RFC 29).
    if (ranges.length === 0 && found[1]!.length > 1 && found[1]!.startsWith('0')) width = found[1]!.length;
    ranges.push([first, last, width]);
  }
  return { prefix: expression.slice(0, open), suffix: expression.slice(close + 1), ranges };
}

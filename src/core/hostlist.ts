/**
 * RFC 29 hostlists (`node[1-1000000],login[01-04]-ib`, also `rack[1-2]node[0-63]`), read once for all who need them.
 * Ranges stay ranges, so a list of a billion hosts costs as much as a list of one.
 */
/** Digits may be shared out between sets that stand side by side, in more ways the more there are. */
const MOST_SETS = 4;

interface Pattern {
  readonly literals: readonly string[];
  /** One set of ranges between each two literals. */
  readonly sets: readonly (readonly Range[])[];
}

interface Range {
  readonly first: number;
  readonly last: number;
  /** Digits that leading zeros fill up to. */
  readonly width: number;
}

/** At commas outside of brackets, empty items left out; null where a bracket is not closed, or never was opened. */
export function splitHostlist(text: string): readonly string[] | null {
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

/** What is wrong with one expression of a hostlist; null: nothing. */
export function problemOf(expression: string): string | null {
  const read = readExpression(expression);
  return typeof read === 'string' ? read : null;
}

/** Is a host in any of the lists? What is no hostlist names only itself. */
export function hostTest(lists: readonly string[]): (host: string) => boolean {
  const names = new Set<string>();
  const patterns: Pattern[] = [];
  for (const list of lists) {
    for (const expression of splitHostlist(list) ?? [list]) {
      const read = readExpression(expression);
      if (read === null || typeof read === 'string') names.add(expression);
      else patterns.push(read);
    }
  }
  return (host) => names.has(host) || patterns.some((pattern) => isIn(host, pattern));
}

/** A pattern; null for a plain name; else what is wrong. */
function readExpression(expression: string): Pattern | string | null {
  const shown = JSON.stringify(expression.length > 60 ? `${expression.slice(0, 60)}…` : expression);
  if (!/^[\x21-\x7e]+$/.test(expression)) return `${shown} is no host name: only printable ASCII (RFC 29)`;
  const literals: string[] = [];
  const sets: Range[][] = [];
  let at = 0;
  for (const found of expression.matchAll(/\[([^\]]*)\]/g)) {
    const set = rangesOf(found[1] as string, shown);
    if (typeof set === 'string') return set;
    literals.push(expression.slice(at, found.index));
    sets.push(set);
    if (sets.length > MOST_SETS) return `${shown}: more than ${MOST_SETS} pairs of brackets`;
    at = found.index + found[0].length;
  }
  if (sets.length === 0) return null;
  return { literals: [...literals, expression.slice(at)], sets };
}

function rangesOf(list: string, shown: string): Range[] | string {
  const ranges: Range[] = [];
  let width = 0;
  for (const part of list.split(',')) {
    const found = /^(\d{1,15})(?:-(\d{1,15}))?$/.exec(part);
    if (found === null) return `${shown}: between brackets stand numbers and ranges, [0-3,7] (RFC 29)`;
    const low = found[1] as string;
    const first = Number(low);
    const last = found[2] === undefined ? first : Number(found[2]);
    if (last < first) return `${shown}: the range ${part} ends before it begins`;
    // Leading zeros of the first id hold for the whole list (RFC 29).
    if (ranges.length === 0 && low.length > 1 && low.startsWith('0')) width = low.length;
    ranges.push({ first, last, width });
  }
  return ranges;
}

function isIn(host: string, pattern: Pattern, at = 0, part = 0): boolean {
  const literal = pattern.literals[part] as string;
  if (!host.startsWith(literal, at)) return false;
  const from = at + literal.length;
  const ranges = pattern.sets[part];
  if (ranges === undefined) return from === host.length;
  for (let to = from + 1; to <= host.length && to <= from + 15 && isDigit(host.charCodeAt(to - 1)); to++) {
    const digits = host.slice(from, to);
    if (ranges.some((range) => inRange(digits, range)) && isIn(host, pattern, to, part + 1)) return true;
  }
  return false;
}

function inRange(digits: string, { first, last, width }: Range): boolean {
  const id = Number(digits);
  return id >= first && id <= last && digits === String(id).padStart(width, '0');
}

function isDigit(code: number): boolean {
  return code >= 48 && code <= 57;
}

/**
 * Host lists of RFC 29 (`node[0-3,07-12],login1`) as a test for membership, without expanding them: a range of a
 * billion hosts costs nothing.
 */
interface Pattern {
  readonly literals: readonly string[];
  /** One set of ranges between each two literals. */
  readonly ranges: readonly (readonly Range[])[];
}

interface Range {
  readonly low: number;
  readonly high: number;
  /** Digits are padded with zeros to that width. */
  readonly width: number;
}

/** Is a host in any of the lists? What does not parse names only itself. */
export function hostTest(lists: readonly string[]): (host: string) => boolean {
  const plain = new Set<string>();
  const patterns: Pattern[] = [];
  for (const list of lists) {
    for (const item of split(list)) {
      const pattern = patternOf(item);
      if (pattern === null) plain.add(item);
      else patterns.push(pattern);
    }
  }
  return (host) => plain.has(host) || patterns.some((pattern) => isIn(host, pattern));
}

/** At commas outside of brackets. */
function split(list: string): string[] {
  const items: string[] = [];
  let start = 0;
  let open = false;
  for (let i = 0; i <= list.length; i++) {
    const char = list[i];
    if (char === '[') open = true;
    else if (char === ']') open = false;
    else if (char === undefined || (char === ',' && !open)) {
      const item = list.slice(start, i).trim();
      if (item !== '') items.push(item);
      start = i + 1;
    }
  }
  return items;
}

function patternOf(item: string): Pattern | null {
  const literals: string[] = [];
  const ranges: Range[][] = [];
  let at = 0;
  for (const found of item.matchAll(/\[([0-9,-]+)\]/g)) {
    const set: Range[] = [];
    for (const part of (found[1] as string).split(',')) {
      const bounds = /^(\d+)(?:-(\d+))?$/.exec(part);
      if (bounds === null) return null;
      const low = bounds[1] as string;
      set.push({ low: Number(low), high: Number(bounds[2] ?? low), width: low.length });
    }
    literals.push(item.slice(at, found.index));
    ranges.push(set);
    at = found.index + found[0].length;
  }
  if (ranges.length === 0) return null;
  literals.push(item.slice(at));
  return { literals, ranges };
}

function isIn(host: string, pattern: Pattern, at = 0, part = 0): boolean {
  const literal = pattern.literals[part] as string;
  if (!host.startsWith(literal, at)) return false;
  const from = at + literal.length;
  const ranges = pattern.ranges[part];
  if (ranges === undefined) return from === host.length;
  for (let to = from + 1; to <= host.length && isDigit(host.charCodeAt(to - 1)); to++) {
    const digits = host.slice(from, to);
    if (ranges.some((range) => inRange(digits, range)) && isIn(host, pattern, to, part + 1)) return true;
  }
  return false;
}

function inRange(digits: string, range: Range): boolean {
  const value = Number(digits);
  return value >= range.low && value <= range.high && digits === String(value).padStart(range.width, '0');
}

function isDigit(code: number): boolean {
  return code >= 48 && code <= 57;
}

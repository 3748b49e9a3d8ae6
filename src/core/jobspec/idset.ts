/** RFC 22 id sets (`1-3,5,7-9`), kept as ranges: `0-4000000000` costs no memory. */
import { wrong } from './place.ts';
import type { Place } from './place.ts';

/** First and last, both inclusive. */
export type Range = readonly [number, number];

/** Ascending, disjoint, joined where they touch. Throws `invalid_input` at `place`. */
export function readIdset(text: string, place: Place): readonly Range[] {
  const inner = /^\[(.*)\]$/s.exec(text)?.[1] ?? text;
  const ranges: [number, number][] = [];
  for (const part of inner.split(',')) {
    const found = /^(0|[1-9]\d{0,14})(?:-(0|[1-9]\d{0,14}))?$/.exec(part.trim());
    if (found === null) {
      const shown = text.length > 40 ? `${text.slice(0, 40)}…` : text;
      throw wrong(place, `${JSON.stringify(shown)} is no id set; write it as 0-3,7 (RFC 22)`);
    }
    const first = Number(found[1]);
    const last = found[2] === undefined ? first : Number(found[2]);
    if (last < first) throw wrong(place, `the range ${part.trim()} ends before it begins`);
    ranges.push([first, last]);
  }
  return joined(ranges);
}

export function joined(ranges: readonly Range[]): readonly Range[] {
  const result: [number, number][] = [];
  for (const [first, last] of [...ranges].sort((a, b) => a[0] - b[0])) {
    const before = result.at(-1);
    if (before !== undefined && first <= before[1] + 1) before[1] = Math.max(before[1], last);
    else result.push([first, last]);
  }
  return result;
}

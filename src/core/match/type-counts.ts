/**
 * How much of each type there is below a class, itself included: vertices, or units of a pool that are not drawn. Found once per class
 * from those of its children, so a change recounts one path.
 */
import type { Class } from './classes.ts';

export interface TypeCount {
  readonly total: number;
  /** '' where vertices of one type disagree. */
  readonly unit: string;
}

const known = new WeakMap<Class, ReadonlyMap<string, TypeCount>>();

/** In order of first occurrence, from the root down. */
export function typeCounts(of: Class): ReadonlyMap<string, TypeCount> {
  const before = known.get(of);
  if (before !== undefined) return before;
  const counts = new Map<string, TypeCount>();
  const add = (type: string, total: number, unit: string): void => {
    const there = counts.get(type);
    if (there === undefined) counts.set(type, { total, unit });
    else counts.set(type, { total: there.total + total, unit: there.unit === unit ? unit : '' });
  };
  if (of.own.type !== '') add(of.own.type, of.own.size - of.drawn, of.own.unit);
  of.kids.forEach((kid, i) => {
    const times = of.counts[i] ?? 0;
    for (const [type, { total, unit }] of typeCounts(kid)) add(type, times * total, unit);
  });
  known.set(of, counts);
  return counts;
}

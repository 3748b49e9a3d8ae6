/**
 * Downward closed sets of vectors, as their maximal points: "so many of each shape can be had here at once". Capped at
 * what is asked for, which is safe because the sets are downward closed. All sums are charged to a budget.
 */
import type { Steps } from './steps.ts';

export type Vector = readonly number[];
/** Maximal points; never empty. */
export type Front = readonly Vector[];

export function covers(front: Front, point: Vector): boolean {
  return front.some((of) => dominates(of, point));
}

/** But for the noise of fractions that were added up. */
export function dominates(a: Vector, b: Vector): boolean {
  for (let i = 0; i < b.length; i++) if ((a[i] as number) < (b[i] as number) - 1e-9) return false;
  return true;
}

export function zero(length: number): Front {
  return [Array.from({ length }, () => 0)];
}

/** The maximal ones among points. */
export function maxima(points: readonly Vector[], steps: Steps): Front {
  if (points.length <= 1) return points;
  const length = (points[0] as Vector).length;
  if (length === 1) {
    let best = points[0] as Vector;
    for (const point of points) if ((point[0] as number) > (best[0] as number)) best = point;
    return [best];
  }
  // Larger sums first: a point can only be dominated by one before it.
  const sums = new Map<Vector, number>();
  for (const point of points) {
    let sum = 0;
    for (const value of point) sum += value;
    sums.set(point, sum);
  }
  const sorted = [...sums.keys()].sort((a, b) => (sums.get(b) as number) - (sums.get(a) as number));
  const kept: Vector[] = [];
  for (const point of sorted) {
    steps.spend(1 + (kept.length >> 3));
    if (!covers(kept, point)) kept.push(point);
  }
  return kept;
}

/** All sums of a point of each, capped. */
export function sum(a: Front, b: Front, caps: Vector, steps: Steps): Front {
  if (isZero(a)) return b;
  if (isZero(b)) return a;
  if (covers(a, caps)) return a;
  if (covers(b, caps)) return b;
  steps.spend(a.length * b.length);
  const points: Vector[] = [];
  for (const left of a) {
    for (const right of b) points.push(caps.map((cap, i) => Math.min(cap, (left[i] as number) + (right[i] as number))));
  }
  return maxima(points, steps);
}

/** `count` copies of a front, by doubling. */
export function power(front: Front, count: number, caps: Vector, steps: Steps): Front {
  if (isZero(front)) return front;
  let result = zero(caps.length);
  let base = front;
  for (let left = count; left > 0;) {
    if (left % 2 === 1) result = sum(result, base, caps, steps);
    left = Math.floor(left / 2);
    if (left > 0) base = sum(base, base, caps, steps);
  }
  return result;
}

function isZero(front: Front): boolean {
  return front.length === 1 && (front[0] as Vector).every((value) => value === 0);
}

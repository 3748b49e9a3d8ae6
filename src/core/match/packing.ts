/**
 * Many hosts, large counts: which host holds which of its maximal points, so that all together hold the demand. The
 * linear relaxation says how many hosts of each kind hold what; rounded down that leaves a small rest for few hosts,
 * which is decided exactly. Where the relaxation has no solution its prices prove it. Where rounding leaves no solution
 * more and more is given back to the rest, up to the whole question.
 */
import { covers, dominates, maxima, power, sum, zero, type Front, type Vector } from './front.ts';
import { maximize } from './simplex.ts';
import type { Steps } from './steps.ts';

/** Equal hosts. */
export interface Hosts {
  readonly front: Front;
  readonly count: number;
}

export interface Packing {
  /** points[i]: which points, and by how many of the hosts number i. */
  readonly points: readonly (readonly { readonly point: Vector; readonly count: number }[])[];
  /** What the hosts that hold none of them hold together. */
  readonly rest: Vector;
}

/** Null where there is none. Throws when the steps are spent. */
export function pack(hosts: readonly Hosts[], demand: Vector, steps: Steps): Packing | null {
  const shares = relaxed(hosts, demand, steps);
  if (shares === null) return null;
  for (let give = 0; ; give = 2 * give + 1) {
    const points = hosts.map(({ front }, i) =>
      front.flatMap((point, j) => {
        const count = Math.floor((shares[i]?.[j] ?? 0) + 1e-9) - give;
        return count > 0 ? [{ point, count }] : [];
      }),
    );
    const rest = demand.map((value) => value);
    for (const of of points) {
      for (const { point, count } of of) point.forEach((value, k) => (rest[k] = (rest[k] as number) - count * value));
    }
    const missing = rest.map((value) => Math.max(0, value));
    if (covers(together(hosts, points, missing, steps), missing)) return { points, rest: missing };
    if (points.every((of) => of.length === 0)) return null;
  }
}

/** What the hosts without a point hold at most. */
function together(hosts: readonly Hosts[], points: Packing['points'], caps: Vector, steps: Steps): Front {
  let front = zero(caps.length);
  hosts.forEach((host, i) => {
    let left = host.count;
    for (const { count } of points[i] ?? []) left -= count;
    front = sum(front, power(capped(host.front, caps, steps), left, caps, steps), caps, steps);
  });
  return front;
}

export function capped(front: Front, caps: Vector, steps: Steps): Front {
  if (dominates(caps, front[0] as Vector) && front.length === 1) return front;
  return maxima(
    front.map((point) => point.map((value, i) => Math.min(value, caps[i] as number))),
    steps,
  );
}

/** How many hosts of each kind hold each of their points, in fractions; null where even that is impossible. */
function relaxed(hosts: readonly Hosts[], demand: Vector, steps: Steps): number[][] | null {
  // Variables: t, how much of the demand is met, then one per host kind and point.
  const starts: number[] = [];
  let columns = 1;
  for (const { front } of hosts) {
    starts.push(columns);
    columns += front.length;
  }
  const rows: (readonly [number, number])[][] = hosts.map(({ front }, i) =>
    front.map((_, j) => [(starts[i] as number) + j, 1] as const),
  );
  demand.forEach((value, k) => {
    const row: (readonly [number, number])[] = [[0, value]];
    hosts.forEach(({ front }, i) => {
      front.forEach((point, j) => {
        if ((point[k] as number) > 0) row.push([(starts[i] as number) + j, -(point[k] as number)]);
      });
    });
    rows.push(row);
  });
  const bounds = [...hosts.map(({ count }) => count), ...demand.map(() => 0)];
  const optimum = maximize(columns, [[0, 1]], rows, bounds, steps);
  if (optimum === null) return hosts.map(() => []);
  if (isImpossible(hosts, demand, optimum.prices.slice(hosts.length))) return null;
  const scale = Math.max(1, optimum.value);
  return hosts.map(({ front }, i) => front.map((_, j) => (optimum.x[(starts[i] as number) + j] as number) / scale));
}

/** Are all hosts together worth less than the demand, at these prices? Then nothing holds it; with room for rounding. */
function isImpossible(hosts: readonly Hosts[], demand: Vector, prices: Vector): boolean {
  const worth = (point: Vector): number => {
    let total = 0;
    point.forEach((value, k) => (total += value * (prices[k] as number)));
    return total;
  };
  let most = 0;
  for (const { front, count } of hosts) most += count * Math.max(...front.map(worth));
  return most < worth(demand) * (1 - 1e-9);
}

/**
 * How much of their walltime jobs really take, by those that ended: the ratio run time ÷ walltime. Users ask for more
 * than they need, so a queue moves faster than its walltimes say. Until `ENOUGH` are known the missing ones count as 1.
 */
const KEPT = 256;
const ENOUGH = 10;

/** JSON as it stands: the last ratios, in the order in which the jobs ended. */
export type Ratios = readonly number[];

/** With one more job that ended; seconds. What is no ratio is not taken in. */
export function observeRatio(ratios: Ratios, ran: number, walltime: number): Ratios {
  const ratio = ran / walltime;
  if (!Number.isFinite(ratio) || ratio < 0) return ratios;
  return [...ratios, Math.min(1, Math.round(ratio * 1000) / 1000)].slice(-KEPT);
}

/** What to expect of a run time: mean and P90, in seconds. */
export interface Expected {
  readonly mean: number;
  readonly p90: number;
}

export interface RuntimeModel {
  /** From now on, of a job that has run for `elapsed` seconds. */
  remaining(walltime: number, elapsed: number): Expected;
}

/** Made once for the same ratios: every estimate asks for it. */
const models = new WeakMap<Ratios, RuntimeModel>();

export function runtimeModel(ratios: Ratios): RuntimeModel {
  let model = models.get(ratios);
  if (model === undefined) models.set(ratios, (model = modelOf(ratios)));
  return model;
}

function modelOf(ratios: Ratios): RuntimeModel {
  const missing = Array.from({ length: Math.max(0, ENOUGH - ratios.length) }, () => 1);
  const sorted = [...ratios, ...missing].sort((a, b) => a - b);
  const count = sorted.length;
  /** Sum of the ratios from i on. */
  const sums = new Float64Array(count + 1);
  for (let i = count - 1; i >= 0; i--) sums[i] = sums[i + 1]! + sorted[i]!;
  return {
    remaining(walltime, elapsed) {
      const done = elapsed / walltime;
      const from = firstAbove(sorted, done);
      // Longer than any before it: it may take all of its walltime, and is ended then.
      if (from === count) return { mean: Math.max(0, walltime - elapsed), p90: Math.max(0, walltime - elapsed) };
      const left = count - from;
      const p90 = sorted[from + Math.ceil(0.9 * left) - 1]!;
      return { mean: (sums[from]! / left) * walltime - elapsed, p90: p90 * walltime - elapsed };
    },
  };
}

/** Index of the first that is larger; its length where there is none. */
function firstAbove(sorted: readonly number[], value: number): number {
  let [low, high] = [0, sorted.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (sorted[middle]! > value) high = middle;
    else low = middle + 1;
  }
  return low;
}

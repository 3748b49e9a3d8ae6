/**
 * How much of their walltime jobs really take, by those that ended: the ratio run time ÷ walltime. Users ask for more
 * than they need, so a queue moves faster than its walltimes say. While few are known the missing ones count as 1: for the
 * mean until there are three, for the P90, which is a promise, until there are ten. Of 40 jobs on an idle Slurm that took a
 * tenth of their walltime the first 16 were bid up to 180 s too late when the mean waited for ten as well, then up to 115 s
 * and soon right; as many started by their P90.
 */
const KEPT = 256;
const ENOUGH_FOR_MEAN = 3;
const ENOUGH_FOR_P90 = 10;

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
  const forMean = withMissing(ratios, ENOUGH_FOR_MEAN);
  const forP90 = withMissing(ratios, ENOUGH_FOR_P90);
  /** Sum of the ratios from i on. */
  const sums = new Float64Array(forMean.length + 1);
  for (let i = forMean.length - 1; i >= 0; i--) sums[i] = sums[i + 1]! + forMean[i]!;
  return {
    remaining(walltime, elapsed) {
      const done = elapsed / walltime;
      // Longer than any before it: it may take all of its walltime, and is ended then.
      const longest = Math.max(0, walltime - elapsed);
      const from = firstAbove(forMean, done);
      const left = forMean.length - from;
      const mean = left === 0 ? longest : (sums[from]! / left) * walltime - elapsed;
      const fromP90 = firstAbove(forP90, done);
      const leftP90 = forP90.length - fromP90;
      const p90 = leftP90 === 0 ? longest : forP90[fromP90 + Math.ceil(0.9 * leftP90) - 1]! * walltime - elapsed;
      return { mean, p90 };
    },
  };
}

/** Ascending. */
function withMissing(ratios: Ratios, enough: number): readonly number[] {
  const missing = Array.from({ length: Math.max(0, enough - ratios.length) }, () => 1);
  return [...ratios, ...missing].sort((a, b) => a - b);
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

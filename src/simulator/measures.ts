/** What a simulated day comes to. */

/** One job through Rainbow. Seconds, and money. */
export interface Ended {
  readonly wait: number;
  readonly run: number;
  readonly cost: number;
  /** Did it end by its deadline? */
  readonly inTime: boolean;
}

export interface Measures {
  readonly jobs: number;
  /** Seconds. */
  readonly meanWait: number;
  readonly medianWait: number;
  readonly p95Wait: number;
  /** Waits by percentile, 0 to 100. */
  readonly waits: readonly number[];
  /** Per job. */
  readonly meanCost: number;
  /** Mean of max(1, (wait + run) / max(run, 10 s)): Feitelson's bounded slowdown. */
  readonly slowdown: number;
  /** Share that ended by its deadline. */
  readonly inTime: number;
}

const SHORTEST = 10;

export function measuresOf(ended: readonly Ended[]): Measures {
  const waits = Float64Array.from(ended, ({ wait }) => wait).sort();
  const mean = (of: (job: Ended) => number): number => ended.reduce((sum, job) => sum + of(job), 0) / ended.length;
  const at = (q: number): number => waits[Math.min(waits.length - 1, Math.floor(q * waits.length))] ?? 0;
  return {
    jobs: ended.length,
    meanWait: mean(({ wait }) => wait),
    medianWait: at(0.5),
    p95Wait: at(0.95),
    waits: Array.from({ length: 101 }, (_, i) => at(i / 100)),
    meanCost: mean(({ cost }) => cost),
    slowdown: mean(({ wait, run }) => Math.max(1, (wait + run) / Math.max(run, SHORTEST))),
    inTime: mean(({ inTime }) => (inTime ? 1 : 0)),
  };
}

/**
 * A cluster's record: what it bid, beside what then happened. One record per cluster for all shapes, and one per class
 * of shapes (shape-class.ts). Small, immutable, and plain JSON: the last `KEPT` outcomes, each of which counts for
 * half after `HALF_LIFE`. `correct.ts` holds it against new offers.
 */

/** Outcomes that a record holds: enough for a P90, little enough to store with every change (about 2 KB). */
const KEPT = 64;
/** Milliseconds. */
const HALF_LIFE = 14 * 24 * 3_600_000;

/** One bid that was chosen, and what became of it. Milliseconds since 1970. */
export interface Outcome {
  /** When it was bid. */
  readonly bidAt: number;
  /** As the cluster said it, not as corrected. */
  readonly startP50: number;
  readonly startP90: number;
  /** When the job started; with `isOpen` until when it had not. */
  readonly startedAt: number;
  /** It has not started (it waits still, or was canceled or moved): the wait was at least this long. */
  readonly isOpen?: boolean;
  /** Actual cost ÷ bid cost; absent where either is not known. */
  readonly costRatio?: number;
}

/** JSON as it stands. */
export interface Calibration {
  /** Outcomes ever taken in. */
  readonly total: number;
  /** The last ones, the newest at the end; waits in seconds from the bid. */
  readonly kept: readonly Sample[];
}

export interface Sample {
  /** Milliseconds since 1970. */
  readonly at: number;
  readonly p50: number;
  readonly p90: number;
  readonly actual: number;
  readonly cost?: number;
}

export const NO_RECORD: Calibration = { total: 0, kept: [] };

/**
 * The record with one more outcome. What cannot be one (no number, a start before the bid by more than its own P50) is
 * not taken in; nor is an open one whose P90 has not passed: nothing is known of it yet.
 */
export function observe(record: Calibration, outcome: Outcome): Calibration {
  const seconds = (time: number): number => Math.max(0, Math.round((time - outcome.bidAt) / 1000));
  const sample: Sample = {
    at: outcome.startedAt,
    p50: seconds(outcome.startP50),
    p90: seconds(outcome.startP90),
    actual: seconds(outcome.startedAt),
    ...(isRatio(outcome.costRatio) ? { cost: outcome.costRatio } : {}),
  };
  if (![sample.at, sample.p50, sample.p90, sample.actual].every(Number.isFinite)) return record;
  if (outcome.isOpen === true && sample.actual <= sample.p90) return record;
  return { total: record.total + 1, kept: [...record.kept, sample].slice(-KEPT) };
}

function isRatio(ratio: number | undefined): ratio is number {
  return ratio !== undefined && Number.isFinite(ratio) && ratio >= 0;
}

/** How much an outcome still counts: 1 when it is new. */
export function weightOf(sample: Sample, now: number): number {
  return 0.5 ** (Math.max(0, now - sample.at) / HALF_LIFE);
}

/** What a record says, for people and for the protocol. Seconds; null where there is nothing to say it from. */
export interface Summary {
  /** Outcomes that it is made of. */
  readonly jobs: number;
  /** Median of (actual start − P50): above 0 it promises too early. */
  readonly bias: number | null;
  /** Share that had started by P50, by P90. Well calibrated: 0.5 and 0.9. */
  readonly coverageP50: number | null;
  readonly coverageP90: number | null;
  /** Mean of (P90 − P50): how much it dares to say. */
  readonly sharpness: number | null;
  /** Mean of (actual cost ÷ bid cost). */
  readonly costRatio: number | null;
}

export function summaryOf(record: Calibration, now: number): Summary {
  const { kept } = record;
  const weights = kept.map((sample) => weightOf(sample, now));
  const share = (holds: (sample: Sample) => boolean): number | null =>
    mean(
      kept.map((sample) => (holds(sample) ? 1 : 0)),
      weights,
    );
  const costs = kept.flatMap(({ cost }) => cost ?? []);
  return {
    jobs: kept.length,
    bias: quantile(
      kept.map(({ actual, p50 }) => actual - p50),
      weights,
      0.5,
    ),
    coverageP50: share(({ actual, p50 }) => actual <= p50),
    coverageP90: share(({ actual, p90 }) => actual <= p90),
    sharpness: mean(
      kept.map(({ p90, p50 }) => p90 - p50),
      weights,
    ),
    costRatio: mean(
      costs,
      costs.map(() => 1),
    ),
  };
}

/** Weighted; null of nothing. */
export function mean(values: readonly number[], weights: readonly number[]): number | null {
  const all = weights.reduce((sum, weight) => sum + weight, 0);
  return all === 0 ? null : values.reduce((sum, value, i) => sum + value * weights[i]!, 0) / all;
}

/** The smallest value that at least the share `q` of the weight does not exceed; null of nothing. */
export function quantile(values: readonly number[], weights: readonly number[], q: number): number | null {
  const order = values.map((_, i) => i).sort((a, b) => values[a]! - values[b]!);
  let left = q * weights.reduce((sum, weight) => sum + weight, 0);
  for (const i of order) {
    left -= weights[i]!;
    if (left <= 1e-9) return values[i]!;
  }
  return order.length === 0 ? null : values[order.at(-1)!]!;
}

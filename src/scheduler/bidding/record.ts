/**
 * Each cluster's record: its bids beside what happened, the newest `KEPT` outcomes, from the store at start and then as
 * they come. Corrections and what is shown are worked out from them by core/bid when somebody asks.
 */
import type { CorrectedOffer, Offer } from '../../core/bid/bid.ts';
import { NO_RECORD, observe, summaryOf, type Calibration, type Summary } from '../../core/bid/calibration.ts';
import { correct } from '../../core/bid/correct.ts';
import type { BidOutcome, BidStore, ClusterRef } from '../../store/store.ts';

export interface ClassSummary extends Summary {
  /** '': all of them. */
  readonly shapeClass: string;
  /** What it does to an offer that starts in an hour, for people; '': nothing. */
  readonly correction: string;
}

export interface BidRecords {
  load(cluster: ClusterRef): Promise<void>;
  /** Adds or replaces, by (job, epoch). */
  add(outcome: BidOutcome): void;
  correct(cluster: string, shapeClass: string, offer: Offer, now: number): CorrectedOffer;
  /** All shapes first, then the classes with the most jobs. */
  summaries(cluster: string, now: number): readonly ClassSummary[];
  dropCluster(cluster: string): void;
}

const KEPT = 512;
const HOUR_MS = 3_600_000;

interface Entry {
  readonly outcomes: Map<string, BidOutcome>;
  /** By class; '' is all. Empty: to be worked out. */
  readonly calibrations: Map<string, Calibration>;
}

export function createBidRecords(
  bids: Pick<BidStore, 'outcomes'>,
  overdue: (cluster: string, now: number) => number,
): BidRecords {
  const entries = new Map<string, Entry>();
  const entryOf = (cluster: string): Entry => {
    let entry = entries.get(cluster);
    if (entry === undefined) entries.set(cluster, (entry = { outcomes: new Map(), calibrations: new Map() }));
    return entry;
  };
  const put = (entry: Entry, outcome: BidOutcome): void => {
    const key = `${outcome.jobId}.${outcome.epoch}`;
    entry.outcomes.set(key, outcome);
    const [oldest] = entry.outcomes.keys();
    if (entry.outcomes.size > KEPT && oldest !== undefined) entry.outcomes.delete(oldest);
    entry.calibrations.clear();
  };
  const calibration = (cluster: string, shapeClass: string): Calibration => {
    const entry = entries.get(cluster);
    if (entry === undefined) return NO_RECORD;
    let found = entry.calibrations.get(shapeClass);
    if (found === undefined) {
      found = NO_RECORD;
      for (const outcome of entry.outcomes.values()) {
        if (shapeClass === '' || outcome.shapeClass === shapeClass) found = observe(found, observed(outcome));
      }
      entry.calibrations.set(shapeClass, found);
    }
    return found;
  };

  return {
    async load(cluster) {
      const outcomes = await bids.outcomes(cluster, KEPT);
      const entry = entryOf(cluster.name);
      for (const outcome of outcomes.toReversed()) put(entry, outcome);
    },
    add: (outcome) => put(entryOf(outcome.cluster.name), outcome),
    correct: (cluster, shapeClass, offer, now) =>
      correct(offer, now, {
        all: calibration(cluster, ''),
        own: calibration(cluster, shapeClass),
        overdue: overdue(cluster, now),
      }),
    summaries(cluster, now) {
      const entry = entries.get(cluster);
      if (entry === undefined || entry.outcomes.size === 0) return [];
      const classes = [...new Set([...entry.outcomes.values()].map((outcome) => outcome.shapeClass))];
      const inAnHour: Offer = { startP50: now + HOUR_MS, startP90: now + HOUR_MS, end: now + 2 * HOUR_MS, cost: null };
      const all = ['', ...classes].map((shapeClass) => ({
        shapeClass,
        ...summaryOf(calibration(cluster, shapeClass), now),
        correction: correct(inAnHour, now, { all: calibration(cluster, ''), own: calibration(cluster, shapeClass) })
          .correction,
      }));
      return all.sort((a, b) => Number(b.shapeClass === '') - Number(a.shapeClass === '') || b.jobs - a.jobs);
    },
    dropCluster: (cluster) => void entries.delete(cluster),
  };
}

function observed(outcome: BidOutcome): Parameters<typeof observe>[1] {
  const { decidedAt: bidAt, startP50, startP90, startedAt, neverStarted, costActual, costBid } = outcome;
  return {
    bidAt,
    startP50,
    startP90,
    startedAt,
    isOpen: neverStarted,
    ...(costActual === null || costBid === null || costBid <= 0 ? {} : { costRatio: costActual / costBid }),
  };
}

/**
 * Candidates as a policy sees them: with what each offers, moved and corrected; and who is passed over for how it
 * answered. A no will not pass. Silence and answers that cannot be are passed over where another fits that bid.
 */
import { movedOffer } from './offers.ts';
import type { CandidateResult } from '../scheduler.ts';
import type { Gathered } from './gather.ts';
import type { Load } from './load.ts';
import type { BidRecords } from './record.ts';

export interface Weigh {
  seen(results: readonly CandidateResult[], gathered: Gathered | null, now: number): readonly CandidateResult[];
  /** `away`: who is not to be chosen, and why; it grows. */
  passOver(fitting: readonly CandidateResult[], away: Map<string, string>): void;
}

export function createWeigh(deps: {
  readonly load: Pick<Load, 'since'>;
  readonly records: Pick<BidRecords, 'correct'>;
  readonly facts: (cluster: string) => { readonly hasState: boolean; readonly graphVersion: number } | null;
}): Weigh {
  const offered = (result: CandidateResult, gathered: Gathered, now: number): Partial<CandidateResult> => {
    const held = gathered.bids.get(result.cluster);
    if (held === undefined) return {};
    const { bid, mark } = held;
    if (bid.kind !== 'yes') return { bid, moved: null, offer: null };
    const startable = result.startable.fits === 'yes';
    // A proxy bid is made of what is known now.
    const since = bid.byProxy ? NOTHING : deps.load.since(result.cluster, mark);
    const { offer: moved, why } = movedOffer(bid.offer, startable, since, now);
    const corrected = deps.records.correct(result.cluster, gathered.asked.shapeClass, moved, now);
    const correction = [why, corrected.correction].filter((text) => text !== '').join('; ');
    return { bid, moved, offer: { ...corrected, correction } };
  };

  return {
    seen: (results, gathered, now) =>
      results.map((result) => ({
        ...result,
        ...deps.facts(result.cluster),
        ...(gathered === null ? {} : offered(result, gathered, now)),
      })),
    passOver(fitting, away) {
      for (const { cluster, bid } of fitting) {
        if (bid?.kind === 'no') away.set(cluster, `it answered no: ${bid.reason.message || bid.reason.code}`);
      }
      const bids = (kind: string): readonly CandidateResult[] =>
        fitting.filter(({ cluster, bid }) => !away.has(cluster) && bid?.kind === kind);
      if (bids('yes').length === 0) return;
      for (const { cluster } of bids('silent')) away.set(cluster, 'it did not answer in time');
      for (const { cluster, bid } of bids('invalid')) {
        if (bid?.kind === 'invalid') away.set(cluster, `its bid does not count: ${bid.reason.message}`);
      }
    },
  };
}

const NOTHING = { seconds: 0, jobs: 0 };

/**
 * A decision that was taken, taken again by another policy, from what was recorded of it; and what many of those come to.
 * Pure. Each decision is looked at by itself: what the other policy would have changed for the jobs after it is not
 * simulated. Waiting time and money are those of the offers, as corrected at the time, of the cluster that was chosen
 * and of the one that would have been; a pair of which one made no offer is not compared.
 */
import type { CorrectedOffer } from '../bid/bid.ts';
import { decide, type Candidate, type Overcommit } from '../decide.ts';
import type { JobFacts, Select } from '../select/policy.ts';

export interface Recorded {
  readonly at: number;
  readonly seed: string;
  readonly chosen: string | null;
  readonly job: JobFacts;
  readonly parameters: Readonly<Record<string, number | string | boolean>>;
  readonly overcommit: Overcommit;
  readonly candidates: readonly (Candidate & { readonly passedOver?: string })[];
}

export interface Replayed {
  readonly from: string;
  /** Null: the other policy would have left it pending. */
  readonly to: string | null;
  /** Seconds from the decision to the start, of both; null where not both made an offer. */
  readonly wait: { readonly recorded: number; readonly replayed: number } | null;
  /** Null where not both named a cost in one currency. */
  readonly cost: { readonly currency: string; readonly recorded: number; readonly replayed: number } | null;
}

/** Null where nothing was chosen then: there is nothing to compare with. */
export function replayOne(recorded: Recorded, select: Select): Replayed | null {
  if (recorded.chosen === null) return null;
  const { candidates, parameters, seed, at: now, job, overcommit } = recorded;
  const open = candidates.filter(({ passedOver }) => passedOver === undefined);
  const { chosen } = decide({ candidates: open, parameters, select, seed, now, job, overcommit });
  return compared(recorded, recorded.chosen, chosen);
}

/** The recorded choice beside another. */
export function compared(recorded: Recorded, from: string, to: string | null): Replayed {
  const offerOf = (name: string | null): CorrectedOffer | null =>
    recorded.candidates.find(({ cluster }) => cluster === name)?.offer ?? null;
  const [was, would] = [offerOf(from), offerOf(to)];
  const wait = (offer: CorrectedOffer): number => Math.max(0, offer.startP50 - recorded.at) / 1000;
  const [paid, price] = [was?.cost ?? null, would?.cost ?? null];
  return {
    from,
    to,
    wait: was === null || would === null ? null : { recorded: wait(was), replayed: wait(would) },
    cost:
      paid === null || price === null || paid.currency !== price.currency
        ? null
        : { currency: paid.currency, recorded: paid.amount, replayed: price.amount },
  };
}

export interface Report {
  decisions: number;
  changed: number;
  unplaced: number;
  compared: number;
  waitRecorded: number;
  waitReplayed: number;
  readonly costs: Map<string, { compared: number; recorded: number; replayed: number }>;
  readonly changes: Map<string, { readonly from: string; readonly to: string | null; decisions: number; wait: number }>;
}

export function emptyReport(): Report {
  return {
    decisions: 0,
    changed: 0,
    unplaced: 0,
    compared: 0,
    waitRecorded: 0,
    waitReplayed: 0,
    costs: new Map(),
    changes: new Map(),
  };
}

/** Adds one to what there is. */
export function addTo(report: Report, { from, to, wait, cost }: Replayed): void {
  report.decisions += 1;
  if (wait !== null) {
    report.compared += 1;
    report.waitRecorded += wait.recorded;
    report.waitReplayed += wait.replayed;
  }
  if (cost !== null) {
    const sum = report.costs.get(cost.currency) ?? { compared: 0, recorded: 0, replayed: 0 };
    report.costs.set(cost.currency, sum);
    sum.compared += 1;
    sum.recorded += cost.recorded;
    sum.replayed += cost.replayed;
  }
  // Where one made no offer, what the other policy chose is a guess: it counts as not compared, in decisions alone.
  if (to === from || (to !== null && wait === null)) return;
  if (to === null) report.unplaced += 1;
  else report.changed += 1;
  const key = JSON.stringify([from, to]);
  const change = report.changes.get(key) ?? { from, to, decisions: 0, wait: 0 };
  report.changes.set(key, change);
  change.decisions += 1;
  change.wait += wait === null ? 0 : wait.replayed - wait.recorded;
}

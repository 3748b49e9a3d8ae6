/**
 * A decision as it is stored: JSON of bounded size. Candidates that mattered come first (the chosen one, then those
 * that could, then unknown, then those that could not); beyond `MOST_CANDIDATES` they are only counted, in a note.
 */
import type { Bid, Offer } from '../core/bid/bid.ts';
import type { CandidateResult, DecisionRecord } from './scheduler.ts';

export const MOST_CANDIDATES = 200;
const MOST_REASONS = 20;
/** Of one price, and characters of each. */
const MOST_PARTS = 8;
const MOST_WORDS = 100;
/** Characters of one candidate's state, as JSON. */
const MOST_STATE = 4_096;

export function writeDecision(decision: DecisionRecord): string {
  return JSON.stringify(bounded(decision));
}

export function bounded(decision: DecisionRecord): DecisionRecord {
  const ranked = decision.candidates
    .map((candidate, place) => ({ candidate, place, rank: rankOf(candidate, decision.chosen) }))
    .sort((a, b) => a.rank - b.rank || a.place - b.place)
    .map(({ candidate }) => candidate);
  const kept = ranked.slice(0, MOST_CANDIDATES).map(boundedCandidate);
  const left = ranked.slice(MOST_CANDIDATES);
  const notes = decision.notes.slice(0, MOST_CANDIDATES);
  if (left.length > 0) {
    const count = (fits: string): number => left.filter(({ satisfiable }) => satisfiable.fits === fits).length;
    notes.push(
      `${left.length} more clusters are left out of this record: ${count('yes')} that fit, ${count('unknown')} unknown, ` +
        `${count('no')} that do not`,
    );
  }
  return { ...decision, candidates: kept, order: decision.order.slice(0, MOST_CANDIDATES), notes };
}

function rankOf(candidate: CandidateResult, chosen: string | null): number {
  if (candidate.cluster === chosen) return 0;
  return { yes: 1, unknown: 2, no: 3 }[candidate.satisfiable.fits];
}

function boundedCandidate(candidate: CandidateResult): CandidateResult {
  return isBounded(candidate) ? candidate : cutCandidate(candidate);
}

/** Nearly all of those that were not asked for a bid: writing them anew would cost as much as their JSON. */
function isBounded({ satisfiable, startable, state, bid, moved, offer }: CandidateResult): boolean {
  const fewReasons = satisfiable.reasons.length <= MOST_REASONS && startable.reasons.length <= MOST_REASONS;
  return fewReasons && bid === undefined && moved === undefined && offer === undefined && isSurelySmall(state);
}

function cutCandidate(candidate: CandidateResult): CandidateResult {
  return {
    cluster: candidate.cluster,
    satisfiable: { ...candidate.satisfiable, reasons: candidate.satisfiable.reasons.slice(0, MOST_REASONS) },
    startable: { ...candidate.startable, reasons: candidate.startable.reasons.slice(0, MOST_REASONS) },
    state: boundedState(candidate.state),
    ...(candidate.hasState === undefined ? {} : { hasState: candidate.hasState }),
    ...(candidate.graphVersion === undefined ? {} : { graphVersion: candidate.graphVersion }),
    ...(candidate.bid === undefined ? {} : { bid: boundedBid(candidate.bid) }),
    ...(candidate.moved === undefined ? {} : { moved: withoutParts(candidate.moved) }),
    ...(candidate.offer === undefined ? {} : { offer: withoutParts(candidate.offer) }),
    ...(candidate.passedOver === undefined ? {} : { passedOver: candidate.passedOver }),
  };
}

/** How a price is made up is kept once, as the cluster said it. */
function boundedBid(bid: Bid): Bid {
  if (bid.kind !== 'yes' || bid.offer.cost === null) return bid;
  const { cost } = bid.offer;
  const parts = cost.parts
    .slice(0, MOST_PARTS)
    .map(({ what, amount }) => ({ what: what.slice(0, MOST_WORDS), amount }));
  return { ...bid, offer: { ...bid.offer, cost: { ...cost, parts } } };
}

function withoutParts<O extends Offer>(offer: O | null): O | null {
  return offer === null || offer.cost === null ? offer : { ...offer, cost: { ...offer.cost, parts: [] } };
}

function boundedState(state: Readonly<Record<string, unknown>>): Readonly<Record<string, unknown>> {
  if (isSurelySmall(state)) return state;
  let left = MOST_STATE;
  const kept: Record<string, unknown> = {};
  // Ours stand last in the state and weigh least: they go in first.
  for (const [key, value] of Object.entries(state).sort(([a], [b]) => Number(isOurs(b)) - Number(isOurs(a)))) {
    left -= key.length + (JSON.stringify(value) ?? '').length + 4;
    if (left < 0) return { ...kept, rainbow_state_cut: true };
    kept[key] = value;
  }
  return kept;
}

/** Without writing it out: a character is at most six in JSON, a number at most 25. */
function isSurelySmall(state: Readonly<Record<string, unknown>>): boolean {
  let most = 0;
  for (const key in state) {
    const value = state[key];
    if (typeof value === 'string') most += 6 * value.length;
    else if (typeof value !== 'number') return false;
    most += 6 * key.length + 25;
  }
  return most <= MOST_STATE;
}

function isOurs(key: string): boolean {
  return key.startsWith('rainbow_');
}

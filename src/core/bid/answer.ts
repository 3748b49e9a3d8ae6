/**
 * What a cluster answered, judged: an agent is not ours to trust, so nothing of what it says reaches a policy before it
 * was seen to be possible. An answer that cannot be one becomes a bid of kind `invalid`, which says why and is counted
 * against the cluster; it never stops the decision.
 */
import type { Reason } from '../job/state.ts';
import type { Bid, Cost, Offer } from './bid.ts';

/** As it came, numbers and texts of any kind; times in milliseconds since 1970 by the server's clock. */
export type Answer =
  | { readonly kind: 'yes'; readonly id: string; readonly offer: Offer; readonly expiresAt: number }
  | { readonly kind: 'no'; readonly id: string; readonly reason: Reason };

export interface Asked {
  /** When the answer came. */
  readonly now: number;
  /** Seconds; null: the cluster decides that, and it shows in its bid. */
  readonly walltime: number | null;
}

/** Clocks and delays on the way: a start this much before now is a start now. Milliseconds. */
export const SKEW = 60_000;
/** No queue is longer, and no offer holds longer. Milliseconds. */
const FARTHEST_START = 366 * 24 * 3_600_000;
const LONGEST_RUN = FARTHEST_START;
const LONGEST_VALIDITY = 3_600_000;
const LARGEST_AMOUNT = 1e12;
const MOST_PARTS = 32;
const LONGEST_TEXT = 200;

export function judgeAnswer(answer: Answer, { now, walltime }: Asked): Bid {
  if (!isText(answer.id, 100)) return unusable('its id is missing or longer than 100 characters');
  if (answer.kind === 'no') return { kind: 'no', id: answer.id, reason: answer.reason };
  const { offer, expiresAt } = answer;
  const problem =
    timesProblem(offer, now, walltime) ??
    (offer.cost === null ? null : costProblem(offer.cost)) ??
    (Number.isFinite(expiresAt) && expiresAt > now ? null : 'it had expired when it came');
  if (problem !== null) return unusable(problem);
  const startP50 = Math.max(now, offer.startP50);
  return {
    kind: 'yes',
    id: answer.id,
    offer: { ...offer, startP50, startP90: Math.max(startP50, offer.startP90) },
    expiresAt: Math.min(expiresAt, now + LONGEST_VALIDITY),
    byProxy: false,
  };
}

function timesProblem({ startP50, startP90, end }: Offer, now: number, walltime: number | null): string | null {
  if (![startP50, startP90, end].every(Number.isFinite)) return 'a time of it is no number';
  if (startP50 < now - SKEW) return `it would start ${seconds(now - startP50)} s ago`;
  if (startP90 < startP50)
    return `its P90 (in ${seconds(startP90 - now)} s) is before its P50 (in ${seconds(startP50 - now)} s)`;
  if (startP90 > now + FARTHEST_START) return `it would start only in ${seconds(startP90 - now)} s`;
  if (walltime === null) {
    if (end < startP50) return `it would end (in ${seconds(end - now)} s) before it starts`;
    return end > startP90 + LONGEST_RUN ? `it would end only in ${seconds(end - now)} s` : null;
  }
  if (end < startP50 + walltime * 1000 - SKEW) return `it would end before the walltime of ${walltime} s is over`;
  if (end > startP90 + walltime * 1000 + SKEW) return `it would end after its start and the walltime of ${walltime} s`;
  return null;
}

function costProblem({ amount, currency, parts }: Cost): string | null {
  if (!Number.isFinite(amount)) return 'its cost is no number';
  if (amount < 0) return `its cost is negative (${amount})`;
  if (amount > LARGEST_AMOUNT) return `its cost is absurd (${amount})`;
  if (!isText(currency, 16) || /[\s\p{C}]/u.test(currency)) return 'its currency is no word of up to 16 characters';
  if (parts.length > MOST_PARTS) return `its cost has ${parts.length} parts, more than ${MOST_PARTS}`;
  if (!parts.every((part) => Number.isFinite(part.amount) && isText(part.what, LONGEST_TEXT))) {
    return 'a part of its cost has no amount, or no words of up to 200 characters';
  }
  const sum = parts.reduce((sum, part) => sum + part.amount, 0);
  // To the cent, or to what float64 keeps of larger amounts.
  if (Math.abs(sum - amount) > Math.max(0.01, amount * 1e-6))
    return `the parts of its cost add up to ${sum}, not ${amount}`;
  return null;
}

function isText(value: unknown, longest: number): value is string {
  return typeof value === 'string' && value.length > 0 && value.length <= longest;
}

function unusable(problem: string): Bid {
  return { kind: 'invalid', reason: { code: 'invalid_bid', message: `the bid cannot be used: ${problem}` } };
}

function seconds(ms: number): number {
  return Math.round(ms / 1000);
}

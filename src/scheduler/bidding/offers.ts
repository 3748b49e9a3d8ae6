/**
 * From what a cluster said to what a policy sees: moved by the work that was sent there since it was asked, never before
 * now, then corrected by the cluster's record. Pure but for what it is handed.
 */
import type { Bid, CorrectedOffer, Offer } from '../../core/bid/bid.ts';

export interface MovedOffer {
  readonly offer: Offer;
  /** For people; empty: not moved. */
  readonly why: string;
}

/** `since`: what the cluster did not know of when it was asked. */
export function movedOffer(
  said: Offer,
  startable: boolean,
  since: { readonly seconds: number; readonly jobs: number },
  now: number,
): MovedOffer {
  // While it would still start at once on what is free, those before it delay nothing.
  const shift = startable ? 0 : Math.round(since.seconds * 1000);
  const startP50 = Math.max(now, said.startP50 + shift);
  const startP90 = Math.max(startP50, said.startP90 + shift);
  const offer = { ...said, startP50, startP90, end: startP50 + Math.max(0, said.end - said.startP50) };
  if (shift < 1000) return { offer, why: '' };
  const jobs = since.jobs === 1 ? '1 job was' : `${since.jobs} jobs were`;
  return { offer, why: `${spanText(shift)} later: ${jobs} sent there since it was asked` };
}

export interface SeenBid {
  readonly bid: Bid;
  /** As moved, not corrected: what the cluster's record is measured by. Null unless it said yes. */
  readonly moved: Offer | null;
  readonly offer: CorrectedOffer | null;
}

export function spanText(ms: number): string {
  const seconds = Math.round(ms / 1000);
  if (seconds < 90) return `${seconds} s`;
  const minutes = Math.round(seconds / 60);
  if (minutes < 90) return `${minutes} min`;
  return `${Math.round(minutes / 6) / 10} h`;
}

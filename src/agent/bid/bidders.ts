/** The bidders by their runner's name; a runner without one is bid for by the server. */
import type { Bidder, BidderParts } from './bidder.ts';
import { createQueueBidder } from './queue-bidder.ts';

export const bidders: Readonly<Record<string, (parts: BidderParts) => Bidder | null>> = Object.assign(
  Object.create(null),
  { process: createQueueBidder, slurm: createQueueBidder, flux: createQueueBidder },
);

/** Null where this cluster cannot say. */
export function bidderFor(runner: string, parts: BidderParts): Bidder | null {
  return bidders[runner]?.(parts) ?? null;
}

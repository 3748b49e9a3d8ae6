/** The bidders by their runner's name; a runner without one is bid for by the server. */
import type { Tariff } from '../../core/bid/tariff.ts';
import type { System } from '../../system/system.ts';
import type { Order, Runner } from '../runners/runner.ts';
import type { Bidder } from './bidder.ts';
import { createQueueBidder } from './queue-bidder.ts';

export interface BidderParts {
  readonly runner: Runner;
  /** Null: what a job costs is not known here. */
  readonly tariff: Tariff | null;
  /** Taken from the server, and not in the runner's queue yet. */
  readonly coming: () => readonly Order[];
  readonly system: System;
}

export const bidders: Readonly<Record<string, (parts: BidderParts) => Bidder | null>> = Object.assign(
  Object.create(null),
  { process: createQueueBidder, slurm: createQueueBidder, flux: createQueueBidder },
);

/** Null where this cluster cannot say. */
export function bidderFor(runner: string, parts: BidderParts): Bidder | null {
  return bidders[runner]?.(parts) ?? null;
}

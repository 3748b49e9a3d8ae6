/** Bids, offers and records on the wire. */
import type { MessageInitShape } from '@bufbuild/protobuf';
import { timestampFromMs } from '@bufbuild/protobuf/wkt';
import type { Bid, Cost, Offer } from '../../core/bid/bid.ts';
import * as wire from '../../gen/rainbow/v1/bid_pb.js';
import type { CandidateResult } from '../../scheduler/scheduler.ts';
import type { ClassSummary } from '../../scheduler/bidding/record.ts';

const KINDS: Readonly<Record<Bid['kind'], wire.BidKind>> = {
  yes: wire.BidKind.YES,
  no: wire.BidKind.NO,
  silent: wire.BidKind.SILENT,
  invalid: wire.BidKind.INVALID,
};

/** Null where it was not asked. */
export function bidToWire({ bid, offer = null }: CandidateResult): MessageInitShape<typeof wire.BidSchema> | null {
  if (bid === undefined) return null;
  const kind = KINDS[bid.kind];
  if (bid.kind === 'silent') return { kind };
  if (bid.kind === 'invalid') return { kind, reason: { ...bid.reason } };
  if (bid.kind === 'no') return { kind, id: bid.id, reason: { ...bid.reason } };
  return {
    kind,
    id: bid.id,
    offer: offerToWire(bid.offer),
    expiresAt: timestampFromMs(bid.expiresAt),
    byProxy: bid.byProxy,
    ...(offer === null ? {} : { corrected: offerToWire(offer), correction: offer.correction }),
  };
}

function offerToWire({ startP50, startP90, end, cost }: Offer): MessageInitShape<typeof wire.OfferSchema> {
  const at = (ms: number) => timestampFromMs(Math.round(ms));
  return {
    startP50: at(startP50),
    startP90: at(startP90),
    end: at(end),
    ...(cost === null ? {} : { cost: costToWire(cost) }),
  };
}

function costToWire({ amount, currency, parts }: Cost): MessageInitShape<typeof wire.BidCostSchema> {
  return { amount, currency, parts: parts.map((part) => ({ what: part.what, amount: part.amount })) };
}

export function calibrationToWire(summary: ClassSummary): MessageInitShape<typeof wire.CalibrationSchema> {
  return {
    shapeClass: summary.shapeClass,
    jobs: summary.jobs,
    bias: summary.bias ?? 0,
    coverageP50: summary.coverageP50 ?? 0,
    coverageP90: summary.coverageP90 ?? 0,
    sharpness: summary.sharpness ?? 0,
    costRatio: summary.costRatio ?? 0,
    correction: summary.correction,
  };
}

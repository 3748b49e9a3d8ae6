/**
 * What a stored decision says of the bid that led to it, and what of it is kept once the job has started and ended.
 * The decision is the truth, in the same transaction as the assignment; this only looks it up again. Pure.
 */
import type { Offer } from '../../core/bid/bid.ts';
import type { BidOutcome, ClusterRef, JobRecord } from '../../store/store.ts';
import type { DecisionRecord } from '../scheduler.ts';

export interface LedBy {
  readonly shapeClass: string;
  readonly shape: string;
  readonly decidedAt: number;
  readonly offer: Offer;
}

/** Null where no offer led to it. */
export function ledBy(decision: DecisionRecord): LedBy | null {
  const chosen = decision.candidates.find(({ cluster }) => cluster === decision.chosen);
  const moved = chosen?.moved ?? null;
  if (moved === null || chosen?.bid?.kind !== 'yes') return null;
  return { shapeClass: decision.shapeClass ?? '', shape: decision.shape ?? '', decidedAt: decision.at, offer: moved };
}

/** Null where it has not started. The cost is that of the bid in the proportion of the time that it ran. */
export function outcomeOf(job: JobRecord, led: LedBy): BidOutcome | null {
  if (job.startedAt === null || job.cluster === null || job.clusterId === null) return null;
  const { cost } = led.offer;
  const promised = led.offer.end - led.offer.startP50;
  const ran = job.endedAt === null ? null : Math.max(0, job.endedAt - job.startedAt);
  return {
    jobId: job.id,
    epoch: job.epoch,
    cluster: { name: job.cluster, id: job.clusterId },
    shapeClass: led.shapeClass,
    decidedAt: led.decidedAt,
    startP50: led.offer.startP50,
    startP90: led.offer.startP90,
    startedAt: job.startedAt,
    neverStarted: false,
    endedAt: job.endedAt,
    currency: cost?.currency ?? null,
    costBid: cost?.amount ?? null,
    costActual: cost === null || ran === null || promised <= 0 ? null : (cost.amount * ran) / promised,
  };
}

/** It left the cluster, or ended, without having started there. */
export function neverStarted(job: JobRecord, epoch: number, cluster: ClusterRef, led: LedBy, now: number): BidOutcome {
  const { cost } = led.offer;
  return {
    jobId: job.id,
    epoch,
    cluster,
    shapeClass: led.shapeClass,
    decidedAt: led.decidedAt,
    startP50: led.offer.startP50,
    startP90: led.offer.startP90,
    startedAt: now,
    neverStarted: true,
    endedAt: null,
    currency: cost?.currency ?? null,
    costBid: cost?.amount ?? null,
    costActual: null,
  };
}

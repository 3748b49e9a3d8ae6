/** GetRecord: how a cluster's bids compare with what happened. Anybody who may list clusters may know. */
import type { BidService } from '../../gen/rainbow/v1/bid_pb.js';
import { isName } from '../../core/names.ts';
import type { Handlers } from '../call.ts';
import { existing, noSuchCluster } from '../clusters/admit.ts';
import type { Parts } from '../parts.ts';
import { calibrationToWire } from './convert.ts';

export function getRecord(parts: Parts): Handlers<typeof BidService>['getRecord'] {
  return async (request, call) => {
    parts.authenticator.principal(call);
    if (!isName(request.cluster)) throw noSuchCluster(request.cluster);
    const cluster = existing(parts, request.cluster);
    const { counts, summaries } = await parts.scheduler.bidding.record(cluster);
    return {
      cluster: cluster.name,
      counts: Object.fromEntries(Object.entries(counts).map(([kind, count]) => [kind, String(count)])),
      calibrations: summaries.map(calibrationToWire),
    };
  };
}

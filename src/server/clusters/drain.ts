/** Drain: the cluster gets no new jobs until it is resumed; what it holds goes on. */
import type { ClusterService } from '../../gen/rainbow/v1/clusters_pb.js';
import type { Handlers } from '../call.ts';
import { checkText } from '../input.ts';
import type { Parts } from '../parts.ts';
import { admit } from './admit.ts';
import { clusterToWire } from './convert.ts';

export function drain(parts: Parts): Handlers<typeof ClusterService>['drain'] {
  return async (request, call) => {
    const { name, service } = admit(parts, call, request.cluster, request.secret);
    const reason = checkText(request.reason, 'reason');
    const drained = { at: service.drained?.at ?? parts.system.clock.now(), reason };
    const cluster = await parts.scheduler.registry.setService(name, { ...service, drained }, 'drained');
    parts.log.info({ cluster: name, reason }, 'drain cluster');
    return clusterToWire(parts, cluster);
  };
}

/** Resume: a drained cluster gets jobs again. Windows of maintenance stay. */
import type { ClusterService } from '../../gen/rainbow/v1/clusters_pb.js';
import type { Handlers } from '../call.ts';
import type { Parts } from '../parts.ts';
import { admit } from './admit.ts';
import { clusterToWire } from './convert.ts';

export function resume(parts: Parts): Handlers<typeof ClusterService>['resume'] {
  return async (request, call) => {
    const { name, service } = admit(parts, call, request.cluster, request.secret);
    if (service.drained === null) return clusterToWire(parts, parts.scheduler.registry.get(name)!);
    const cluster = await parts.scheduler.registry.setService(name, { ...service, drained: null }, 'resumed');
    parts.log.info({ cluster: name }, 'resume cluster');
    return clusterToWire(parts, cluster);
  };
}

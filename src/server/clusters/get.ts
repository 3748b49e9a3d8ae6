/** Get: one cluster. */
import type { ClusterService } from '../../gen/rainbow/v1/clusters_pb.js';
import type { Handlers } from '../call.ts';
import type { Parts } from '../parts.ts';
import { existing, noSuchCluster } from './admit.ts';
import { clusterToWire } from './convert.ts';
import { isName } from '../../core/names.ts';

export function get(parts: Parts): Handlers<typeof ClusterService>['get'] {
  return async (request, call) => {
    parts.authenticator.principal(call);
    if (!isName(request.name)) throw noSuchCluster(request.name);
    const cluster = existing(parts, request.name);
    const jobs = await parts.store.jobs.countsByCluster();
    return clusterToWire(parts, cluster, jobs.get(cluster.name));
  };
}

/** List: every cluster, by name. Anybody may ask, as anybody may ask which clusters hold a jobspec. */
import type { ClusterService } from '../../gen/rainbow/v1/clusters_pb.js';
import type { Handlers } from '../call.ts';
import type { Parts } from '../parts.ts';
import { clusterToWire } from './convert.ts';

export function list(parts: Parts): Handlers<typeof ClusterService>['list'] {
  return async (_request, call) => {
    parts.authenticator.principal(call);
    const jobs = await parts.store.jobs.countsByCluster();
    const clusters = [...parts.scheduler.registry.list()].sort((a, b) => (a.name < b.name ? -1 : 1));
    return { clusters: clusters.map((cluster) => clusterToWire(parts, cluster, jobs.get(cluster.name))) };
  };
}

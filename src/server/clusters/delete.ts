/** Delete: the cluster with all that hangs on it; its jobs go back to pending, or are canceled where it holds them. */
import type { ClusterService } from '../../gen/rainbow/v1/clusters_pb.js';
import type { Handlers } from '../call.ts';
import type { Parts } from '../parts.ts';
import { admit } from './admit.ts';

export function deleteCluster(parts: Parts): Handlers<typeof ClusterService>['delete'] {
  return async (request, call) => {
    const { name } = admit(parts, call, request.name, request.secret);
    const { returned, canceled } = await parts.scheduler.registry.delete(name);
    parts.log.info({ cluster: name, returned: returned.length, canceled: canceled.length }, 'delete cluster');
    return { jobsReturned: returned.length, jobsCanceled: canceled.length };
  };
}

/** UpdateState: flat facts, merged into those there are; the answer is all of them. */
import { invalid } from '../../core/errors.ts';
import type { ClusterService } from '../../gen/rainbow/v1/clusters_pb.js';
import type { Handlers } from '../call.ts';
import { checkState } from '../input.ts';
import { structOf } from '../jobs/convert.ts';
import type { Parts } from '../parts.ts';
import { admit } from './admit.ts';

export function updateState(parts: Parts): Handlers<typeof ClusterService>['updateState'] {
  return async (request, call) => {
    const { name } = admit(parts, call, request.cluster, request.secret);
    if (request.state === undefined) throw invalid('state', 'is missing; send an object of flat keys');
    const cluster = await parts.scheduler.registry.mergeState(name, checkState(request.state, 'state'));
    parts.scheduler.registry.seen(name);
    return { state: structOf(cluster.state ?? {}) };
  };
}

/** RegisterSubsystem: a second graph, linked to the cluster's vertices. */
import { invalid } from '../../core/errors.ts';
import type { ClusterService } from '../../gen/rainbow/v1/clusters_pb.js';
import type { Handlers } from '../call.ts';
import type { Parts } from '../parts.ts';
import { admit } from './admit.ts';
import { clusterToWire } from './convert.ts';
import { checkSubsystem } from './subsystem-name.ts';

export function registerSubsystem(parts: Parts): Handlers<typeof ClusterService>['registerSubsystem'] {
  return async (request, call) => {
    const { name } = admit(parts, call, request.cluster, request.secret);
    const subsystem = checkSubsystem(request.subsystem, 'subsystem');
    if (request.graph === '') throw invalid('graph', 'is empty; send the subsystem as JGF version 2 text');
    const cluster = await parts.scheduler.registry.putSubsystem(name, subsystem, request.graph, request.replace);
    parts.log.info({ cluster: name, subsystem }, 'register subsystem');
    return { cluster: clusterToWire(parts, cluster) };
  };
}

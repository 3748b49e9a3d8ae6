/** DeleteSubsystem: with its links. */
import type { ClusterService } from '../../gen/rainbow/v1/clusters_pb.js';
import type { Handlers } from '../call.ts';
import type { Parts } from '../parts.ts';
import { admit } from './admit.ts';
import { checkSubsystem } from './subsystem-name.ts';

export function deleteSubsystem(parts: Parts): Handlers<typeof ClusterService>['deleteSubsystem'] {
  return async (request, call) => {
    const { name } = admit(parts, call, request.cluster, request.secret);
    const subsystem = checkSubsystem(request.subsystem, 'subsystem');
    await parts.scheduler.registry.deleteSubsystem(name, subsystem);
    parts.log.info({ cluster: name, subsystem }, 'delete subsystem');
    return {};
  };
}

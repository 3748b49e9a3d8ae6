/** Update: sets the group's clusters; its token stays. */
import { checkName } from '../../core/names.ts';
import type { GroupService } from '../../gen/rainbow/v1/groups_pb.js';
import type { Handlers } from '../call.ts';
import type { Parts } from '../parts.ts';
import { clustersFromWire, groupToWire } from './convert.ts';

export function update(parts: Parts): Handlers<typeof GroupService>['update'] {
  return async (request, call) => {
    parts.authenticator.operator(call);
    const name = checkName(request.name, 'name');
    const clusters = clustersFromWire(request.clusters);
    const group = await parts.store.groups.update(name, clusters, parts.system.clock.now());
    parts.scheduler.groupsChanged();
    parts.log.info({ group: name, clusters: clusters.length }, 'update group');
    return groupToWire(group);
  };
}

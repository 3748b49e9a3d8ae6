/** Create: a group and its token, which is shown in this answer only. */
import { checkName } from '../../core/names.ts';
import type { GroupService } from '../../gen/rainbow/v1/groups_pb.js';
import type { Handlers } from '../call.ts';
import type { Parts } from '../parts.ts';
import { hashSecret, newUuid } from '../secrets.ts';
import { clustersFromWire, groupToWire } from './convert.ts';

export function create(parts: Parts): Handlers<typeof GroupService>['create'] {
  return async (request, call) => {
    parts.authenticator.operator(call);
    const token = newUuid(parts.system.entropy);
    const group = await parts.store.groups.create({
      name: checkName(request.name, 'name'),
      tokenHash: hashSecret(token),
      clusters: clustersFromWire(request.clusters),
      at: parts.system.clock.now(),
    });
    parts.log.info({ group: group.name, clusters: group.clusters.length }, 'create group');
    return { group: groupToWire(group), token };
  };
}

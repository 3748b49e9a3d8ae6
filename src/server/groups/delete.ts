/** Delete: the group and its token; its clusters stay. */
import { RainbowError } from '../../core/errors.ts';
import { checkName } from '../../core/names.ts';
import type { GroupService } from '../../gen/rainbow/v1/groups_pb.js';
import type { Handlers } from '../call.ts';
import type { Parts } from '../parts.ts';

export function deleteGroup(parts: Parts): Handlers<typeof GroupService>['delete'] {
  return async (request, call) => {
    parts.authenticator.operator(call);
    const name = checkName(request.name, 'name');
    if (!(await parts.store.groups.delete(name, parts.system.clock.now()))) {
      throw new RainbowError('not_found', `there is no cluster group ${JSON.stringify(name)}`);
    }
    parts.log.info({ group: name }, 'delete group');
    return {};
  };
}

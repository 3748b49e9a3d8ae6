/** List: every group, without its token. */
import type { GroupService } from '../../gen/rainbow/v1/groups_pb.js';
import type { Handlers } from '../call.ts';
import type { Parts } from '../parts.ts';
import { groupToWire } from './convert.ts';

export function list(parts: Parts): Handlers<typeof GroupService>['list'] {
  return async (_request, call) => {
    parts.authenticator.operator(call);
    return { groups: (await parts.store.groups.list()).map(groupToWire) };
  };
}

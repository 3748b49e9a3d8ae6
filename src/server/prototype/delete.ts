/** Delete: the caller's cluster, with all that hangs on it. */
import type { RainbowScheduler } from '../../gen/prototype/rainbow_pb.js';
import { DeleteResponse_ResultType as Result } from '../../gen/prototype/rainbow_pb.js';
import type { Handlers } from '../call.ts';
import type { Parts } from '../parts.ts';
import { required } from './messages.ts';

export function deleteCluster(parts: Parts): Handlers<typeof RainbowScheduler>['delete'] {
  return async (request, call) => {
    if (request.name === '' || request.secret === '') throw required('cluster name and secret are required');
    const { name } = parts.authenticator.cluster(request.name, request.secret, call);
    const { returned, canceled } = await parts.scheduler.registry.delete(name);
    parts.log.info({ cluster: name, returned: returned.length, canceled: canceled.length }, 'delete cluster');
    return { status: Result.DELETE_SUCCESS };
  };
}

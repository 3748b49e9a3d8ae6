/** RegisterSubsystem: a second graph for a cluster, with the cluster's own secret. */
import { RainbowError } from '../../core/errors.ts';
import type { RainbowScheduler } from '../../gen/prototype/rainbow_pb.js';
import { RegisterResponse_ResultType as Result } from '../../gen/prototype/rainbow_pb.js';
import type { Handlers } from '../call.ts';
import { checkSubsystem } from '../clusters/subsystem-name.ts';
import type { Parts } from '../parts.ts';
import { newUuid } from '../secrets.ts';
import { invalidNodes, required } from './messages.ts';

export function registerSubsystem(parts: Parts): Handlers<typeof RainbowScheduler>['registerSubsystem'] {
  return async (request, call) => {
    const { name, secret, nodes, subsystem } = request;
    if (name === '' || secret === '' || nodes === '' || subsystem === '') {
      throw required('subsystem nodes, name, cluster name and secret are required');
    }
    parts.authenticator.cluster(name, secret, call);
    checkSubsystem(subsystem, 'subsystem');
    try {
      await parts.scheduler.registry.putSubsystem(name, subsystem, nodes, false);
    } catch (error) {
      if (error instanceof RainbowError && error.code === 'already_exists') {
        throw new RainbowError('already_exists', `subsystem ${subsystem} already exists for cluster ${name}`, {
          cause: error,
        });
      }
      throw invalidNodes(error);
    }
    parts.log.info({ cluster: name, subsystem }, 'register subsystem');
    return { requestId: newUuid(parts.system.entropy), status: Result.REGISTER_SUCCESS };
  };
}

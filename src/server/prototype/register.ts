/**
 * Register: the server's secret and a JGF graph in; a secret and a token out, once. A name that is registered already
 * is not an error here: OK with REGISTER_EXISTS and nothing else.
 */
import { RainbowError } from '../../core/errors.ts';
import { checkName } from '../../core/names.ts';
import type { RainbowScheduler } from '../../gen/prototype/rainbow_pb.js';
import { RegisterResponse_ResultType as Result } from '../../gen/prototype/rainbow_pb.js';
import type { Handlers } from '../call.ts';
import type { Parts } from '../parts.ts';
import { hashSecret, newUuid } from '../secrets.ts';
import { DOMINANT } from '../clusters/subsystem-name.ts';
import { invalidNodes, required, wellFormed } from './messages.ts';

/** Characters of a graph that is parsed only to be refused: some 10 ms. */
const PARSED_FOR_NOTHING = 1 << 20;

export function register(parts: Parts): Handlers<typeof RainbowScheduler>['register'] {
  const { registry } = parts.scheduler;
  return async (request, call) => {
    const requestId = newUuid(parts.system.entropy);
    const exists = { requestId, status: Result.REGISTER_EXISTS };
    parts.authenticator.server(request.secret, call);
    if (request.nodes === '') throw required('cluster nodes are required');
    if (request.name === '') throw required('cluster name is required');
    const name = checkName(request.name, 'name');
    if (request.subsystem !== '' && request.subsystem !== DOMINANT) {
      throw required('subsystem: register a cluster without one, then call RegisterSubsystem with the secret it got');
    }
    if (registry.get(name) !== null) {
      // The graph is of no use here: a large one is not worth holding everybody up to see whether it is JSON.
      if (request.nodes.length <= PARSED_FOR_NOTHING) wellFormed(request.nodes);
      return exists;
    }

    const secret = newUuid(parts.system.entropy);
    const token = parts.settings.globalToken ?? newUuid(parts.system.entropy);
    try {
      await registry.register({
        name,
        secretHash: hashSecret(secret),
        tokenHash: hashSecret(token),
        graph: request.nodes,
      });
    } catch (error) {
      // Lost a race for the name; a name that a group has is still an error.
      if (error instanceof RainbowError && error.code === 'already_exists' && registry.get(name) !== null)
        return exists;
      throw invalidNodes(error);
    }
    parts.log.info({ cluster: name, requestId }, 'register');
    return { requestId, secret, token, status: Result.REGISTER_SUCCESS };
  };
}

/**
 * UpdateState: flat facts as JSON text, merged. The prototype's Python client encodes a file's content twice, so a
 * JSON text that holds an object is taken as that object.
 */
import { RainbowError } from '../../core/errors.ts';
import type { RainbowScheduler } from '../../gen/prototype/rainbow_pb.js';
import { UpdateStateResponse_ResultType as Result } from '../../gen/prototype/rainbow_pb.js';
import type { Handlers } from '../call.ts';
import { checkState } from '../input.ts';
import type { Parts } from '../parts.ts';
import { required } from './messages.ts';

export function updateState(parts: Parts): Handlers<typeof RainbowScheduler>['updateState'] {
  return async (request, call) => {
    const { cluster, secret, payload } = request;
    if (cluster === '' || secret === '' || payload === '') {
      throw required('cluster, name, secret, and state file payload are required');
    }
    parts.authenticator.cluster(cluster, secret, call);
    await parts.scheduler.registry.mergeState(cluster, checkState(readObject(payload), 'payload'));
    parts.scheduler.registry.seen(cluster);
    return { status: Result.UPDATE_STATE_SUCCESS };
  };
}

function readObject(payload: string): object {
  let value: unknown;
  try {
    value = JSON.parse(payload);
    if (typeof value === 'string') value = JSON.parse(value);
  } catch (error) {
    throw new RainbowError('invalid_input', `is not JSON: ${(error as Error).message}`, {
      place: 'payload',
      cause: error,
    });
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw new RainbowError('invalid_input', 'is not a JSON object of flat keys', { place: 'payload' });
  }
  return value;
}

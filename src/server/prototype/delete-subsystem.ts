/** DeleteSubsystem: one subsystem of the caller's cluster, with its links. */
import { RainbowError } from '../../core/errors.ts';
import type { RainbowScheduler } from '../../gen/prototype/rainbow_pb.js';
import { DeleteResponse_ResultType as Result } from '../../gen/prototype/rainbow_pb.js';
import type { Handlers } from '../call.ts';
import { checkSubsystem, DOMINANT } from '../clusters/subsystem-name.ts';
import type { Parts } from '../parts.ts';
import { required } from './messages.ts';

export function deleteSubsystem(parts: Parts): Handlers<typeof RainbowScheduler>['deleteSubsystem'] {
  return async (request, call) => {
    const subsystem = request.subsytem;
    if (request.name === '' || request.secret === '') throw required('cluster name and secret are required');
    const cluster = parts.authenticator.cluster(request.name, request.secret, call);
    if (subsystem === DOMINANT) checkSubsystem(subsystem, 'subsytem');
    if (!cluster.subsystems.includes(subsystem)) throw none(cluster.name, subsystem);
    try {
      await parts.scheduler.registry.deleteSubsystem(cluster.name, subsystem);
    } catch (error) {
      if (error instanceof RainbowError && error.code === 'not_found') throw none(cluster.name, subsystem);
      throw error;
    }
    parts.log.info({ cluster: cluster.name, subsystem }, 'delete subsystem');
    return { status: Result.DELETE_SUCCESS };
  };
}

function none(cluster: string, subsystem: string): RainbowError {
  const shown = subsystem.length > 80 ? `${subsystem.slice(0, 80)}…` : subsystem;
  return new RainbowError('not_found', `cluster graph ${cluster} does not have subsystem ${shown}`);
}

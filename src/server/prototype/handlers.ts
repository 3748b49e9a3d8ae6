/** RainbowScheduler, the prototype's service, one file per call. */
import { RainbowScheduler } from '../../gen/prototype/rainbow_pb.js';
import { bind, type Binding } from '../call.ts';
import type { Parts } from '../parts.ts';
import { acceptJobs } from './accept-jobs.ts';
import { deleteCluster } from './delete.ts';
import { deleteSubsystem } from './delete-subsystem.ts';
import { receiveJobs } from './receive-jobs.ts';
import { register } from './register.ts';
import { registerSubsystem } from './register-subsystem.ts';
import { submitJob } from './submit-job.ts';
import { updateState } from './update-state.ts';

export function prototypeHandlers(parts: Parts): Binding {
  return bind(RainbowScheduler, {
    register: register(parts),
    delete: deleteCluster(parts),
    registerSubsystem: registerSubsystem(parts),
    deleteSubsystem: deleteSubsystem(parts),
    submitJob: submitJob(parts),
    updateState: updateState(parts),
    receiveJobs: receiveJobs(parts),
    acceptJobs: acceptJobs(parts),
  });
}

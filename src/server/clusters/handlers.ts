/** ClusterService, one file per call. */
import { ClusterService } from '../../gen/rainbow/v1/clusters_pb.js';
import { bind, type Binding } from '../call.ts';
import type { Parts } from '../parts.ts';
import { deleteCluster } from './delete.ts';
import { deleteSubsystem } from './delete-subsystem.ts';
import { drain } from './drain.ts';
import { get } from './get.ts';
import { list } from './list.ts';
import { cancelMaintenance, planMaintenance } from './maintenance.ts';
import { register } from './register.ts';
import { registerInPieces } from './register-in-pieces.ts';
import { registerSubsystem } from './register-subsystem.ts';
import { resume } from './resume.ts';
import { updateState } from './update-state.ts';

export function clusterHandlers(parts: Parts): Binding {
  return bind(ClusterService, {
    register: register(parts),
    registerInPieces: registerInPieces(parts),
    registerSubsystem: registerSubsystem(parts),
    deleteSubsystem: deleteSubsystem(parts),
    updateState: updateState(parts),
    delete: deleteCluster(parts),
    drain: drain(parts),
    resume: resume(parts),
    planMaintenance: planMaintenance(parts),
    cancelMaintenance: cancelMaintenance(parts),
    list: list(parts),
    get: get(parts),
  });
}

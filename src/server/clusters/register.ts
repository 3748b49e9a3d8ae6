/** Register: a cluster with its graph in one message; or, with `replace`, a new graph for it. */
import type { ClusterService } from '../../gen/rainbow/v1/clusters_pb.js';
import type { Handlers } from '../call.ts';
import type { Parts } from '../parts.ts';
import { admitEnrollment, enroll } from './enroll.ts';

export function register(parts: Parts): Handlers<typeof ClusterService>['register'] {
  return async (request, call) => {
    admitEnrollment(parts, call, request);
    return enroll(parts, request, request.graph);
  };
}

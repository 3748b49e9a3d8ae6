/** Match: which clusters could hold a jobspec, and why not the others. Nothing is stored; anybody may ask. */
import type { JobService } from '../../gen/rainbow/v1/jobs_pb.js';
import type { Handlers } from '../call.ts';
import { parseJobspec } from '../input.ts';
import type { Parts } from '../parts.ts';
import { openCredentials, restrict } from './candidates.ts';
import { candidateToWire } from './convert.ts';

export function match(parts: Parts): Handlers<typeof JobService>['match'] {
  return async (request, call) => {
    parts.authenticator.principal(call);
    const opened =
      request.credentials.length === 0
        ? parts.scheduler.registry
            .list()
            .map(({ name }) => name)
            .sort()
        : (await openCredentials(parts, call, request.credentials)).clusters;
    const candidates = restrict(opened, request.clusters);
    const jobspec = parseJobspec(request.jobspec, 'jobspec');
    return { candidates: parts.scheduler.match(jobspec, candidates).map(candidateToWire) };
  };
}

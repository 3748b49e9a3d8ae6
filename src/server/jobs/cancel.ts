/** Cancel: asks for a job's end; idempotent. A job that an agent holds ends when that agent has confirmed it. */
import type { JobService } from '../../gen/rainbow/v1/jobs_pb.js';
import type { Handlers } from '../call.ts';
import { checkText } from '../input.ts';
import type { Parts } from '../parts.ts';
import { jobToWire } from './convert.ts';
import { noSuchJob, ownJob } from './own.ts';

export function cancel(parts: Parts): Handlers<typeof JobService>['cancel'] {
  return async (request, call) => {
    const message = checkText(request.message, 'message');
    const { id } = await ownJob(parts, call, request.id);
    const job = await parts.scheduler.cancel(id, { code: 'user', message });
    if (job === null) throw noSuchJob(id);
    parts.log.debug({ job: id, state: job.state }, 'cancel');
    return jobToWire(job);
  };
}

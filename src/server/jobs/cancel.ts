/**
 * Cancel: asks for a job's end, or of an array for that of all its tasks; idempotent. A job that an agent holds ends when
 * that agent has confirmed it. Of an array only the wish is durable when this answers; its tasks follow.
 */
import type { JobService } from '../../gen/rainbow/v1/jobs_pb.js';
import type { Handlers } from '../call.ts';
import { checkText } from '../input.ts';
import type { Parts } from '../parts.ts';
import { arrayToWire, jobToWire } from './convert.ts';
import { noSuchJob, ownJobOrArray } from './own.ts';

export function cancel(parts: Parts): Handlers<typeof JobService>['cancel'] {
  return async (request, call) => {
    const reason = { code: 'user', message: checkText(request.message, 'message') } as const;
    const found = await ownJobOrArray(parts, call, request.id);
    if (found.array !== null) {
      const array = await parts.scheduler.cancelArray(found.array.id, reason);
      if (array === null) throw await noSuchJob(parts, found.array.id);
      parts.log.debug({ array: array.id }, 'cancel');
      return arrayToWire(array);
    }
    const { id } = found.job;
    const job = await parts.scheduler.cancel(id, reason);
    if (job === null) throw await noSuchJob(parts, id);
    parts.log.debug({ job: id, state: job.state }, 'cancel');
    return jobToWire(job);
  };
}

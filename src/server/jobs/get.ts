/** Get: one job, with its jobspec as submitted and its attempts. */
import type { JobService } from '../../gen/rainbow/v1/jobs_pb.js';
import type { Handlers } from '../call.ts';
import type { Parts } from '../parts.ts';
import { jobToWire } from './convert.ts';
import { ownJob } from './own.ts';

export function get(parts: Parts): Handlers<typeof JobService>['get'] {
  return async (request, call) => {
    const job = await ownJob(parts, call, request.id);
    return jobToWire(job, { attempts: await parts.store.jobs.attempts(job.id) });
  };
}

/** Get: one job, with its jobspec as submitted, its attempts and what it depends on; or an array, with the same. */
import type { JobService } from '../../gen/rainbow/v1/jobs_pb.js';
import type { Handlers } from '../call.ts';
import type { Parts } from '../parts.ts';
import { arrayToWire, jobToWire } from './convert.ts';
import { ownJobOrArray } from './own.ts';

export function get(parts: Parts): Handlers<typeof JobService>['get'] {
  return async (request, call) => {
    const { jobs } = parts.store;
    const { job, array } = await ownJobOrArray(parts, call, request.id);
    const dependencies = await jobs.dependencies(array?.id ?? job?.array?.id ?? job?.id ?? '');
    if (job !== null) {
      const collected = job.handling.staging === undefined ? [] : await parts.store.files.ofJob(job.id);
      return jobToWire(job, { attempts: await jobs.attempts(job.id), dependencies, collected });
    }
    const [first] = await jobs.list({ array: array.id, limit: 1, oldestFirst: true });
    return arrayToWire(array, { first, dependencies });
  };
}

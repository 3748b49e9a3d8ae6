/**
 * AcceptJobs: the cluster has put these jobs into its own queue. Idempotent: a job that it has accepted before counts
 * again. SUCCESS when every number did, PARTIAL otherwise (even for none).
 * A job whose lease ran out but which is the same cluster's again counts too: the cluster has it, and giving it out
 * once more would run it twice.
 */
import { RainbowError } from '../../core/errors.ts';
import type { RainbowScheduler } from '../../gen/prototype/rainbow_pb.js';
import { AcceptJobsResponse_ResultType as Result } from '../../gen/prototype/rainbow_pb.js';
import type { JobState } from '../../core/job/state.ts';
import type { JobRecord } from '../../store/store.ts';
import type { Handlers } from '../call.ts';
import { LIMITS } from '../limits.ts';
import type { Parts } from '../parts.ts';
import { required } from './messages.ts';

const ACCEPTED: readonly JobState[] = ['accepted', 'running', 'unknown', 'completed', 'failed'];
/** A lost race is decided anew; the second time somebody else is as fast, the number counts as not accepted. */
const TRIES = 3;

export function acceptJobs(parts: Parts): Handlers<typeof RainbowScheduler>['acceptJobs'] {
  return async (request, call) => {
    if (request.secret === '') throw required('a cluster secret is required');
    if (request.jobids.length < 1) throw required('one or more jobs must be accepted');
    const cluster = parts.authenticator.cluster(request.cluster, request.secret, call);
    if (request.jobids.length > LIMITS.jobNumbers) {
      throw new RainbowError(
        'resource_exhausted',
        `names ${request.jobids.length} jobs; at most ${LIMITS.jobNumbers}`,
        {
          place: 'jobids',
        },
      );
    }
    parts.scheduler.registry.seen(cluster.name);
    const numbers = [...new Set(request.jobids)];
    const jobs = await parts.store.jobs.byNumbers(cluster, numbers);
    const accepted = await Promise.all([...jobs.values()].map((job) => accept(parts, cluster.id, job)));
    const count = accepted.filter(Boolean).length;
    parts.log.debug({ cluster: cluster.name, accepted: count, asked: numbers.length }, 'accept');
    return { status: count === numbers.length ? Result.SUCCESS : Result.PARTIAL };
  };
}

/** Is the job this cluster's, and accepted, now? */
async function accept(parts: Parts, clusterId: number, found: JobRecord): Promise<boolean> {
  let job: JobRecord | null = found;
  for (let i = 0; i < TRIES && job !== null && job.clusterId === clusterId; i++) {
    if (ACCEPTED.includes(job.state)) return true;
    if (job.state !== 'received' && job.state !== 'assigned') return false;
    const at = parts.system.clock.now();
    const step = { id: job.id, from: [job.state], epoch: job.epoch, at };
    const result = await parts.scheduler.transition(
      job.state === 'assigned'
        ? {
            ...step,
            to: 'received',
            reason: { code: 'leased', message: '' },
            leaseExpiresAt: at + parts.settings.leaseMs,
          }
        : {
            ...step,
            to: 'accepted',
            reason: { code: 'in_native_queue', message: '' },
            acceptedAt: at,
            leaseExpiresAt: null,
          },
    );
    job = result.job;
  }
  return job !== null && job.clusterId === clusterId && ACCEPTED.includes(job.state);
}

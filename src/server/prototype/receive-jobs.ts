/**
 * ReceiveJobs: what is assigned to the caller's cluster, under a lease: until it runs out nobody else gets those
 * jobs, and then they return. No answer grows past what the prototype's clients can read; the rest comes at the next
 * poll.
 */
import type { RainbowScheduler } from '../../gen/prototype/rainbow_pb.js';
import { ReceiveJobsResponse_ResultType as Result } from '../../gen/prototype/rainbow_pb.js';
import type { ClusterRef, JobRecord } from '../../store/store.ts';
import type { Handlers } from '../call.ts';
import { LIMITS } from '../limits.ts';
import type { Parts } from '../parts.ts';
import { newUuid } from '../secrets.ts';
import { required } from './messages.ts';

/** Jobs looked at, and leased, at a time. */
const BATCH = 500;
/** Of the map's entry around the text: two tags, two lengths, the number. */
const ENTRY_BYTES = 24;

export function receiveJobs(parts: Parts): Handlers<typeof RainbowScheduler>['receiveJobs'] {
  return async (request, call) => {
    const requestId = newUuid(parts.system.entropy);
    if (request.secret === '') throw required('a cluster secret is required');
    const cluster = parts.authenticator.cluster(request.cluster, request.secret, call);
    parts.scheduler.registry.seen(cluster.name);
    const jobs = await take(parts, cluster, request.maxJobs < 1 ? Infinity : request.maxJobs);
    if (jobs.size === 0) return { requestId, status: Result.REQUEST_JOBS_NORESULTS };
    parts.log.debug({ cluster: cluster.name, jobs: jobs.size, requestId }, 'receive');
    return { requestId, jobs: Object.fromEntries(jobs), status: Result.REQUEST_JOBS_SUCCESS };
  };
}

/** At most `most` jobs, by their number at the cluster, as much as one answer holds. */
async function take(parts: Parts, cluster: ClusterRef, most: number): Promise<ReadonlyMap<number, string>> {
  const { scheduler, settings, store } = parts;
  const taken = new Map<number, string>();
  let room: number = LIMITS.receiveBytes;
  while (taken.size < most) {
    // 1. How large are those that wait? What is leased should be what is answered.
    const waiting = await store.jobs.assigned(cluster, BATCH);
    const limit = Math.min(fitting(waiting, room, taken.size === 0), most - taken.size);
    if (limit === 0) break;
    // 2. Lease as many. They may be others than those looked at: by priority, and new ones arrive.
    const leased = await scheduler.receive(cluster, limit, settings.leaseMs);
    const entries = await Promise.all(
      (await withoutFiles(parts, leased)).map(async (job) => {
        const number = await store.jobs.numberAt(cluster, job.id);
        return { number, text: entryOf(number, cluster.name, job) };
      }),
    );
    for (const { number, text } of entries) {
      const size = Buffer.byteLength(text) + ENTRY_BYTES;
      // 3. What does not fit after all stays under its lease and comes again when that has run out.
      if (size > room && taken.size > 0) return taken;
      taken.set(number, text);
      room -= size;
    }
    if (leased.length < limit || waiting.length < BATCH) break;
  }
  return taken;
}

/** Nobody brings their files there: they go back, and elsewhere. */
async function withoutFiles({ scheduler, system }: Parts, leased: readonly JobRecord[]): Promise<readonly JobRecord[]> {
  const message = 'its files cannot travel there: the cluster is polled by a client that knows of none';
  for (const job of leased) {
    if (job.handling.staging === undefined) continue;
    const { id, epoch } = job;
    const reason = { code: 'refused', message } as const;
    await scheduler.transition({ id, epoch, from: ['received'], to: 'pending', reason, at: system.clock.now() });
  }
  return leased.filter(({ handling }) => handling.staging === undefined);
}

/** How many jobs surely fit into the room, if they are like these; the first of an answer always does. */
function fitting(waiting: readonly JobRecord[], room: number, first: boolean): number {
  const sizes = waiting.map((job) => Buffer.byteLength(entryOf(2 ** 31 - 1, job.cluster ?? '', job)) + ENTRY_BYTES);
  const all = sizes.reduce((sum, size) => sum + size, 0);
  if (all <= room) return sizes.length;
  const largest = sizes.reduce((most, size) => Math.max(most, size), 0);
  return Math.max(Math.floor(room / largest), first ? 1 : 0);
}

/** The prototype's JSON of a job; the jobspec exactly as it was submitted. */
function entryOf(number: number, cluster: string, job: JobRecord): string {
  return JSON.stringify({ id: number, cluster, name: job.name, jobspec: job.jobspec, command: '' });
}

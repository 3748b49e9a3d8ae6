/**
 * WatchEvents: events in commit order after a number. The reader pulls from the store by number and is only woken,
 * never pushed to: a slow watcher costs one batch of memory, and one that resumes misses and repeats nothing. Where
 * retention has deleted what it would miss, that is an error, not a gap.
 */
import { RainbowError } from '../../core/errors.ts';
import type { JobService } from '../../gen/rainbow/v1/jobs_pb.js';
import type { JobId } from '../../store/store.ts';
import type { Handlers } from '../call.ts';
import { checkJobId, checkSequence } from '../input.ts';
import type { Parts } from '../parts.ts';
import { createLatch } from '../wake.ts';
import { eventToWire } from './convert.ts';
import { jobOrArrayOf, type Found } from './own.ts';

const BATCH = 256;

function filterOf({ job, array }: Found): { jobId: JobId } | { arrayId: JobId } {
  return job !== null ? { jobId: job.id } : { arrayId: array.id };
}

/** Throws `out_of_range` where events after `seq` were deleted with their jobs, others than those up to `missed`. */
async function checkKept(parts: Parts, seq: number, missed: number): Promise<void> {
  const pruned = await parts.store.retention.prunedEvents();
  if (seq >= pruned || pruned <= missed) return;
  throw new RainbowError(
    'out_of_range',
    `after_seq: events after ${seq} were deleted with jobs that ended long ago; from ${pruned} on none is missing, ` +
      'or begin with 0 for all that there are',
  );
}

export function watchEvents(parts: Parts): Handlers<typeof JobService>['watchEvents'] {
  return async function* (request, call) {
    const person = parts.authenticator.person(call);
    let seq = checkSequence(request.afterSeq, 'after_seq');
    const jobId = request.jobId === '' || request.jobId === '0' ? null : checkJobId(request.jobId, 'job_id');
    const found = jobId === null ? null : await jobOrArrayOf(parts, person, jobId);
    const filter = found !== null ? filterOf(found) : person.kind === 'operator' ? {} : { owner: person.owner };

    if (request.fromNow) seq = await parts.store.events.last();
    // Whoever begins with 0 wants what there is, and knows that it is not all.
    const missed = seq === 0 ? await parts.store.retention.prunedEvents() : 0;
    const latch = createLatch(call.signal);
    const unsubscribe = parts.store.events.subscribe(latch.wake);
    try {
      while (!call.signal.aborted) {
        // 1. What is committed by now: up to here, a short batch has shown everything.
        const newest = await parts.store.events.last();
        const events = await parts.store.events.after(seq, BATCH, filter);
        // A job's own events go only with the job; of all jobs some may be gone, also while these were read.
        if (found === null) await checkKept(parts, seq, missed);
        for (const event of events) {
          yield eventToWire(event);
          seq = event.seq;
        }
        // 2. A full batch: there may be more at once.
        if (events.length === BATCH) continue;
        // 3. Others' events need not be passed over again.
        seq = Math.max(seq, newest);
        if (!request.follow) return;
        await latch.wait();
      }
    } finally {
      unsubscribe();
    }
  };
}

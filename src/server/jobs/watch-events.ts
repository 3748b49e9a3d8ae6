/**
 * WatchEvents: events in commit order after a number. The reader pulls from the store by number and is only woken,
 * never pushed to: a slow watcher costs one batch of memory, and one that resumes misses and repeats nothing.
 */
import type { JobService } from '../../gen/rainbow/v1/jobs_pb.js';
import type { Handlers } from '../call.ts';
import { checkJobId, checkSequence } from '../input.ts';
import type { Parts } from '../parts.ts';
import { createLatch } from '../wake.ts';
import { eventToWire } from './convert.ts';
import { jobOf } from './own.ts';

const BATCH = 256;

export function watchEvents(parts: Parts): Handlers<typeof JobService>['watchEvents'] {
  return async function* (request, call) {
    const person = parts.authenticator.person(call);
    let seq = checkSequence(request.afterSeq, 'after_seq');
    const jobId = request.jobId === '' || request.jobId === '0' ? null : checkJobId(request.jobId, 'job_id');
    if (jobId !== null) await jobOf(parts, person, jobId);
    const filter = jobId !== null ? { jobId } : person.kind === 'operator' ? {} : { owner: person.owner };

    const latch = createLatch(call.signal);
    const unsubscribe = parts.store.events.subscribe(latch.wake);
    try {
      while (!call.signal.aborted) {
        // 1. What is committed by now: up to here, a short batch has shown everything.
        const newest = await parts.store.events.last();
        const events = await parts.store.events.after(seq, BATCH, filter);
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

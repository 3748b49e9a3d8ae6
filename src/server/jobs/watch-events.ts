/**
 * WatchEvents, and the same in batches: events in commit order after a number. The reader pulls pages by number and is
 * only woken, never pushed to: a slow watcher costs one page of memory, and one that resumes misses and repeats
 * nothing. Where retention has deleted what it would miss, that is an error, not a gap.
 */
import { RainbowError } from '../../core/errors.ts';
import type { EventBatch, JobService, WatchEventsRequest } from '../../gen/rainbow/v1/jobs_pb.js';
import type { CallContext, Handlers } from '../call.ts';
import { checkJobId, checkSequence } from '../input.ts';
import type { Parts } from '../parts.ts';
import { createLatch } from '../wake.ts';
import { readPage, type EventFilter, type EventPages } from './event-pages.ts';
import { jobOrArrayOf, type Found } from './own.ts';

export function watchEvents(parts: Parts, pages: EventPages): Handlers<typeof JobService>['watchEvents'] {
  return async function* (request, call) {
    for await (const { events } of batches(parts, pages, request, call)) yield* events;
  };
}

export function watchEventBatches(parts: Parts, pages: EventPages): Handlers<typeof JobService>['watchEventBatches'] {
  return (request, call) => batches(parts, pages, request, call);
}

async function* batches(
  parts: Parts,
  pages: EventPages,
  request: WatchEventsRequest,
  call: CallContext,
): AsyncGenerator<EventBatch> {
  const { events, retention } = parts.store;
  const person = parts.authenticator.person(call);
  let seq = checkSequence(request.afterSeq, 'after_seq');
  const jobId = request.jobId === '' || request.jobId === '0' ? null : checkJobId(request.jobId, 'job_id');
  const found = jobId === null ? null : await jobOrArrayOf(parts, person, jobId);
  const filter = found !== null ? filterOf(found) : person.kind === 'operator' ? null : { owner: person.owner };

  const latch = createLatch(call.signal);
  let newest = 0;
  const unsubscribe = events.subscribe((committed) => {
    newest = Math.max(newest, committed);
    latch.wake();
  });
  try {
    // Asked of the store: others may have committed what this server has not heard of.
    newest = Math.max(newest, await events.last());
    if (request.fromNow) seq = newest;
    // Whoever begins with 0 wants what there is, and knows that it is not all.
    const missed = seq === 0 ? await retention.prunedEvents() : 0;
    while (!call.signal.aborted) {
      // 1. What is committed by now. A job's own events go only with the job; of all jobs some may be gone.
      const page =
        filter === null ? await pages.after(seq, newest) : await readPage(parts.store, seq, undefined, filter);
      if (found === null && seq < page.pruned && page.pruned > missed) throw deleted(seq, page.pruned);
      if (page.batch.events.length > 0) yield page.batch;
      // 2. There may be more at once; else others' events need not be passed over again.
      seq = page.isFull ? page.last : Math.max(page.last, page.newest);
      if (page.isFull) continue;
      // 3. The rest is still to come.
      if (!request.follow) return;
      await latch.wait();
    }
  } finally {
    unsubscribe();
  }
}

function filterOf({ job, array }: Found): EventFilter {
  return job !== null ? { jobId: job.id } : { arrayId: array.id };
}

/** Events after `seq` were deleted with their jobs, others than the watcher knows of. */
function deleted(seq: number, pruned: number): RainbowError {
  return new RainbowError(
    'out_of_range',
    `after_seq: events after ${seq} were deleted with jobs that ended long ago; from ${pruned} on none is missing, ` +
      'or begin with 0 for all that there are',
  );
}

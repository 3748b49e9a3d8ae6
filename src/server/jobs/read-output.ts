/**
 * ReadOutput: what a job's tasks wrote, in the order in which it came, one batch in memory at a time. With `follow`
 * until the job has ended and all of it was sent; where no attempt was named, a job that begins a new attempt is
 * followed into it.
 */
import { invalid } from '../../core/errors.ts';
import { isFinal } from '../../core/job/state.ts';
import type { JobService } from '../../gen/rainbow/v1/jobs_pb.js';
import type { Handlers } from '../call.ts';
import { checkSequence } from '../input.ts';
import type { Parts } from '../parts.ts';
import { createLatch } from '../wake.ts';
import { chunkToWire } from './convert.ts';
import { noSuchJob, ownJob } from './own.ts';

const BATCH = 32;

export function readOutput(parts: Parts): Handlers<typeof JobService>['readOutput'] {
  return async function* (request, call) {
    let job = await ownJob(parts, call, request.id);
    const asked = checkSequence(request.epoch, 'epoch');
    if (asked > job.epoch) throw invalid('epoch', `job ${job.id} has had ${job.epoch} attempts; 0 is the newest`);
    // Of a job that an earlier attempt ended: that one.
    const newest = (): number => job.endedBy ?? job.epoch;
    let epoch = asked === 0 ? newest() : asked;
    let after = 0;

    const latch = createLatch(call.signal);
    const stops = request.follow
      ? [parts.store.output.subscribe(job.id, latch.wake), parts.store.events.subscribe(latch.wake)]
      : [];
    try {
      while (!call.signal.aborted) {
        // 1. The state first: output that came before an end is then in the batch.
        const now = await parts.store.jobs.get(job.id);
        if (now === null) throw noSuchJob(job.id);
        job = now;
        const over = isFinal(job.state) || job.epoch > epoch;
        // 2. What there is.
        const { chunks, next } = await parts.store.output.read(job.id, epoch, after, BATCH);
        for (const chunk of chunks) yield chunkToWire(chunk);
        after = next;
        if (chunks.length === BATCH) continue;
        // 3. What comes next: the next attempt, the end, or more of this one.
        if (over || !request.follow) {
          const at = parts.system.clock.now();
          // An empty chunk where a stream ends of which something was not kept.
          for (const cut of await parts.store.output.cut(job.id, epoch)) {
            yield chunkToWire({ ...cut, data: new Uint8Array(), at });
          }
        }
        if (over && asked === 0 && newest() !== epoch) {
          epoch = newest();
          after = 0;
        } else if (over || !request.follow) {
          return;
        } else {
          await latch.wait();
        }
      }
    } finally {
      for (const stop of stops) stop();
    }
  };
}

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
import type { OutputChunk } from '../../store/store.ts';
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
    let seen = createSeen();

    const latch = createLatch(call.signal);
    const stops = request.follow
      ? [parts.store.output.subscribe(job.id, latch.wake), parts.store.events.subscribe(latch.wake)]
      : [];
    const following = { epoch: 0, stop: (): void => undefined };
    try {
      while (!call.signal.aborted) {
        // 1. The state first: output that came before an end is then in the batch.
        const now = await parts.store.jobs.get(job.id);
        if (now === null) throw await noSuchJob(parts, job.id);
        job = now;
        const over = isFinal(job.state) || job.epoch > epoch;
        // Its agent sends the middle of a long output only while somebody follows.
        if (request.follow && !over && job.cluster !== null && following.epoch !== epoch) {
          following.stop();
          following.epoch = epoch;
          following.stop = parts.followers.follow({ cluster: job.cluster, jobId: job.id, epoch });
        }
        // 2. What there is.
        const { chunks, next } = await parts.store.output.read(job.id, epoch, after, BATCH);
        for (const chunk of chunks) yield* seen.next(chunk);
        after = next;
        if (chunks.length === BATCH) continue;
        // 3. What comes next: the next attempt, the end, or more of this one.
        if (over || !request.follow) {
          const at = parts.system.clock.now();
          // A stream that ends with something that was not kept.
          for (const cut of await parts.store.output.cut(job.id, epoch)) {
            yield* seen.next({ ...cut, data: NOTHING, at });
          }
        }
        if (over && asked === 0 && newest() !== epoch) {
          epoch = newest();
          after = 0;
          seen = createSeen();
        } else if (over || !request.follow) {
          return;
        } else {
          await latch.wait();
        }
      }
    } finally {
      following.stop();
      for (const stop of stops) stop();
    }
  };
}

interface Seen {
  /** What is new of it, behind a word about what is missing before it. */
  next(chunk: OutputChunk): Generator<ReturnType<typeof chunkToWire>>;
}

const NOTHING = new Uint8Array();

/** How far each stream was sent: pieces that were joined since begin before that, and what is missing is said. */
function createSeen(): Seen {
  const ends = new Map<string, number>();
  return {
    *next(chunk) {
      const name = `${chunk.task} ${chunk.stream}`;
      const end = ends.get(name) ?? 0;
      const last = chunk.offset + chunk.data.byteLength;
      if (chunk.offset > end) yield chunkToWire({ ...chunk, offset: end, data: NOTHING }, chunk.offset - end);
      if (last > end) ends.set(name, last);
      const fresh = chunk.data.subarray(Math.max(0, end - chunk.offset));
      if (fresh.byteLength > 0) yield chunkToWire({ ...chunk, offset: last - fresh.byteLength, data: fresh });
    },
  };
}

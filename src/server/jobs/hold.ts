/** Hold and release: keep what is pending from being decided, and let it go; idempotent. Of an array: its pending tasks. */
import { RainbowError } from '../../core/errors.ts';
import { isFinal } from '../../core/job/state.ts';
import type { JobService } from '../../gen/rainbow/v1/jobs_pb.js';
import type { ArrayRecord, JobRecord } from '../../store/store.ts';
import type { Handlers } from '../call.ts';
import { checkText } from '../input.ts';
import type { Parts } from '../parts.ts';
import { arrayToWire, jobToWire } from './convert.ts';
import { noSuchJob, ownJobOrArray } from './own.ts';

export function hold(parts: Parts): Handlers<typeof JobService>['hold'] {
  return async (request, call) => {
    const reason = { code: 'held', message: checkText(request.message, 'message') } as const;
    const found = await ownJobOrArray(parts, call, request.id);
    const now = parts.system.clock.now();
    if (found.array !== null) {
      notEnded(found.array, 'hold');
      const array = await parts.store.arrays.hold(found.array.id, reason, now);
      if (array === null) throw await noSuchJob(parts, found.array.id);
      return arrayToWire(array);
    }
    const job = await parts.store.jobs.hold(found.job.id, reason, now);
    if (job === null) throw await noSuchJob(parts, found.job.id);
    return jobToWire(stillPending(job, 'hold'));
  };
}

export function release(parts: Parts): Handlers<typeof JobService>['release'] {
  return async (request, call) => {
    const found = await ownJobOrArray(parts, call, request.id);
    if (found.job !== null) stillPending(found.job, 'release');
    else notEnded(found.array, 'release');
    const id = found.job?.id ?? found.array?.id ?? '';
    const released = await parts.scheduler.release(id);
    if (released === null) throw await noSuchJob(parts, id);
    return 'counts' in released ? arrayToWire(released) : jobToWire(released);
  };
}

function notEnded(array: ArrayRecord, what: 'hold' | 'release'): void {
  if (array.endedAt === null) return;
  throw new RainbowError(
    'failed_precondition',
    `array ${array.id} has ended: only what is pending can be ${what === 'hold' ? 'held' : 'released'}`,
  );
}

function stillPending(job: JobRecord, what: 'hold' | 'release'): JobRecord {
  if (job.state === 'pending') return job;
  throw new RainbowError(
    'failed_precondition',
    `job ${job.id} is ${job.state}: only what is pending can be ${what === 'hold' ? 'held' : 'released'}` +
      (what === 'hold' && !isFinal(job.state) ? '; "rainbow job cancel" ends it' : ''),
  );
}

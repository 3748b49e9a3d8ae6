/**
 * Why a job waits in its cluster's own queue changes while it waits: "Resources" now, "ReqNodeNotAvail" tomorrow. What its
 * agent says of that is kept as the job's reason, with an event. Agents say it seldom; one that does not is not listened
 * to more often than that, so that no agent fills the store.
 */
import type { JobRecord, JobStore } from '../../store/store.ts';
import type { Clock } from '../../system/system.ts';
import type { Report } from './report.ts';

export interface NativeReasons {
  /** `job`: as it is stored, under the report's epoch. */
  keep(job: JobRecord, report: Report): Promise<void>;
}

/** Between two reasons of one job, at least. */
const LEAST_MS = 10_000;
const MOST_REMEMBERED = 100_000;

export function createNativeReasons(jobs: Pick<JobStore, 'changeReason'>, clock: Clock): NativeReasons {
  /** Monotonic. */
  const keptAt = new Map<string, number>();
  return {
    async keep(job, { epoch, state, reason }) {
      if (job.state !== 'accepted' || state !== 'accepted' || job.epoch !== epoch) return;
      if (reason.message === '' || reason.message === job.reason.message) return;
      const now = clock.monotonic();
      if (now - (keptAt.get(job.id) ?? -Infinity) < LEAST_MS) return;
      if (keptAt.size >= MOST_REMEMBERED) keptAt.clear();
      keptAt.set(job.id, now);
      await jobs.changeReason(job.id, epoch, { code: 'in_native_queue', message: reason.message }, clock.now());
    },
  };
}

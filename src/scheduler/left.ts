/**
 * Jobs that an agent leaves lying, which it was asked to run: they stay assigned, and say why; after a time (the job's
 * own, else the server's) they may go elsewhere. A job that set the time itself goes back to pending then; another goes
 * only where a cluster could have it instead, since nothing is won by waiting elsewhere.
 */
import type { Reason } from '../core/job/state.ts';
import type { JobRecord, JobStore } from '../store/store.ts';
import type { Clock } from '../system/system.ts';
import type { Moves } from './moves.ts';
import type { SchedulerSettings } from './settings.ts';

/** Looked at in one round. */
const BATCH = 100;

export interface Left {
  leave(jobs: readonly { readonly job: JobRecord; readonly message: string }[]): Promise<void>;
  /** Gives back those whose time is over. */
  sweep(): Promise<void>;
}

export function createLeft(deps: {
  readonly jobs: Pick<JobStore, 'leave' | 'leftOver'>;
  readonly clock: Clock;
  readonly settings: SchedulerSettings;
  readonly moves: Moves;
  readonly hasAlternative: (job: JobRecord) => boolean;
}): Left {
  const { jobs, clock, settings } = deps;

  const leave: Left['leave'] = async (left) => {
    const at = clock.now();
    await jobs.leave(
      left.map(({ job, message }) => {
        const until = at + (job.handling.returnAfter ?? settings.leftAfter) * 1000;
        return { id: job.id, epoch: job.epoch, message, until };
      }),
      at,
    );
  };

  return {
    leave,
    async sweep() {
      const at = clock.now();
      const over = await jobs.leftOver(at, BATCH);
      const stay: { job: JobRecord; message: string }[] = [];
      for (const job of over) {
        if (job.handling.returnAfter === undefined && !deps.hasAlternative(job)) {
          stay.push({ job, message: job.reason.message });
          continue;
        }
        const reason: Reason = { code: 'left', message: `${job.reason.message}; another cluster can have it` };
        await deps.moves.transition({ id: job.id, from: ['assigned'], epoch: job.epoch, to: 'pending', reason, at });
      }
      if (stay.length > 0) await leave(stay);
    },
  };
}

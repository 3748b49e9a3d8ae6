/**
 * Times that jobs were given: not before, started by, ended by. What waits for a time is let go when it has come; what
 * did not start in time fails with `deadline`; what runs past its deadline is stopped by its agent and fails then.
 * All of it is found in the store each time, so a restart forgets none. A job that an agent holds and has not said to be
 * running counts as not started: one that started in the last moment may be stopped.
 */
import type { Reason } from '../core/job/state.ts';
import { isoOf } from '../core/iso-time.ts';
import type { JobRecord, JobStore } from '../store/store.ts';
import type { Clock } from '../system/system.ts';
import type { Moves } from './moves.ts';

/** Jobs looked at in one read. */
const BATCH = 200;

/** `walltime`: seconds that were asked for; null: a guess of the server's is no reason not to start it. */
export function latestStart(
  { startBefore = null, deadline = null }: { readonly startBefore?: number | null; readonly deadline?: number | null },
  walltime: number | null,
): number | null {
  const fits = deadline === null ? null : Math.trunc(deadline - (walltime ?? 0) * 1000);
  if (startBefore === null) return fits;
  return fits === null ? startBefore : Math.min(startBefore, fits);
}

/** Why it may not start any more; null: it still may. */
export function tooLate(
  job: Pick<JobRecord, 'startBy' | 'startBefore' | 'deadline' | 'walltime'>,
  now: number,
): Reason | null {
  if (job.startBy === null || now <= job.startBy) return null;
  const message =
    job.startBefore !== null && now > job.startBefore
      ? `it was to start before ${isoOf(job.startBefore)}`
      : `what it asked to run for no longer fits before its deadline, ${isoOf(job.deadline ?? 0)}`;
  return { code: 'deadline', message };
}

export interface DeadlineDependencies {
  readonly jobs: Pick<JobStore, 'releaseBegun' | 'overdue'>;
  readonly clock: Clock;
  readonly moves: Moves;
  readonly wakeCycle: () => void;
}

export async function keepDeadlines(deps: DeadlineDependencies): Promise<void> {
  const { jobs, clock } = deps;
  // 1. Not before: it has come.
  for (let released = BATCH; released === BATCH;) {
    released = await jobs.releaseBegun(clock.now(), BATCH);
    if (released > 0) deps.wakeCycle();
  }
  // 2. Too late. Those that stay where they are (a lost race) are seen again in the next round, not in this one.
  for (;;) {
    const overdue = await jobs.overdue(clock.now(), BATCH);
    const moved = await Promise.all(overdue.map((job) => end(deps, job)));
    if (overdue.length < BATCH || !moved.includes(true)) return;
  }
}

/** True where the job was moved on. */
async function end({ clock, moves }: DeadlineDependencies, job: JobRecord): Promise<boolean> {
  const at = clock.now();
  const reason = tooLate(job, at) ?? past(job);
  const change = { id: job.id, from: [job.state], epoch: job.epoch, reason, at };
  if (job.state === 'pending') return (await moves.transition({ ...change, to: 'failed', endedAt: at })).done;
  if (job.state !== 'assigned') return (await moves.cancel(job.id, reason)) !== null;
  // Nobody holds it: it is taken back first.
  const back = await moves.transition({ ...change, to: 'pending' });
  if (!back.done) return false;
  const { id, epoch } = back.job;
  return (await moves.transition({ id, epoch, from: ['pending'], to: 'failed', reason, at, endedAt: at })).done;
}

function past(job: JobRecord): Reason {
  return { code: 'deadline', message: `it was to end before ${isoOf(job.deadline ?? 0)}` };
}

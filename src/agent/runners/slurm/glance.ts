/**
 * A glance into the spool between two polls: the wrapper writes that it begins, and how it ended, before Slurm says so.
 * So an end is seen soon without asking Slurm often. A few jobs each time, in turn: the file system is shared.
 */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { System } from '../../../system/system.ts';
import type { SlurmJobEntry } from './jobs.ts';

const GLANCE_MS = 500;
const MOST_GLANCES = 64;

/** Calls `news` where a job has begun or ended since the last glance at it. Returns how to stop. */
export function startGlancing(jobs: () => Iterable<SlurmJobEntry>, news: () => void, { timers }: System): () => void {
  let seen = new WeakMap<SlurmJobEntry, string>();
  let at = 0;
  const timer = timers.every(GLANCE_MS, () => {
    const alive = [...jobs()].filter(({ status }) => status.state !== 'ended');
    for (let i = 0; i < Math.min(MOST_GLANCES, alive.length); i++) {
      const job = alive[(at + i) % alive.length]!;
      const begins = job.status.state === 'accepted' && existsSync(join(job.runDir, 'claim.0.0'));
      const ends = existsSync(join(job.runDir, 'end.0.0'));
      const now = `${begins} ${ends}`;
      if ((begins || ends) && seen.get(job) !== now) news();
      seen.set(job, now);
    }
    at = alive.length === 0 ? 0 : (at + MOST_GLANCES) % alive.length;
  });
  return () => {
    timer.cancel();
    seen = new WeakMap();
  };
}

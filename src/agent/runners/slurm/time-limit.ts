/**
 * The time limit that sbatch is told instead of the job's own. Of one that asks for none: none where the partition has a
 * default of its own, as plain sbatch gives it; else what core/discover/time-limits.ts says. Of one with a --time-min the
 * partition's limit, where that is less than its --time: with EnforcePartLimits sbatch refuses what it could run.
 */
import type { FoundPartition } from '../../../core/discover/layout.ts';
import { givesTime, limitOf, timeAmong, type TimeAsked } from '../../../core/discover/time-limits.ts';
import { readJobspec } from '../../../core/jobspec/read.ts';
import type { Clock } from '../../../system/system.ts';
import { freshFor } from '../batch/once.ts';
import type { Order } from '../runner.ts';
import { askPartitions } from './cluster.ts';
import type { Slurm } from './commands.ts';

const FRESH_MS = 60_000;

/** Seconds to say; null: as the jobspec has it. Where Slurm does not say what it has, sbatch itself is about to. */
export function createLimitToSay(slurm: Slurm, clock: Clock): (order: Order) => Promise<number | null> {
  const partitions = freshFor(FRESH_MS, clock, () => askPartitions(slurm));
  return async ({ jobspec, walltime }) => {
    const asked = readJobspec(jobspec);
    if (asked.walltime !== null && asked.leastTime === null) return null;
    return limitToSay(await partitions().catch(() => []), asked, walltime);
  };
}

/** The same of such a job among these partitions. `walltime`: seconds, of the order. */
export function limitToSay(all: readonly FoundPartition[], asked: TimeAsked, walltime: number): number | null {
  const known = all.map(({ name, facts }) => limitOf(name, facts));
  if (asked.walltime === null && givesTime(asked.queue, known)) return null;
  const time = timeAmong(asked, known, walltime);
  return time === asked.walltime ? null : time;
}

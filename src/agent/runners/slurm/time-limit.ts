/**
 * The time limit that sbatch is told of a job that asks for none: none where the partition has a default of its own, as
 * plain sbatch gives it; else what core/discover/time-limits.ts says.
 */
import type { FoundPartition } from '../../../core/discover/layout.ts';
import { givesTime, limitOf, timeAmong } from '../../../core/discover/time-limits.ts';
import { readJobspec } from '../../../core/jobspec/read.ts';
import type { Clock } from '../../../system/system.ts';
import { freshFor } from '../batch/once.ts';
import type { Order } from '../runner.ts';
import { askPartitions } from './cluster.ts';
import type { Slurm } from './commands.ts';

const FRESH_MS = 60_000;

/** Seconds to say; null: none. Where Slurm does not say what it has, sbatch itself is about to. */
export function createLimitWhereNone(slurm: Slurm, clock: Clock): (order: Order) => Promise<number | null> {
  const partitions = freshFor(FRESH_MS, clock, () => askPartitions(slurm));
  return async ({ jobspec, walltime }) => {
    const asked = readJobspec(jobspec);
    if (asked.walltime !== null) return null;
    return limitWhereNone(await partitions().catch(() => []), asked.queue, walltime);
  };
}

/** The same of a job in that partition (names with commas; null: it asks for none). `walltime`: seconds, of the order. */
export function limitWhereNone(all: readonly FoundPartition[], queue: string | null, walltime: number): number | null {
  const known = all.map(({ name, facts }) => limitOf(name, facts));
  return givesTime(queue, known) ? null : timeAmong({ queue, walltime: null }, known, walltime);
}

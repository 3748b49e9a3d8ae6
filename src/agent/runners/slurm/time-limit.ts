/**
 * The time limit of a job that asks for none: the partition's own default where it has one, as plain sbatch gives it; else
 * Rainbow's, or the partition's limit where that is shorter. Where it stops: what associations and QOS set is not seen.
 */
import type { FoundPartition } from '../../../core/discover/layout.ts';
import { limitOf, meantBy } from '../../../core/discover/time-limits.ts';
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
  const known = all.map(({ name, facts }) => ({
    ...limitOf(name, facts),
    hasOwn: facts['default_time'] !== undefined,
  }));
  const meant = meantBy(queue, known);
  if (meant.length > 0 && meant.every(({ hasOwn }) => hasOwn)) return null;
  // Of a list Slurm may want each to let it run so long.
  return Math.min(walltime, ...meant.map(({ most }) => most));
}

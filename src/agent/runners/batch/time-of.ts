/**
 * How long jobs have on a batch system, by what its partitions or queues let them have (core/discover/time-limits.ts).
 * Remembers: a queue repeats few texts, and reading one takes half a millisecond.
 */
import type { FoundPartition } from '../../../core/discover/layout.ts';
import { limitOf, timeAmong, type PartitionLimit, type TimeAsked } from '../../../core/discover/time-limits.ts';
import { readJobspec } from '../../../core/jobspec/read.ts';
import type { RunnerQueue } from '../runner.ts';

const MOST_READ = 10_000;

/** `isLeastHeeded`: does its scheduler know of a least time? `partitions` resolves to the same array while it is fresh. */
export function createTimeOf(
  partitions: () => Promise<readonly FoundPartition[]>,
  isLeastHeeded: boolean,
): RunnerQueue['timeOf'] {
  const read = new Map<string, TimeAsked>();
  let known: { readonly from: readonly FoundPartition[]; readonly limits: readonly PartitionLimit[] } | null = null;
  const askedOf = (jobspec: string): TimeAsked => {
    let asked = read.get(jobspec);
    if (asked === undefined) {
      const { queue, walltime, leastTime } = readJobspec(jobspec);
      asked = { queue, walltime, leastTime: isLeastHeeded ? leastTime : null };
      if (read.size >= MOST_READ) read.clear();
      read.set(jobspec, asked);
    }
    return asked;
  };
  return async ({ jobspec, walltime }) => {
    const from = await partitions();
    if (known?.from !== from) known = { from, limits: from.map(({ name, facts }) => limitOf(name, facts)) };
    return timeAmong(askedOf(jobspec), known.limits, walltime);
  };
}

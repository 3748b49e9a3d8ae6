/**
 * How long a job would wait in a queue as it is now. Our own walk (core/bid/estimate.ts) knows how much of their walltime
 * jobs really take, and only counts; a cluster's own scheduler knows its nodes, and takes each walltime in full. So of
 * what it plans the part counts that jobs really take of their walltimes: the mean for the median, and for the P90 that
 * which nine in ten stay within. Pure.
 *
 * Where it stops: who comes later and overtakes is not foreseen; the cluster's record corrects what is systematic.
 */
import { backlogOf, startIn, type Counts } from '../../core/bid/estimate.ts';
import { runtimeModel, type Ratios } from '../../core/bid/ratios.ts';
import type { QueueNow } from '../runners/runner.ts';

/** Seconds. */
export interface Wait {
  readonly p50: number;
  readonly p90: number;
}

/** Of what is closed, or out of service, somebody has to do something first. Seconds. */
const UNTIL_SERVED = 3600;
/** A scheduler looks for what may pass by now and then (Slurm's bf_interval). Seconds. */
const PASSING = 30;

export function waitIn(
  queue: QueueNow,
  { takes, walltime }: { readonly takes: Counts; readonly walltime: number },
  ratios: Ratios,
): Wait {
  const { total, free, running, waiting } = queue;
  if (queue.isClosed || !isWithin(takes, total)) {
    const behind = [...running, ...waiting].reduce((sum, each) => sum + each.walltime, 0);
    return { p50: UNTIL_SERVED + behind, p90: 2 * (UNTIL_SERVED + behind) };
  }
  /** Of a walltime, what jobs take. */
  const part = runtimeModel(ratios).remaining(1, 0);
  if (queue.planned !== null) return { p50: queue.planned * part.mean, p90: queue.planned * part.p90 };
  // Its scheduler lets one pass by that is gone before anybody's turn comes.
  const plans = waiting.flatMap(({ planned }) => planned ?? []);
  const next = plans.length === 0 ? 0 : Math.min(...plans);
  if (waiting.length > 0 && next >= walltime && isWithin(takes, free)) return { p50: 0, p90: PASSING };
  // One that asks for no more than it does, and stands before it, starts no later.
  const least = waiting.reduce(
    (most, each) =>
      each.planned !== null && each.walltime <= walltime && isWithin(each.takes, takes)
        ? Math.max(most, each.planned)
        : most,
    0,
  );
  const hidden = { takes: hiddenIn(queue), walltime, elapsed: 0 };
  const backlog = backlogOf({ total, free, running: [...running, hidden], waiting, ratios });
  const own = startIn(backlog, takes) ?? { p50: 0, p90: 0 };
  const p50 = Math.max(own.p50, least * part.mean);
  return { p50, p90: Math.max(p50, own.p90, least * part.p90) };
}

/** What is neither free nor anybody's that we may see. */
function hiddenIn({ total, free, running }: QueueNow): Counts {
  const seen = (type: string): number => running.reduce((sum, { takes }) => sum + (takes[type] ?? 0), 0);
  return Object.fromEntries(
    Object.entries(total).map(([type, count]) => [type, Math.max(0, count - (free[type] ?? 0) - seen(type))]),
  );
}

/** Counts of types that are not listed do not count. */
function isWithin(takes: Counts, there: Counts): boolean {
  return Object.keys(there).every((type) => (takes[type] ?? 0) <= there[type]! + 1e-6);
}

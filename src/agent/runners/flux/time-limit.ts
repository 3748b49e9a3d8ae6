/**
 * The time limit of a job that asks for none: its queue's or the instance's own default, as plain flux submit gives it; else
 * Rainbow's, or the queue's limit where that is shorter.
 */
import type { FoundPartition } from '../../../core/discover/layout.ts';
import { limitOf, timeAmong } from '../../../core/discover/time-limits.ts';
import { readJobspec } from '../../../core/jobspec/read.ts';
import type { Clock } from '../../../system/system.ts';
import { freshFor } from '../batch/once.ts';
import type { Order } from '../runner.ts';
import { askAll } from './cluster.ts';
import type { Flux } from './commands.ts';

const FRESH_MS = 60_000;

/** Seconds. Where Flux does not say what it has, the submission is about to say why. */
export function createLimitWhereNone(flux: Flux, clock: Clock): (order: Order) => Promise<number> {
  const all = freshFor(FRESH_MS, clock, () => askAll(flux));
  return async ({ jobspec, walltime }) => {
    const asked = readJobspec(jobspec);
    if (asked.walltime !== null) return asked.walltime;
    const queues = await all().then(
      (found) => found.queues,
      () => [],
    );
    return limitWhereNone(queues, asked.queue, walltime);
  };
}

/** The same of a job in that queue; null: it asks for none. `walltime`: seconds, of the order. */
export function limitWhereNone(queues: readonly FoundPartition[], queue: string | null, walltime: number): number {
  const known = queues.map(({ name, facts }) => limitOf(name, facts));
  return timeAmong({ queue, walltime: null }, known, walltime);
}

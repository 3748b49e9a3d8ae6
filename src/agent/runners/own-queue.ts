/** A queue in which all that runs and waits is ours, and nothing overtakes: as a bidder sees it. */
import { taken, type Totals } from '../../core/bid/wanted.ts';
import type { Counts } from '../../core/bid/estimate.ts';
import type { Reason } from '../../core/job/state.ts';
import type { Request } from '../../core/jobspec/jobspec.ts';
import { readJobspec } from '../../core/jobspec/read.ts';
import type { Clock } from '../../system/system.ts';
import type { NativeJob, Order, QueueNow, RunnerQueue } from './runner.ts';

const COUNTED = ['node', 'core', 'gpu'];
const MOST_READ = 10_000;

/** `jobs`: those of the runner's `find`, in the order in which they start. */
export function ownQueue(parts: {
  /** Vertices by type, of the registered graph. */
  readonly totals: Totals;
  readonly jobs: () => Promise<readonly NativeJob[]>;
  /** Null: it would be taken. */
  readonly refusal: (jobspec: string) => Reason | null;
  readonly clock: Clock;
}): RunnerQueue {
  const totals = parts.totals.filter(({ type }) => COUNTED.includes(type));
  const total: Counts = Object.fromEntries(totals.map((each) => [each.type, each.total]));
  const takes = takesReader();
  const entry = (order: Order): QueueNow['waiting'][number] => {
    const { jobId, epoch, walltime, jobspec } = order;
    return { key: { jobId, epoch }, takes: takes(jobspec, totals), walltime, planned: null };
  };

  return {
    async look({ jobspec, priority }) {
      const refusal = parts.refusal(jobspec);
      if (refusal !== null) return { refusal };
      const jobs = await parts.jobs();
      const now = parts.clock.now();
      const running = jobs.flatMap(({ status, order }) => {
        if (status.state !== 'running' || order === null) return [];
        return [{ ...entry(order), elapsed: Math.max(0, (now - (status.startedAt ?? now)) / 1000) }];
      });
      const left = (type: string, count: number): number =>
        running.reduce((rest: number, each) => rest - (each.takes[type] ?? 0), count);
      return {
        name: '',
        total,
        free: Object.fromEntries(Object.entries(total).map(([type, count]) => [type, left(type, count)])),
        running,
        waiting: jobs.flatMap(({ status, order }) =>
          status.state === 'accepted' && order !== null && order.priority >= priority ? [entry(order)] : [],
        ),
        planned: null,
        isClosed: false,
      };
    },
    timeOf: async ({ walltime }) => walltime,
  };
}

/**
 * What a jobspec takes, by type; nothing where it cannot be read. Remembers: a queue repeats few texts, and reading one
 * takes half a millisecond.
 */
export function takesReader(): (jobspec: string, totals: Totals) => Counts {
  const read = new Map<string, Request | null>();
  return (jobspec, totals) => {
    let request = read.get(jobspec);
    if (request === undefined) {
      if (read.size >= MOST_READ) read.clear();
      request = requestOf(jobspec);
      read.set(jobspec, request);
    }
    return request === null ? {} : taken(request, totals);
  };
}

function requestOf(jobspec: string): Request | null {
  try {
    return readJobspec(jobspec).request;
  } catch {
    return null;
  }
}

/**
 * What an agent says that it holds, against what the store says: after any break both agree again. In this order:
 * what it holds is written as reports are; what it does not hold goes back or ends; what it is to stop is told again.
 */
import { whyStop } from '../../core/job/asked-end.ts';
import { HELD_STATES, type Reason } from '../../core/job/state.ts';
import { isPolled } from '../../core/job/polled.ts';
import type { ClusterRecord, JobId, JobStore } from '../../store/store.ts';
import { answerNotHeld } from './answer-report.ts';
import { applyReport, type ApplyDependencies } from './apply-report.ts';
import { isFinalReport, type Report } from './report.ts';

export interface Reconciled {
  readonly acknowledge: readonly Report[];
  readonly stop: readonly { readonly jobId: JobId; readonly epoch: number; readonly reason: Reason }[];
  /** Held and not accepted yet: they count against the agent's capacity. */
  readonly received: ReadonlyMap<JobId, number>;
}

/** Writes that share a commit. */
const AT_ONCE = 64;

export async function reconcile(
  deps: ApplyDependencies & { readonly jobs: Pick<JobStore, 'get' | 'attempts' | 'atCluster'> },
  cluster: Pick<ClusterRecord, 'id' | 'name'>,
  holds: readonly Report[],
): Promise<Reconciled> {
  const acknowledge: Report[] = [];
  const stop: { jobId: JobId; epoch: number; reason: Reason }[] = [];
  const received = new Map<JobId, number>();

  // 1. What it holds.
  const held = new Set(holds.map(({ jobId, epoch }) => `${jobId}.${epoch}`));
  await inBatches(holds, async (report) => {
    const { jobId, epoch } = report;
    const applied = await applyReport(deps, cluster, report);
    if (applied.acknowledge) acknowledge.push(report);
    if (applied.stop !== null) stop.push({ jobId, epoch, reason: applied.stop });
    else if (applied.job !== null && applied.job.epoch === epoch && !isFinalReport(report.state)) {
      if (applied.job.state === 'received') received.set(jobId, epoch);
      if (applied.job.cancelRequestedAt !== null) stop.push({ jobId, epoch, reason: whyStop(applied.job) });
    }
  });

  // 2. What it should hold and does not mention.
  const jobs = await deps.jobs.atCluster(cluster, HELD_STATES);
  const lost = jobs.filter((job) => !isPolled(job) && !held.has(`${job.id}.${job.epoch}`));
  await inBatches(lost, (job) => deps.scheduler.transition(answerNotHeld(job, deps.clock.now())));
  return { acknowledge, stop, received };
}

async function inBatches<T>(items: readonly T[], act: (item: T) => Promise<unknown>): Promise<void> {
  for (let first = 0; first < items.length; first += AT_ONCE) {
    await Promise.all(items.slice(first, first + AT_ONCE).map(act));
  }
}

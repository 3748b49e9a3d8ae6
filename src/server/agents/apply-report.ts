/** Writes what an agent reports, step by step, until it is committed or stale. */
import { RainbowError } from '../../core/errors.ts';
import type { Reason } from '../../core/job/state.ts';
import type { Log } from '../../scheduler/log.ts';
import type { Scheduler } from '../../scheduler/scheduler.ts';
import type { ClusterRef, JobRecord, JobStore } from '../../store/store.ts';
import type { Clock } from '../../system/system.ts';
import { answerReport, asFailed, contradictsItself } from './answer-report.ts';
import { answerDuplicate, mayBeDuplicate } from './duplicate.ts';
import type { NativeReasons } from './native-reasons.ts';
import type { Report } from './report.ts';

export interface Applied {
  /** Committed: the agent may be told so. */
  readonly acknowledge: boolean;
  /** Not null: the agent is to stop what it holds under that epoch. */
  readonly stop: Reason | null;
  /** As it is stored now; null where there is none. */
  readonly job: JobRecord | null;
}

export interface ApplyDependencies {
  readonly jobs: Pick<JobStore, 'get' | 'attempts'>;
  readonly scheduler: Pick<Scheduler, 'transition' | 'outrun' | 'adopt'>;
  readonly clock: Clock;
  readonly log: Log;
  /** Where they are kept. */
  readonly reasons?: NativeReasons;
}

/** Two steps at most lead to any state; the rest is for lost races. */
const MOST_STEPS = 12;

export async function applyReport(
  deps: ApplyDependencies,
  cluster: Pick<ClusterRef, 'id' | 'name'>,
  report: Report,
): Promise<Applied> {
  let job = await deps.jobs.get(report.jobId);
  for (let step = 0; step < MOST_STEPS; step++) {
    if (mayBeDuplicate(job, report)) {
      const honest = contradictsItself(report) ? asFailed(report) : report;
      const attempts = await deps.jobs.attempts(job.id);
      const answer = answerDuplicate(job, attempts, honest, cluster.name, deps.clock.now());
      if (answer.kind === 'acknowledge') return { acknowledge: true, stop: null, job };
      if (answer.kind === 'outrun') {
        const result = await deps.scheduler.outrun(answer.end);
        if (result.done) return { acknowledge: true, stop: null, job: result.job };
        ({ job } = result);
        continue;
      }
    }
    const answer = answerReport(job, report, cluster.id, deps.clock.now());
    if (answer.kind === 'acknowledge') {
      if (job !== null) await deps.reasons?.keep(job, report);
      return { acknowledge: true, stop: null, job };
    }
    if (answer.kind === 'stop') return { acknowledge: false, stop: answer.reason, job };
    if (answer.kind === 'adopt') {
      const { jobId: id, epoch } = report;
      ({ job } = await deps.scheduler.adopt({ id, epoch, cluster, at: deps.clock.now() }));
      continue;
    }
    const result = await deps.scheduler.transition(answer.change);
    job = result.job;
    if (result.done && answer.change.to === 'failed' && contradictsItself(report)) {
      const { jobId, epoch, exitCode, signal } = report;
      deps.log.warn(
        { job: jobId, epoch, cluster: result.job.cluster, exitCode, signal },
        'its agent reported this job as completed and with a failure: it is kept as failed',
      );
    }
  }
  throw new RainbowError(
    'aborted',
    `job ${report.jobId} changed faster than its report could be written; report it again`,
  );
}

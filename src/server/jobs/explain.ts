/**
 * Explain: every decision on a job, as it was stored, oldest first; and where the newest placed it nowhere, which change
 * would open most of its candidates as they are now.
 */
import { readResolved, withResolved } from '../../core/image/resolved.ts';
import { readJobspec } from '../../core/jobspec/read.ts';
import type { JobService } from '../../gen/rainbow/v1/jobs_pb.js';
import type { Opening } from '../../core/match/openings.ts';
import type { DecisionRecord } from '../../scheduler/scheduler.ts';
import type { JobRecord } from '../../store/store.ts';
import type { CallContext, Handlers } from '../call.ts';
import type { Parts } from '../parts.ts';
import { decisionToWire, jobToWire, openingToWire } from './convert.ts';
import { noSuchJob, ownJobOrArray } from './own.ts';

export function explain(parts: Parts): Handlers<typeof JobService>['explain'] {
  return async (request, call) => {
    const job = await shownJob(parts, call, request.id);
    const stored = await parts.store.jobs.decisions(job.id);
    const decisions = stored.map(({ epoch, decision }) => ({
      epoch,
      decision: JSON.parse(decision) as DecisionRecord,
    }));
    const last = decisions.at(-1)?.decision;
    return {
      job: jobToWire(job),
      decisions: decisions.map(({ epoch, decision }) => decisionToWire(decision, { id: job.id, epoch })),
      openings: last === undefined || last.chosen !== null ? [] : openingsNow(parts, job).map(openingToWire),
    };
  };
}

/** Of an array its first task: the decision at its submit is that one's. */
async function shownJob(parts: Parts, call: CallContext, id: string): Promise<JobRecord> {
  const { job, array } = await ownJobOrArray(parts, call, id);
  if (job !== null) return job;
  const [first] = await parts.store.jobs.list({ array: array.id, limit: 1, oldestFirst: true });
  if (first === undefined) throw await noSuchJob(parts, id);
  return first;
}

function openingsNow(parts: Parts, job: JobRecord): readonly Opening[] {
  const jobspec = withResolved(readJobspec(job.jobspec), readResolved(job.image));
  // A cluster that has come since under such a name is none of its own, and none of its submitter's business.
  const own = job.candidates.filter(({ name, id }) => (parts.scheduler.registry.get(name)?.id ?? id) === id);
  const names = own.map(({ name }) => name);
  return parts.scheduler.openings(jobspec, parts.scheduler.match(jobspec, names, job.owner, job.jobspec));
}

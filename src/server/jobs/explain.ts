/** Explain: every decision on a job, as it was stored, oldest first. */
import type { JobService } from '../../gen/rainbow/v1/jobs_pb.js';
import type { DecisionRecord } from '../../scheduler/scheduler.ts';
import type { Handlers } from '../call.ts';
import type { Parts } from '../parts.ts';
import { decisionToWire, jobToWire } from './convert.ts';
import { ownJob } from './own.ts';

export function explain(parts: Parts): Handlers<typeof JobService>['explain'] {
  return async (request, call) => {
    const job = await ownJob(parts, call, request.id);
    const decisions = await parts.store.jobs.decisions(job.id);
    return {
      job: jobToWire(job),
      decisions: decisions.map(({ epoch, decision }) =>
        decisionToWire(JSON.parse(decision) as DecisionRecord, { id: job.id, epoch }),
      ),
    };
  };
}

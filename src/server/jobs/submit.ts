/**
 * Submit: authenticate → read the jobspec → choose the policy → decide and store (scheduler), answered after the
 * commit. A job that no candidate can ever hold is stored as rejected, with the reasons.
 */
import { invalid, RainbowError } from '../../core/errors.ts';
import { checkTasks } from '../../core/jobspec/read.ts';
import type { JobService } from '../../gen/rainbow/v1/jobs_pb.js';
import type { BiddingChoice } from '../../store/store.ts';
import type { Person } from '../authenticate.ts';
import type { Handlers } from '../call.ts';
import { checkText, jobName, parseJobspec } from '../input.ts';
import type { Parts } from '../parts.ts';
import { choosePolicy } from '../policy.ts';
import { openCredentials, restrict } from './candidates.ts';
import { decisionToWire, jobToWire, onClusterLossFromWire } from './convert.ts';

export function submit(parts: Parts): Handlers<typeof JobService>['submit'] {
  return async (request, call) => {
    const person = parts.authenticator.person(call);
    parts.submitLimit.take(person.owner);
    const opened = await openCredentials(parts, call, request.credentials);
    const candidates = restrict(allowed(parts, person, request, opened.clusters), request.clusters);
    const parsed = parseJobspec(request.jobspec, 'jobspec');
    checkTasks(parsed);
    const policy = choosePolicy(parts.settings, { name: request.policy, options: request.policyOptions }, 'ours');
    const { job, created, decision } = await parts.scheduler.submit({
      name: jobName(request.name, parsed, 'name'),
      owner: person.owner,
      jobspec: request.jobspec,
      parsed,
      candidates,
      policy: policy.name,
      policyOptions: policy.options,
      priority: request.priority,
      onClusterLoss: onClusterLossFromWire(request.onClusterLoss, 'on_cluster_loss'),
      bidding: readBidding(request),
      idempotencyKey: request.idempotencyKey === '' ? null : checkText(request.idempotencyKey, 'idempotency_key'),
      storeRejected: true,
    });
    if (job === null) throw new RainbowError('internal', 'the job was not stored');
    parts.log.debug({ job: job.id, created, state: job.state, cluster: job.cluster }, 'submit');
    return { job: jobToWire(job), created, decision: decisionToWire(decision, job) };
  };
}

const MOST_WITHIN = 60;

/** Null where nothing is said. Throws `invalid_input`. */
function readBidding(request: {
  readonly ask?: boolean | undefined;
  readonly bidWithin?: number | undefined;
  readonly rebid?: boolean | undefined;
}): BiddingChoice | null {
  const { ask, bidWithin, rebid } = request;
  if (ask === undefined && bidWithin === undefined && rebid === undefined) return null;
  if (bidWithin !== undefined && !(bidWithin >= 0 && bidWithin <= MOST_WITHIN)) {
    throw invalid('bid_within', `must be from 0 to ${MOST_WITHIN} seconds, not ${bidWithin}`);
  }
  const withinMs = bidWithin === undefined ? null : bidWithin * 1000;
  return { ask: ask ?? null, withinMs, rebid: rebid ?? null };
}

/** What the credentials open; an operator that sends none may use every cluster. */
function allowed(
  parts: Parts,
  person: Person,
  request: { readonly credentials: readonly unknown[] },
  opened: readonly string[],
): readonly string[] {
  if (request.credentials.length === 0) {
    if (person.kind === 'operator')
      return parts.scheduler.registry
        .list()
        .map(({ name }) => name)
        .sort();
    throw new RainbowError(
      'invalid_input',
      'one or more authenticated clusters are required: send the name and token of a cluster or cluster group',
    );
  }
  if (opened.length === 0) {
    throw new RainbowError('failed_precondition', 'the cluster groups that you may use hold no cluster now');
  }
  return opened;
}

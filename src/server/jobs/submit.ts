/**
 * Submit: authenticate → read the jobspec → choose the policy → decide and store (scheduler), answered after the
 * commit. A job that no candidate can ever hold is stored as rejected, with the reasons, unless it is to wait for one.
 * A submit under a key that was used is answered with what it was used for, also where it would be refused by now.
 */
import { checkAskedImage } from '../../core/containers/job-image.ts';
import { invalid, RainbowError } from '../../core/errors.ts';
import { wordsOfResolved, writeResolved } from '../../core/image/resolved.ts';
import { checkTasks } from '../../core/jobspec/read.ts';
import type { JobService, SubmitRequest, SubmitResponseSchema } from '../../gen/rainbow/v1/jobs_pb.js';
import type { MessageInitShape } from '@bufbuild/protobuf';
import type { BiddingChoice, LaterClusters } from '../../store/store.ts';
import type { Opened, Person } from '../authenticate.ts';
import type { Handlers } from '../call.ts';
import { checkText, jobName, parseJobspec } from '../input.ts';
import { imageNeeds } from '../images/needs.ts';
import { LIMITS } from '../limits.ts';
import type { Parts } from '../parts.ts';
import { choosePolicy } from '../policy.ts';
import { openCredentials, restrict } from './candidates.ts';
import { arrayToWire, decisionToWire, jobToWire, onClusterLossFromWire, openingToWire } from './convert.ts';
import { readHandling } from './handling.ts';
import { readStaging } from './staging.ts';
import { inTurn, readArray, readDependencies, readTimes, whenBusyFromWire } from './when.ts';

type Answer = MessageInitShape<typeof SubmitResponseSchema>;

export function submit(parts: Parts): Handlers<typeof JobService>['submit'] {
  const fresh = submitFresh(parts);
  return async (request, call) => {
    const person = parts.authenticator.person(call);
    parts.submitLimit.take(person.owner);
    const opened = await openCredentials(parts, call, request.credentials);
    try {
      return await fresh(request, person, opened);
    } catch (error) {
      // What was right when it was first sent may be too late or gone by now; it is that job all the same.
      const earlier = error instanceof RainbowError ? await earlierOf(parts, person, request) : null;
      if (earlier === null) throw error;
      return { job: earlier, created: false };
    }
  };
}

/** What was stored under the request's key; null without one, and where nothing was. */
async function earlierOf(parts: Parts, { owner }: Person, request: SubmitRequest): Promise<Answer['job'] | null> {
  const { idempotencyKey } = request;
  if (idempotencyKey === '' || idempotencyKey.length > LIMITS.text) return null;
  const job = await parts.store.jobs.submitted(owner, idempotencyKey);
  if (job === null || job.array === null) return job === null ? null : jobToWire(job);
  const array = await parts.store.arrays.get(job.array.id);
  return array === null ? null : arrayToWire(array);
}

function submitFresh(parts: Parts): (request: SubmitRequest, person: Person, opened: Opened) => Promise<Answer> {
  return async (request, person, opened) => {
    const all = allowed(parts, person, request, opened.clusters);
    const later = request.waitForCluster ? laterOf(request, opened) : null;
    // A name that a group may get later is no candidate yet.
    const today =
      later === null ? request.clusters : request.clusters.filter((name) => all.includes(name) || !mayCome(later));
    const candidates = request.clusters.length > 0 && today.length === 0 ? [] : restrict(all, today);
    const asked = parseJobspec(request.jobspec, 'jobspec');
    checkTasks(asked);
    checkAskedImage(asked, request.jobspec);
    const staging = await readStaging(parts, person.owner, request);
    const handling = {
      ...readHandling(request, parts.settings.outputCapMax),
      ...(staging === null ? {} : { staging }),
    };
    const { jobspec: parsed, resolved } = await imageNeeds(parts, asked, request.compatibility);
    const dependencies = await readDependencies(parts, person, request.dependencies);
    const policy = choosePolicy(parts.settings, { name: request.policy, options: request.policyOptions }, 'ours');
    const { job, array, created, decision } = await parts.scheduler.submit({
      name: jobName(request.name, parsed, 'name'),
      owner: person.owner,
      jobspec: request.jobspec,
      parsed,
      image: writeResolved(resolved),
      notes: resolved === null ? [] : [wordsOfResolved(resolved)],
      candidates,
      policy: policy.name,
      policyOptions: policy.options,
      priority: request.priority,
      onClusterLoss: onClusterLossFromWire(request.onClusterLoss, 'on_cluster_loss'),
      handling,
      bidding: readBidding(request),
      idempotencyKey: request.idempotencyKey === '' ? null : checkText(request.idempotencyKey, 'idempotency_key'),
      storeRejected: true,
      dependencies,
      array: inTurn(readArray(request.array), dependencies),
      ...readTimes(request, parsed.walltime, parts.system.clock.now()),
      hold: request.hold,
      overcommit: whenBusyFromWire(request.whenBusy, 'when_busy'),
      later,
    });
    if (array !== null) {
      parts.log.debug({ array: array.id, created, tasks: array.tasks }, 'submit');
      return { job: arrayToWire(array), created, decision: decisionToWire(decision, null) };
    }
    if (job === null) throw new RainbowError('internal', 'the job was not stored');
    parts.log.debug({ job: job.id, created, state: job.state, cluster: job.cluster }, 'submit');
    // Of an earlier job's jobspec nothing was asked.
    const openings =
      created && job.state === 'rejected'
        ? parts.scheduler.openings(parsed, decision.candidates).map(openingToWire)
        : [];
    return { job: jobToWire(job), created, decision: decisionToWire(decision, job), openings };
  };
}

/** Which clusters that are not there today it may use: what the same credentials open then. */
function laterOf(request: SubmitRequest, opened: Opened): LaterClusters {
  const any = request.credentials.length === 0; // Only an operator has come so far without.
  return { any, groups: opened.groups, only: request.clusters };
}

function mayCome({ any, groups }: LaterClusters): boolean {
  return any || groups.length > 0;
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
  request: { readonly credentials: readonly unknown[]; readonly waitForCluster: boolean },
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
  if (opened.length === 0 && !request.waitForCluster) {
    throw new RainbowError(
      'failed_precondition',
      'the cluster groups that you may use hold no cluster now; wait_for_cluster waits until one does',
    );
  }
  return opened;
}

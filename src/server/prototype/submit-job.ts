/**
 * SubmitJob: authenticate → match again (the client's own Satisfy is not trusted) → select → assign, in the
 * prototype's order of checks. Nothing is stored unless a cluster was chosen; `satisfy_only` stores nothing at all.
 * A cluster for which the matcher cannot say counts as one that does not match.
 */
import type { RainbowScheduler, SubmitJobRequest } from '../../gen/prototype/rainbow_pb.js';
import { SubmitJobResponse_ResultType as Result } from '../../gen/prototype/rainbow_pb.js';
import { checkAskedImage } from '../../core/containers/job-image.ts';
import { wordsOfResolved, writeResolved } from '../../core/image/resolved.ts';
import { factsOf } from '../../scheduler/bidding/facts.ts';
import { defaultSettings } from '../../scheduler/settings.ts';
import type { Jobspec } from '../../core/jobspec/jobspec.ts';
import { ownerOf, type Credential, type Opened } from '../authenticate.ts';
import type { CallContext, Handlers } from '../call.ts';
import { checkJobName, jobName, parseJobspec } from '../input.ts';
import { imageNeeds } from '../images/needs.ts';
import type { Parts } from '../parts.ts';
import { choosePolicy, type ChosenPolicy } from '../policy.ts';
import { newUuid } from '../secrets.ts';
import { noClusterPassed, required } from './messages.ts';

export function submitJob(parts: Parts): Handlers<typeof RainbowScheduler>['submitJob'] {
  return async (request, call) => {
    const requestId = newUuid(parts.system.entropy);
    const opened = await authenticate(parts, request, call);
    // Without a name the prototype never looked at the options.
    const asked = {
      name: request.selectAlgorithm,
      options: request.selectAlgorithm === '' ? {} : request.selectOptions,
    };
    const policy = choosePolicy(parts.settings, asked, 'prototype');
    checkJobName(request.name, 'name');
    const read = parseJobspec(request.jobspec, 'jobspec');
    checkAskedImage(read, request.jobspec);
    const { jobspec: parsed, resolved } = await imageNeeds(parts, read, '');

    if (request.satisfyOnly) {
      const clusters = select(parts, policy, parsed, request.jobspec, opened.clusters, requestId);
      return { requestId, status: Result.SUBMIT_SUCCESS, clusters: [...clusters] };
    }
    const owner = ownerOf(shown(request));
    parts.submitLimit.take(owner);
    const { job } = await parts.scheduler.submit({
      name: jobName(request.name, parsed, 'name'),
      owner,
      jobspec: request.jobspec,
      parsed,
      image: writeResolved(resolved),
      notes: resolved === null ? [] : [wordsOfResolved(resolved)],
      candidates: opened.clusters,
      policy: policy.name,
      policyOptions: policy.options,
      priority: 0,
      onClusterLoss: 'wait',
      idempotencyKey: null,
      storeRejected: false,
    });
    if (job === null || job.cluster === null || job.clusterId === null) throw noClusterPassed();
    const jobid = await parts.store.jobs.numberAt({ name: job.cluster, id: job.clusterId }, job.id);
    parts.log.debug({ job: job.id, cluster: job.cluster, number: jobid, requestId }, 'submit');
    return { requestId, jobid, cluster: job.cluster, status: Result.SUBMIT_SUCCESS };
  };
}

/** Entries without a name or a token are skipped, as its Go client sends them for clusters that it has no token for. */
function shown(request: SubmitJobRequest): readonly Credential[] {
  return request.clusters.filter(({ name, token }) => name !== '' && token !== '');
}

async function authenticate(parts: Parts, request: SubmitJobRequest, call: CallContext): Promise<Opened> {
  const opened = await parts.authenticator.credentials(shown(request), call);
  if (opened.clusters.length === 0) throw required('one or more authenticated clusters are required');
  return opened;
}

/** The clusters that fit and pass the policy, best first: as the scheduler would decide, but nothing is decided. */
function select(
  parts: Parts,
  policy: ChosenPolicy,
  parsed: Jobspec,
  text: string,
  clusters: readonly string[],
  seed: string,
): readonly string[] {
  const { scheduler } = parts;
  const contenders = scheduler
    .match(parsed, clusters, undefined, text)
    .filter(({ satisfiable }) => satisfiable.fits === 'yes')
    .map(({ cluster, startable, state }) => ({
      cluster,
      startable: startable.fits === 'yes',
      state,
      hasState: (scheduler.registry.get(cluster)?.state ?? null) !== null,
      // Nobody is asked: nothing is to be placed.
      offer: null,
    }));
  const now = parts.system.clock.now();
  const job = factsOf({ priority: 0 }, parsed.walltime ?? defaultSettings.defaultWalltime, now);
  const input = { contenders, parameters: parsed.parameters, seed, now, job };
  return contenders.length === 0 ? [] : policy.select(input).order;
}

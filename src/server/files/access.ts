/**
 * Whose files are meant. A person's are his own; an agent's are those of the owner of one job, for as long as that agent
 * holds it: whoever has a cluster's secret sees no files but those of jobs that were sent to that cluster.
 */
import { invalid, RainbowError } from '../../core/errors.ts';
import { HELD_STATES, isFinal } from '../../core/job/state.ts';
import type { FileEntry } from '../../core/staging/manifest.ts';
import type { Holder } from '../../gen/rainbow/v1/files_pb.js';
import type { JobRecord } from '../../store/store.ts';
import type { Credential } from '../authenticate.ts';
import type { CallContext } from '../call.ts';
import { checkJobId, checkSequence } from '../input.ts';
import { openCredentials } from '../jobs/candidates.ts';
import { ownJobOrArray } from '../jobs/own.ts';
import type { Parts } from '../parts.ts';

export interface Held {
  readonly job: JobRecord;
  readonly epoch: number;
}

/** Throws `unauthenticated`, or `failed_precondition` where it does not hold the job. */
export async function heldJob(parts: Parts, call: CallContext, holder: Holder): Promise<Held> {
  await parts.scheduler.registry.find(holder.cluster);
  const cluster = parts.authenticator.cluster(holder.cluster, holder.secret, call);
  const id = checkJobId(holder.jobId, 'holder.job_id');
  const epoch = checkSequence(holder.epoch, 'holder.epoch');
  const job = await parts.store.jobs.get(id);
  if (job !== null && !isFinal(job.state)) {
    const isHeld = HELD_STATES.some((state) => state === job.state);
    if (isHeld && job.epoch === epoch && job.clusterId === cluster.id) return { job, epoch };
    if (epoch < job.epoch && (await wasDuplicated(parts, job, epoch, cluster.name))) return { job, epoch };
  }
  throw new RainbowError(
    'failed_precondition',
    `job ${id} under epoch ${epoch} is not held by cluster ${cluster.name}, or has ended: its files are not for it`,
  );
}

/** An attempt beside which a second runs may still end the job. */
async function wasDuplicated(parts: Parts, job: JobRecord, epoch: number, cluster: string): Promise<boolean> {
  if (job.onClusterLoss !== 'duplicate') return false;
  const attempt = (await parts.store.jobs.attempts(job.id)).find((each) => each.epoch === epoch);
  return attempt?.reason.code === 'duplicated' && attempt.cluster === cluster;
}

/**
 * Who may leave contents here, and as whom. A user key is made up by anybody, so it is not enough: who could not submit
 * with these credentials keeps nothing here either. Throws `invalid_input` where none came, `unauthenticated`.
 */
export async function ownerOf(
  parts: Parts,
  call: CallContext,
  { holder, credentials }: { readonly holder?: Holder | undefined; readonly credentials: readonly Credential[] },
): Promise<string> {
  if (holder !== undefined) return (await heldJob(parts, call, holder)).job.owner;
  const person = parts.authenticator.person(call);
  if (credentials.length === 0 && person.kind !== 'operator') {
    throw invalid(
      'credentials',
      'is empty; send the name and token of a cluster or cluster group, as the submit will that these files are for',
    );
  }
  await openCredentials(parts, call, credentials);
  return person.owner;
}

export interface FilesOfJob {
  readonly owner: string;
  /** 0: what was sent along. */
  readonly epoch: number;
  readonly files: readonly FileEntry[];
  readonly notes: readonly string[];
}

/**
 * `stageIn`: what was sent along; else what an attempt left, epoch 0 being the newest that left something. Throws
 * `not_found` where it left nothing, in words that say which.
 */
export async function filesOfJob(
  parts: Parts,
  call: CallContext,
  asked: {
    readonly holder?: Holder | undefined;
    readonly jobId: string;
    readonly epoch: string;
    readonly stageIn: boolean;
  },
): Promise<FilesOfJob> {
  const { files } = parts.store;
  if (asked.holder !== undefined) {
    const { job } = await heldJob(parts, call, asked.holder);
    // An agent is given what it is to run the job with, and nothing that others left behind.
    return { ...(await setOf(parts, job.handling.staging?.set ?? null)), owner: job.owner, epoch: 0, notes: [] };
  }
  const { job, array } = await ownJobOrArray(parts, call, asked.jobId);
  const { id, owner } = job ?? array;
  if (asked.stageIn) {
    const [first] = await files.ofJob(job?.array?.id ?? id);
    return { ...(await setOf(parts, first?.epoch === 0 ? first.set : null)), owner, epoch: 0, notes: [] };
  }
  if (job === null) {
    const first = `${id}[${/^\d+/.exec(array?.indices ?? '')?.[0] ?? '0'}]`;
    throw new RainbowError(
      'failed_precondition',
      `${id} is an array: each of its tasks has files of its own; name one of them by its index, as in ${first}`,
    );
  }
  const epoch = checkSequence(asked.epoch, 'epoch');
  const left = (await files.ofJob(id)).filter((each) => each.epoch > 0);
  const found = epoch === 0 ? left.at(-1) : left.find((each) => each.epoch === epoch);
  if (found === undefined) throw nothing(job, epoch);
  return { ...(await setOf(parts, found.set)), owner, epoch: found.epoch, notes: found.notes };
}

async function setOf(parts: Parts, id: string | null): Promise<{ readonly files: readonly FileEntry[] }> {
  if (id === null) return { files: [] };
  return { files: (await parts.store.files.set(id))?.files ?? [] };
}

function nothing(job: JobRecord, epoch: number): RainbowError {
  if (job.handling.staging === undefined || job.handling.staging.out.length === 0) {
    return new RainbowError(
      'failed_precondition',
      `job ${job.id} was not asked to bring files back: submit it with --stage-out`,
    );
  }
  const which = epoch === 0 ? '' : `attempt ${epoch} of `;
  const why = isFinal(job.state) ? 'has brought no files back' : `has brought no files back yet: it is ${job.state}`;
  return new RainbowError('not_found', `${which}job ${job.id} ${why}`);
}

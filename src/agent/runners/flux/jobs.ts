/**
 * What the runner knows of its jobs in Flux, and how one stands: from the record that Flux gave. Submits and cancels
 * nothing.
 */
import { chmod, chown, mkdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { System } from '../../../system/system.ts';
import type { Accepted, BatchJob, JobTable, OutputPaths } from '../batch/jobs.ts';
import { writeDurably } from '../process/files.ts';
import type { JobUser } from '../process/user.ts';
import { jobspecFile } from './orphans.ts';
import type { FluxRecord } from './records.ts';
import { endOf, phaseOf, waitsFor } from './status.ts';
import { outputPaths } from './submit.ts';

/** native.json */
export interface Native {
  /** Nonces, the newest last. */
  readonly submissions: readonly string[];
  /** The one that may run, and its id. Once set it stays: of all submissions no other is ever let go. */
  readonly chosen: { readonly nonce: string; readonly id: string } | null;
  /** It has been let go. */
  readonly isReleased: boolean;
  /** Of the instance that was given it; '' where that is not known. */
  readonly instance: string;
}

export type FluxJobEntry = BatchJob<Accepted, Native>;

export const NO_NATIVE: Native = { submissions: [], chosen: null, isReleased: false, instance: '' };

export async function makeRunDir(dir: string, user: JobUser): Promise<void> {
  const scratch = join(dir, 'run', 'scratch');
  await mkdir(scratch, { recursive: true, mode: 0o700 });
  if (!user.switched) return;
  await chmod(dir, 0o711);
  for (const path of [scratch, join(dir, 'run')]) await chown(path, user.uid, user.gid);
}

/** Durable when it resolves. Answers its path, which the job's user can read. */
export async function keepJobspec(job: FluxJobEntry, nonce: string, jobspec: string, user: JobUser): Promise<string> {
  const path = join(job.dir, jobspecFile(nonce));
  await writeDurably(path, jobspec);
  if (user.switched) await chown(path, user.uid, user.gid);
  return path;
}

/** Of the chosen submission; null where that cannot be told (yet). */
export async function pathsOf(job: FluxJobEntry): Promise<OutputPaths | null> {
  const { chosen } = job.native;
  if (job.paths !== null || chosen === null) return job.paths;
  const jobspec = await readFile(join(job.dir, jobspecFile(chosen.nonce)), 'utf8').catch(() => null);
  job.paths = jobspec === null ? null : outputPaths(jobspec, chosen.id);
  return job.paths;
}

/** Takes in what Flux says of it; tells what changed. */
export async function refresh(
  table: JobTable<Accepted, Native>,
  job: FluxJobEntry,
  record: FluxRecord,
  { clock }: System,
): Promise<void> {
  if (job.status.state === 'ended') return;
  const { acceptedAt } = job.accepted;
  const phase = phaseOf(record.state);
  const startedAt = record.startedAt === null ? job.status.startedAt : Math.max(acceptedAt, record.startedAt);
  if (phase === 'ended') {
    job.status = { ...job.status, startedAt };
    return table.conclude(job, endOf(record, job.stop), record.endedAt ?? clock.now());
  }
  const waits = startedAt === null && phase !== 'running';
  const why = waitsFor(record, !job.native.isReleased);
  table.tell(job, {
    state: waits ? 'accepted' : 'running',
    acceptedAt,
    startedAt,
    endedAt: null,
    end: null,
    ...(why === '' ? {} : { waitsFor: why }),
  });
}

/**
 * What the runner knows of its jobs in Slurm, and how one stands: from the records that squeue gave and what the wrapper
 * wrote (wrapper.ts). Submits and cancels nothing.
 */
import { chmod, chown, mkdir, readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { SlurmJob } from '../../../core/translate/render/slurm.ts';
import type { System } from '../../../system/system.ts';
import type { BatchJob, Accepted as AcceptedOrder, JobTable } from '../batch/jobs.ts';
import type { Found } from '../batch/key.ts';
import { readUntrusted } from '../process/files.ts';
import type { Order } from '../runner.ts';
import type { SlurmRecord } from './records.ts';
import { endOf, isForgotten, phaseOf, phaseOfAll, waitsFor, type TaskEnd } from './status.ts';
import { lastTaskOf } from './submit.ts';
import type { SlurmUser } from './users.ts';

/** order.json */
export interface Accepted extends AcceptedOrder {
  /** Whom its files belong to, and who cancels it. */
  readonly user: SlurmUser | null;
  readonly uid: number;
  /** Highest index of its array; 0: no array. */
  readonly lastTask: number;
  /** It goes where the jobspec said: paths are asked of Slurm. */
  readonly ownOutput: boolean;
}

/** `now`: milliseconds since 1970. */
export function acceptedOf(
  order: Order,
  asked: SlurmJob,
  whose: Pick<Accepted, 'user' | 'uid'>,
  now: number,
): Accepted {
  return {
    jobId: order.jobId,
    epoch: order.epoch,
    order,
    // Slurm's own times are whole seconds: none of them is told earlier than this one.
    acceptedAt: now,
    ...whose,
    lastTask: lastTaskOf(asked),
    ownOutput: asked.options.some(([option]) => option === 'output' || option === 'error'),
  };
}

/** native.json has every submission, the newest last. */
export interface Submission {
  readonly nonce: string;
  /** The whole of its name in Slurm. */
  readonly name: string;
  readonly at: number;
  /** null: not known (yet) to have reached Slurm. */
  readonly nativeId: string | null;
}

export type Submissions = readonly Submission[];
export type SlurmJobEntry = BatchJob<Accepted, Submissions>;

/** '' where none is known to have reached Slurm. */
export function nativeIdOf(submissions: Submissions): string {
  return submissions.findLast(({ nativeId }) => nativeId !== null)?.nativeId ?? '';
}

export async function makeRunDir(dir: string, { user, uid }: Accepted): Promise<void> {
  const run = join(dir, 'run');
  const scratch = join(run, 'scratch');
  if (user === null) return void (await mkdir(scratch, { recursive: true, mode: 0o700 }));
  await mkdir(run, { recursive: true, mode: 0o700 });
  await chmod(dir, 0o711);
  if (user.by === 'uid') {
    await mkdir(scratch, { mode: 0o700 }).catch(() => undefined);
    for (const path of [scratch, run]) await chown(path, uid, user.gid);
  } else {
    // Only its owner may take a file out of it; the wrapper makes the rest.
    await chmod(run, 0o1733);
  }
}

/** What the wrapper has said so far. */
export interface Said {
  readonly ends: readonly TaskEnd[];
  /** Nonces of the submissions that have begun to run. */
  readonly claimedBy: ReadonlySet<string>;
  /** When the last of them claimed; 0: none. */
  readonly claimedAt: number;
  /** Of the last end; 0: none. */
  readonly lastAt: number;
}

export async function said(job: SlurmJobEntry): Promise<Said> {
  const names = await readdir(job.runDir).catch((): string[] => []);
  const ends = new Map<number, TaskEnd & { readonly restart: number }>();
  const claimedBy = new Set<string>();
  let [claimedAt, lastAt] = [0, 0];
  for (const name of names) {
    const found = /^(end|claim)\.(\d+)\.(\d+)$/.exec(name);
    if (found === null) continue;
    const [task, restart] = [Number(found[2]), Number(found[3])];
    const file = await readUntrusted(join(job.runDir, name), job.accepted.uid, 4096);
    if (file === null || !file.text.includes('\ncomplete\n')) continue;
    if (found[1] === 'claim') {
      claimedBy.add(/^nonce (\S+)/.exec(file.text)?.[1] ?? '');
      claimedAt = Math.max(claimedAt, file.modifiedAt);
    } else if ((ends.get(task)?.restart ?? -1) < restart) {
      const status = Number(/^status (\d+)$/m.exec(file.text)?.[1] ?? 1);
      const cannot = await readUntrusted(join(job.runDir, `cannot.${task}.${restart}`), job.accepted.uid, 4096);
      ends.set(task, { task, status, restart, cannot: cannot === null ? null : cannot.text.trim().split('\n')[0]! });
      lastAt = Math.max(lastAt, file.modifiedAt);
    }
  }
  return { ends: [...ends.values()], claimedBy, claimedAt, lastAt };
}

/**
 * Of all records with its key those that count: of the submission that has the claim, else of the newest. What is left
 * of an earlier one that Slurm lost or dropped says nothing of it.
 */
export async function relevant(
  job: SlurmJobEntry,
  mine: readonly Found<SlurmRecord>[],
): Promise<readonly SlurmRecord[]> {
  const byNonce = new Map<string, SlurmRecord[]>();
  for (const { name, record } of mine) {
    const there = byNonce.get(name.nonce);
    if (there === undefined) byNonce.set(name.nonce, [record]);
    else there.push(record);
  }
  const newest = job.native.at(-1)?.nonce ?? '';
  if (byNonce.size === 1 && byNonce.has(newest)) return byNonce.get(newest)!;
  const { claimedBy } = await said(job);
  const alive = [...byNonce].flatMap(([nonce, records]) => (phaseOfAll(records) === 'ended' ? [] : [nonce]));
  const chosen = [...claimedBy, newest, ...alive].find((nonce) => byNonce.has(nonce));
  return chosen === undefined ? [] : byNonce.get(chosen)!;
}

/** So long after its wrapper wrote an end, squeue surely knows of it. */
const SURELY_OVER_MS = 10_000;

/** Takes in what Slurm says of it (at least one record); tells what changed. */
export async function refresh(
  table: JobTable<Accepted, Submissions>,
  job: SlurmJobEntry,
  records: readonly SlurmRecord[],
  { clock }: System,
): Promise<void> {
  if (job.status.state === 'ended') return;
  const { acceptedAt } = job.accepted;
  const starts = records.flatMap(({ state, startedAt }) =>
    startedAt === null || phaseOf(state) === 'waiting' ? [] : [startedAt],
  );
  const startedAt = starts.length === 0 ? job.status.startedAt : Math.max(acceptedAt, Math.min(...starts));
  const phase = phaseOfAll(records);
  if (phase === 'ended') {
    const { ends, claimedAt, lastAt } = await said(job);
    const ran = ends.length > 0 || records.some(({ state }) => state !== 'CANCELLED');
    const forgotten = isForgotten(records, ends, { claimedAt, lastAt, stopAskedAt: await stopAskedAt(job) });
    const end = endOf({ records, tasks: ends, stop: job.stop, forgotten });
    const endedAt = Math.max(...records.map((record) => record.endedAt ?? 0)) || lastAt || clock.now();
    const began = ran || !wasNever(records) ? startedAt : null;
    job.status = {
      ...job.status,
      startedAt: forgotten ? Math.max(acceptedAt, Math.min(job.status.startedAt ?? lastAt, lastAt)) : began,
    };
    return table.conclude(job, end, forgotten ? lastAt : endedAt);
  }
  if (phase === 'waiting' && job.status.state === 'running') {
    // A controller that was killed has forgotten that it ran, and would start it again.
    const { ends, lastAt } = await said(job);
    const isOver = ends.length > job.accepted.lastTask && records.every(({ restarts }) => restarts === 0);
    if (isOver && clock.now() > lastAt + SURELY_OVER_MS) {
      return table.conclude(job, endOf({ records, tasks: ends, stop: job.stop, forgotten: true }), lastAt);
    }
  }
  const why = waitsFor(records);
  const waits = phase === 'waiting' && job.status.state === 'accepted';
  table.tell(job, {
    // Slurm may have requeued it: what has run does not wait in our eyes, or states would go backwards.
    state: waits || (phase === 'completing' && startedAt === null) ? 'accepted' : 'running',
    acceptedAt,
    startedAt: waits ? null : startedAt,
    endedAt: null,
    end: null,
    ...(why === '' ? {} : { waitsFor: why }),
  });
}

async function stopAskedAt({ dir, stop }: SlurmJobEntry): Promise<number | null> {
  if (stop === null) return null;
  const file = await stat(join(dir, 'stop')).catch(() => null);
  return file === null ? null : Math.trunc(file.mtimeMs);
}

/** Canceled before it ever had a node. */
function wasNever(records: readonly SlurmRecord[]): boolean {
  return records.every(({ startedAt, endedAt }) => startedAt === null || startedAt === endedAt);
}

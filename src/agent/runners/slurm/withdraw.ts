/**
 * Takes a job that waits out of Slurm's queue, so that it can be started elsewhere and surely is not here: the agent
 * claims it itself (wrapper.ts), and whoever has the claim decides. A cancel alone would not do: it may come when the
 * job has begun, and a controller that is killed may forget it.
 *
 * Invariant: once the claim is taken no native job of this key ever runs, whatever becomes of the cancel; a claim that a
 * wrapper has is never taken away.
 */
import { link, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { Reason } from '../../../core/job/state.ts';
import { slurmJob } from '../../../core/translate/render/slurm.ts';
import { isAbsent, readOwnJson, syncDirectory, writeDurably } from '../process/files.ts';
import type { SlurmJobEntry } from './jobs.ts';

/** An array has many claims, and a job that Slurm may start again has one for each try. */
export function canBeWithdrawn({ accepted, status, stop }: SlurmJobEntry): boolean {
  const { order, lastTask } = accepted;
  if (status.state !== 'accepted' || stop !== null || order === null || lastTask > 0) return false;
  return !slurmJob(order.jobspec).options.some(([option]) => option === 'requeue');
}

/** Durable when it resolves; false: a wrapper has it, or it was taken for nobody before. One call at a time for a job. */
export async function claimForNobody(job: SlurmJobEntry, reason: Reason): Promise<boolean> {
  // A mark that is there may be the claim itself: it is the proof, and is neither written anew nor taken away.
  if ((await inodeOf(markOf(job))) === null) await writeDurably(markOf(job), JSON.stringify(reason));
  try {
    await link(markOf(job), claimOf(job));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
    if ((await withdrawnFor(job)) === null) await rm(markOf(job), { force: true });
    return false;
  }
  await syncDirectory(job.runDir);
  return true;
}

/** Why the agent has the claim; null: it has not. */
export async function withdrawnFor(job: SlurmJobEntry): Promise<Reason | null> {
  const [mark, claim] = await Promise.all([markOf(job), claimOf(job)].map(inodeOf));
  return mark === null || mark !== claim ? null : readOwnJson<Reason>(markOf(job));
}

/** The agent's own name of the claim. */
function markOf({ dir }: SlurmJobEntry): string {
  return join(dir, 'withdrawn');
}

function claimOf({ runDir }: SlurmJobEntry): string {
  return join(runDir, 'claim.0.0');
}

async function inodeOf(path: string): Promise<string | null> {
  try {
    const { dev, ino } = await stat(path, { bigint: true });
    return `${dev} ${ino}`;
  } catch (error) {
    if (isAbsent(error)) return null;
    throw error;
  }
}

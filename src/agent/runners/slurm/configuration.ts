/** What Slurm says of itself, and of where a job's output goes. */
import { RainbowError } from '../../../core/errors.ts';
import type { OutputPaths } from '../batch/jobs.ts';
import type { Slurm } from './commands.ts';
import { nativeIdOf, type SlurmJobEntry } from './jobs.ts';

export interface SlurmConfiguration {
  /** Where it writes what ended; null: nowhere, or to no file. */
  readonly jobcomp: string | null;
  readonly hasAccounting: boolean;
}

/** Nothing is known of a controller that is away. */
export async function askConfiguration(slurm: Slurm): Promise<SlurmConfiguration> {
  const answer = await slurm('scontrol', ['show', 'config']).catch((error: unknown) => {
    if (error instanceof RainbowError && error.code === 'unavailable') return null;
    throw error;
  });
  if (answer === null || answer.code !== 0) return { jobcomp: null, hasAccounting: false };
  const value = (key: string): string => new RegExp(`^${key}\\s*= (.*)$`, 'm').exec(answer.stdout)?.[1]?.trim() ?? '';
  return {
    jobcomp: value('JobCompType') === 'jobcomp/filetxt' ? value('JobCompLoc') : null,
    hasAccounting: value('AccountingStorageType') === 'accounting_storage/slurmdbd',
  };
}

/** Where its output goes, patterns filled in (there may be spaces in it); null: Slurm does not say (any more). */
export async function askPaths(slurm: Slurm, job: SlurmJobEntry): Promise<OutputPaths | null> {
  const answer = await slurm('scontrol', ['show', 'job', '-o', nativeIdOf(job.native)]);
  const value = (key: string): string | null =>
    new RegExp(` ${key}=(\\S.*?)(?= [A-Z][\\w/:]*=|\\s*$)`, 'm').exec(answer.stdout)?.[1] ?? null;
  const name = value('JobName');
  const stdout = value('StdOut');
  const mine = name !== null && job.native.some((each) => each.name === name);
  return mine && stdout !== null ? { stdout, stderr: value('StdErr') ?? stdout } : null;
}

/**
 * When Slurm itself expects to start a job: for whoever bids. A queued job by `squeue --start` (the backfill
 * scheduler's own plan); one that is not there yet by `sbatch --test-only`, which tells the truth only while nothing
 * waits in that partition (it adds up the time limits of all that does), and uses up a job id: ask seldom.
 */
import { failed, type Slurm } from './commands.ts';
import { readTime } from './records.ts';
import type { SlurmUser } from './users.ts';

export type Estimate =
  /** Milliseconds since 1970. */
  | { readonly kind: 'at'; readonly start: number }
  /** It can never run as it is asked for; in Slurm's words. */
  | { readonly kind: 'never'; readonly why: string }
  /** Slurm does not say, or what it would say is not to be trusted. */
  | { readonly kind: 'unknown' };

/** Of a job that is in Slurm's queue, by its unique name. Throws `unavailable` where the controller is away. */
export async function estimateQueued(slurm: Slurm, name: string): Promise<Estimate> {
  const answer = await slurm('squeue', ['-h', '-a', '--start', `--name=${name}`, '-o', '%S']);
  if (answer.code !== 0) throw failed('squeue', answer);
  const starts = answer.stdout.split('\n').flatMap((line) => readTime(line.trim()) ?? []);
  return starts.length === 0 ? { kind: 'unknown' } : { kind: 'at', start: Math.min(...starts) };
}

/** `args`: as sbatch would be called; `partition` null: the default one. Throws as above. */
export async function estimateNew(
  slurm: Slurm,
  job: { readonly args: readonly string[]; readonly script: string; readonly partition: string | null },
  as: SlurmUser | null = null,
): Promise<Estimate> {
  const where = job.partition === null ? [] : ['-p', job.partition];
  const waiting = await slurm('squeue', ['-h', '-a', '-t', 'PENDING', ...where, '-o', '%i']);
  if (waiting.code !== 0) throw failed('squeue', waiting);
  if (waiting.stdout.trim() !== '') return { kind: 'unknown' };
  const answer = await slurm('sbatch', ['--test-only', ...job.args], { input: job.script, as });
  if (answer.code !== 0) {
    const error = failed('sbatch', answer);
    if (error.code === 'unavailable') throw error;
    return { kind: 'never', why: error.message };
  }
  // It says so on standard error.
  const start = readTime(/to start at (\S+)/.exec(answer.stderr)?.[1]);
  return start === null ? { kind: 'unknown' } : { kind: 'at', start };
}

/** One squeue for all jobs of the agent's users. */
import { RainbowError } from '../../../core/errors.ts';
import { failed, type Slurm } from './commands.ts';
import { readSqueue, SQUEUE_FORMAT, type SlurmRecord } from './records.ts';

/** Throws `unavailable` where it cannot be asked. */
export async function look(slurm: Slurm, users: readonly string[]): Promise<readonly SlurmRecord[]> {
  const whose = users.length === 0 ? [] : ['-u', users.join(',')];
  const answer = await slurm('squeue', ['-h', '-a', '-t', 'all', ...whose, '-O', SQUEUE_FORMAT]);
  if (answer.code === 0) return readSqueue(answer.stdout);
  const error = failed('squeue', answer);
  // Whatever it complains of, nothing is known of any job.
  throw error.code === 'unavailable' ? error : new RainbowError('unavailable', error.message);
}

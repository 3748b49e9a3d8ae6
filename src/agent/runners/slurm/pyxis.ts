/** Has this Slurm pyxis, with which srun starts tasks in images? Its options are then among srun's own. */
import type { Slurm } from './commands.ts';

export async function hasPyxis(slurm: Slurm): Promise<boolean> {
  try {
    const { code, stdout } = await slurm('srun', ['--help']);
    return code === 0 && stdout.includes('--container-image');
  } catch {
    // No srun, or none that answers: what is wrong with it is said where it is needed.
    return false;
  }
}

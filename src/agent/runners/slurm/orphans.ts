/**
 * Does a sbatch still run that an agent before this one started? It goes on without its agent, and may reach Slurm at
 * any moment: until it has ended, nobody knows whether the submission exists. Found by the job's name among its words.
 */
import { readdir, readFile } from 'node:fs/promises';

/** Of these names, those that some process of this machine has among its arguments. Empty where there is no /proc. */
export async function namesUnderWay(names: ReadonlySet<string>): Promise<ReadonlySet<string>> {
  const found = new Set<string>();
  const entries = await readdir('/proc').catch((): string[] => []);
  await Promise.all(
    entries.map(async (entry) => {
      if (!/^\d+$/.test(entry)) return;
      const words = await readFile(`/proc/${entry}/cmdline`, 'utf8').catch(() => '');
      const name = /(?:^|\0)--job-name=([^\0]*)/.exec(words)?.[1];
      if (name !== undefined && names.has(name)) found.add(name);
    }),
  );
  return found;
}

/**
 * Does a command still run that an agent before this one started to submit a job? It goes on without its agent, and may
 * reach the scheduler at any moment: until it has ended, nobody knows whether the submission exists.
 */
import { readdir, readFile } from 'node:fs/promises';

/**
 * Of these marks, those that some process of this machine has among its arguments (`words`: separated by NUL). Empty
 * where there is no /proc.
 */
export async function marksUnderWay(
  marks: readonly string[],
  isIn: (words: string, mark: string) => boolean,
): Promise<ReadonlySet<string>> {
  const found = new Set<string>();
  const entries = await readdir('/proc').catch((): string[] => []);
  await Promise.all(
    entries.map(async (entry) => {
      if (!/^\d+$/.test(entry)) return;
      const words = await readFile(`/proc/${entry}/cmdline`, 'utf8').catch(() => '');
      for (const mark of marks) if (isIn(words, mark)) found.add(mark);
    }),
  );
  return found;
}

/** Does a sbatch still run that an agent before this one started? Found by the job's name among its words. */
import { marksUnderWay } from '../batch/orphans.ts';

/** Of these names, those that are under way. */
export function namesUnderWay(names: readonly string[]): Promise<ReadonlySet<string>> {
  return marksUnderWay(names, (words, name) => words.split('\0').includes(`--job-name=${name}`));
}

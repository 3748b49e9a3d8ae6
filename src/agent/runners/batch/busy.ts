/** What is taken now, by anybody; as it was last where the cluster cannot be asked. Callers at once share one answer. */
import type { System } from '../../../system/system.ts';
import { describe, type Log } from '../../log.ts';
import { freshFor } from './once.ts';

const FRESH_MS = 100;

/** `ask`: for the ids of vertices in the discovered graph. */
export function createBusyTeller(
  ask: () => Promise<readonly string[]>,
  cluster: string,
  log: Log,
  { clock }: System,
): () => Promise<readonly string[]> {
  let last: readonly string[] = [];
  return freshFor(FRESH_MS, clock, async () => {
    try {
      last = await ask();
    } catch (error) {
      // Nothing is said of a cluster that cannot be asked.
      log.warn(`cluster ${cluster}: what is free cannot be asked now: ${describe(error)}`);
    }
    return last;
  });
}

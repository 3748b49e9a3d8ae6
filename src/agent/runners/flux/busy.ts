/** What is taken now, by anybody; as it was last where the instance cannot be asked. Callers at once share one answer. */
import type { System } from '../../../system/system.ts';
import { describe, type Log } from '../../log.ts';
import { askInUse, askNodes } from './cluster.ts';
import type { Flux } from './commands.ts';
import { takenVertices } from './nodes.ts';

const FRESH_MS = 100;
/** Nodes come and go seldom. */
const NODES_FRESH_MS = 10_000;

/** Answers ids of vertices in the discovered graph. */
export function createBusyTeller(
  flux: Flux,
  cluster: string,
  log: Log,
  { clock }: System,
): () => Promise<readonly string[]> {
  const nodes = remembered(
    () => askNodes(flux),
    NODES_FRESH_MS,
    () => clock.monotonic(),
  );
  const inUse = remembered(
    () => askInUse(flux),
    FRESH_MS,
    () => clock.monotonic(),
  );
  let last: readonly string[] = [];
  return async () => {
    try {
      const [found, used] = await Promise.all([nodes(), inUse()]);
      last = takenVertices(found, used);
    } catch (error) {
      // Nothing is said of a cluster that cannot be asked.
      log.warn(`cluster ${cluster}: what is free cannot be asked now: ${describe(error)}`);
    }
    return last;
  };
}

function remembered<T>(ask: () => Promise<T>, freshMs: number, now: () => number): () => Promise<T> {
  let kept: { readonly at: number; readonly answer: Promise<T> } | null = null;
  return () => {
    if (kept !== null && now() - kept.at <= freshMs) return kept.answer;
    const answer = ask();
    const mine = { at: now(), answer };
    answer.catch(() => {
      if (kept === mine) kept = null;
    });
    kept = mine;
    return answer;
  };
}

/** Retention of ended jobs: few at a time, and nothing else waits longer for it than for one such step. */
import type { RetentionStore } from '../store/store.ts';
import type { Clock } from '../system/system.ts';

export interface RetentionSettings {
  /** Days after their end; null: for ever. */
  readonly days: number | null;
  /** So many of the ended ones; null: all. */
  readonly count: number | null;
  /** Seconds between two looks. */
  readonly every: number;
}

/** Deleted in one transaction: each may bring megabytes of output along. */
const STEP = 50;

export async function pruneEnded(
  store: Pick<RetentionStore, 'prune'>,
  { days, count }: RetentionSettings,
  clock: Clock,
  isStopped: () => boolean,
): Promise<void> {
  const endedBefore = days === null ? null : Math.trunc(clock.now() - days * 86_400_000);
  while (!isStopped()) {
    if ((await store.prune({ endedBefore, keep: count }, STEP)) === 0) return;
  }
}

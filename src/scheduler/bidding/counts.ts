/** How each cluster answers, counted in memory and written down now and then: one write for all that came meanwhile. */
import type { BidCountKind, BidStore, ClusterRef } from '../../store/store.ts';
import type { System, Timer } from '../../system/system.ts';
import type { Log } from '../log.ts';

export type Counts = Readonly<Partial<Record<BidCountKind, number>>>;

export interface BidCounter {
  count(cluster: ClusterRef, kind: BidCountKind): void;
  /** What is stored, and what is not stored yet. */
  read(cluster: ClusterRef): Promise<Counts>;
  start(): void;
  stop(): Promise<void>;
}

const WRITE_EVERY_MS = 5_000;

export function createBidCounter(deps: {
  readonly bids: Pick<BidStore, 'count' | 'counts'>;
  readonly system: System;
  readonly log: Log;
}): BidCounter {
  const { bids, system, log } = deps;
  let unwritten = new Map<
    number,
    { readonly cluster: ClusterRef; readonly counts: Partial<Record<BidCountKind, number>> }
  >();
  let timer: Timer | null = null;
  let writing: Promise<void> | null = null;

  const count = (cluster: ClusterRef, kind: BidCountKind, by = 1): void => {
    const { name, id } = cluster;
    const entry = unwritten.get(id) ?? { cluster: { name, id }, counts: {} };
    unwritten.set(id, entry);
    entry.counts[kind] = (entry.counts[kind] ?? 0) + by;
  };

  const write = async (): Promise<void> => {
    const entries = [...unwritten.values()];
    unwritten = new Map();
    await Promise.all(
      entries.map(async ({ cluster, counts }) => {
        try {
          await bids.count(cluster, counts);
        } catch (error) {
          // The next round takes them along.
          for (const [kind, by] of Object.entries(counts)) count(cluster, kind as BidCountKind, by);
          log.warn({ cluster: cluster.name, error: String(error) }, 'counts of bids could not be written yet');
        }
      }),
    );
  };
  const flush = (): Promise<void> => (writing ??= write().finally(() => (writing = null)));

  return {
    count,
    async read(cluster) {
      await flush();
      return bids.counts(cluster);
    },
    start() {
      timer ??= system.timers.every(WRITE_EVERY_MS, () => void (unwritten.size > 0 && flush()));
    },
    async stop() {
      timer?.cancel();
      timer = null;
      await flush();
      if (unwritten.size > 0) await flush();
    },
  };
}

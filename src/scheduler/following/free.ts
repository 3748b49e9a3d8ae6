/**
 * What agents say is free, for the servers that do not hold their streams: written down at most once a second for each
 * cluster, the newest only, and read by the others when its number has grown.
 */
import type { ClusterStanding } from '../../store/server-store.ts';
import type { ClusterRecord, ClusterRef, JobId, Store } from '../../store/store.ts';
import type { System, Timer } from '../../system/system.ts';
import type { Log } from '../log.ts';
import type { Standing } from './standing.ts';

const KEEP_EVERY = 1_000;
/** Reports read together. */
const AT_ONCE = 64;

export interface FreeReport {
  readonly busyVertices: readonly string[];
  readonly includes: readonly { readonly jobId: JobId; readonly epoch: number }[];
}

export interface FreeReports {
  /** An agent said so on a stream that is held here. */
  said(cluster: ClusterRef, report: FreeReport): void;
  /** After each look. */
  looked(clusters: readonly ClusterStanding[]): Promise<void>;
  stop(): Promise<void>;
}

export function createFreeReports(deps: {
  readonly store: Pick<Store, 'servers'>;
  readonly system: System;
  readonly standing: Pick<Standing, 'shared' | 'streamOf' | 'elsewhere'>;
  readonly get: (cluster: string) => ClusterRecord | null;
  readonly apply: (cluster: string, report: FreeReport) => void;
  /** So that the jobs that it includes are known. */
  readonly catchUp: () => Promise<void>;
  readonly log: Log;
}): FreeReports {
  const { standing, system } = deps;
  const { servers } = deps.store;
  const waiting = new Map<number, { cluster: ClusterRef; report: FreeReport; timer: Timer }>();
  const keptAt = new Map<number, number>();
  const known = new Map<number, number>();
  /** With a report of another graph than the one that is known here: looked for again with the next look. */
  const unread = new Map<number, ClusterStanding>();
  const writing = new Set<Promise<void>>();

  const keep = (cluster: ClusterRef, report: FreeReport): void => {
    keptAt.set(cluster.id, system.clock.monotonic());
    const stream = standing.streamOf(cluster);
    const record = deps.get(cluster.name);
    if (stream === null || record?.id !== cluster.id) return;
    const text = JSON.stringify(report);
    const written: Promise<void> = servers
      .keepFree(cluster, stream, { graphVersion: record.graphVersion, report: text })
      .then(() => undefined)
      .catch((error: unknown) =>
        deps.log.warn({ cluster: cluster.name, error: String(error) }, 'what is free there was not written down'),
      )
      .finally(() => writing.delete(written));
    writing.add(written);
  };

  const read = async (cluster: ClusterStanding): Promise<void> => {
    const { name, id } = cluster;
    const found = await servers.free({ name, id });
    const now = deps.get(name);
    if (found === null) return;
    if (now?.id !== id || now.graphVersion !== found.graphVersion) {
      // It or its graph is being followed, or the report is of the one before.
      unread.set(id, cluster);
      return;
    }
    known.set(id, found.number);
    deps.apply(name, JSON.parse(found.report) as FreeReport);
  };

  return {
    said({ name, id }, report) {
      if (!standing.shared) return;
      const cluster = { name, id };
      const later = waiting.get(id);
      if (later !== undefined) {
        later.report = report;
        return;
      }
      const since = system.clock.monotonic() - (keptAt.get(id) ?? -Infinity);
      if (since >= KEEP_EVERY) return keep(cluster, report);
      const timer = system.timers.after(KEEP_EVERY - since, () => {
        const now = waiting.get(id);
        waiting.delete(id);
        if (now !== undefined) keep(cluster, now.report);
      });
      waiting.set(id, { cluster, report, timer });
    },
    async looked(clusters) {
      for (const cluster of clusters) unread.set(cluster.id, cluster);
      const fresh = [...unread.values()].filter(
        (cluster) =>
          cluster.free !== null && cluster.free !== known.get(cluster.id) && standing.elsewhere(cluster) !== null,
      );
      unread.clear();
      if (fresh.length === 0) return;
      await deps.catchUp();
      for (let from = 0; from < fresh.length; from += AT_ONCE) {
        await Promise.all(fresh.slice(from, from + AT_ONCE).map(read));
      }
    },
    async stop() {
      for (const { timer } of waiting.values()) timer.cancel();
      await Promise.all(writing);
    },
  };
}

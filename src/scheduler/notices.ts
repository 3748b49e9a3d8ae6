/**
 * Wakes whoever serves a cluster: its agent's session. Only a hint, never a message that counts: a listener reads
 * the store when it is woken, and looks by itself when it connects.
 */
import type { Work } from './scheduler.ts';

export interface Notices {
  listen(cluster: string, listener: (work: Work) => void): () => void;
  notify(cluster: string, work: Work): void;
  listeners(): readonly string[];
}

export function createNotices(): Notices {
  const byCluster = new Map<string, Set<(work: Work) => void>>();
  return {
    listen(cluster, listener) {
      const listeners = byCluster.get(cluster) ?? new Set();
      byCluster.set(cluster, listeners);
      listeners.add(listener);
      return () => {
        listeners.delete(listener);
        if (listeners.size === 0 && byCluster.get(cluster) === listeners) byCluster.delete(cluster);
      };
    },
    notify(cluster, work) {
      for (const listener of byCluster.get(cluster) ?? []) listener(work);
    },
    listeners: () => [...byCluster.keys()],
  };
}

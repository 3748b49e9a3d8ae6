/**
 * Wakes whoever serves a cluster: its agent's session. Only a hint, never a message that counts: a listener reads
 * the store when it is woken, and looks by itself when it connects.
 */
import type { Work } from './scheduler.ts';

type Listener = (cluster: string, work: Work) => void;

export interface Notices {
  listen(listener: Listener): () => void;
  notify(cluster: string, work: Work): void;
}

export function createNotices(): Notices {
  const listeners = new Set<Listener>();
  return {
    listen(listener) {
      listeners.add(listener);
      return () => void listeners.delete(listener);
    },
    notify(cluster, work) {
      for (const listener of listeners) listener(cluster, work);
    },
  };
}

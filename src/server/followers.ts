/**
 * Who follows what a job writes, just now: the cluster's agent is told, and sends the middle of a long output only then.
 * In one server's memory: it is no more than a hint, and a follower at another server sees head, rounds and tail.
 */
import type { JobId } from '../store/store.ts';

export interface Followed {
  readonly cluster: string;
  readonly jobId: JobId;
  readonly epoch: number;
}

export interface Followers {
  /** Until the answer is called. */
  follow(what: Followed): () => void;
  /** What is followed at that cluster now. */
  at(cluster: string): readonly Followed[];
  /** Called where the first begins to follow an attempt, and where the last has left. For as long as the server runs. */
  listen(listener: (what: Followed, follow: boolean) => void): void;
}

export function createFollowers(): Followers {
  const counts = new Map<string, { readonly what: Followed; count: number }>();
  const listeners: ((what: Followed, follow: boolean) => void)[] = [];

  const tell = (what: Followed, follow: boolean): void => {
    for (const listener of listeners) listener(what, follow);
  };

  return {
    follow(what) {
      const key = `${what.jobId}.${what.epoch} ${what.cluster}`;
      const entry = counts.get(key) ?? { what, count: 0 };
      entry.count += 1;
      counts.set(key, entry);
      if (entry.count === 1) tell(what, true);
      let over = false;
      return () => {
        if (over) return;
        over = true;
        entry.count -= 1;
        if (entry.count > 0) return;
        counts.delete(key);
        tell(what, false);
      };
    },
    at: (cluster) => [...counts.values()].flatMap(({ what }) => (what.cluster === cluster ? [what] : [])),
    listen: (listener) => void listeners.push(listener),
  };
}

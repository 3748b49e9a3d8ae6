/** Of the jobs that wait at each cluster on its bid: by how much the most overdue has passed the P90 that it was given. */
export interface Overdue {
  /** `startP90`: milliseconds since 1970. */
  waits(cluster: string, key: object, startP90: number): void;
  /** It started, or is gone from there. */
  over(cluster: string, key: object): void;
  /** Seconds; 0 where none is. */
  by(cluster: string, now: number): number;
  dropCluster(cluster: string): void;
}

interface Waiting {
  readonly promised: Map<object, number>;
  /** The earliest of them; null: to be looked for. */
  earliest: number | null;
}

export function createOverdue(): Overdue {
  const byCluster = new Map<string, Waiting>();
  return {
    waits(cluster, key, startP90) {
      const waiting = byCluster.get(cluster) ?? { promised: new Map<object, number>(), earliest: Infinity };
      byCluster.set(cluster, waiting);
      waiting.promised.set(key, startP90);
      if (waiting.earliest !== null) waiting.earliest = Math.min(waiting.earliest, startP90);
    },
    over(cluster, key) {
      const waiting = byCluster.get(cluster);
      const promised = waiting?.promised.get(key);
      if (waiting === undefined || promised === undefined) return;
      waiting.promised.delete(key);
      if (promised === waiting.earliest) waiting.earliest = null;
    },
    by(cluster, now) {
      const waiting = byCluster.get(cluster);
      if (waiting === undefined) return 0;
      if (waiting.earliest === null) {
        waiting.earliest = Infinity;
        for (const each of waiting.promised.values()) waiting.earliest = Math.min(waiting.earliest, each);
      }
      return Math.max(0, (now - waiting.earliest) / 1000);
    },
    dropCluster: (cluster) => void byCluster.delete(cluster),
  };
}

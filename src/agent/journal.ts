/**
 * What the agent must still know after `kill -9`: each attempt that it holds, and how far it got with it. The order
 * of writes is the safety of the whole: `received` before the server may think that it is held, `intent` before
 * anything native may exist, and an entry goes only after its end was acknowledged.
 * Port: SQLite (journal-sqlite.ts) beside a cluster, memory for simulation and tests.
 */
import type { Reason } from '../core/job/state.ts';
import type { Report } from './messages.ts';
import { keyText, type JobKey, type Order } from './runners/runner.ts';

export interface Entry {
  /** As the server gave it. */
  readonly order: Order;
  /**
   * received: durable here, nothing native exists. intent: something native may exist. held: it does, or did.
   * What became of it is in `report`.
   */
  readonly step: 'received' | 'intent' | 'held';
  /** The server asked to stop it. */
  readonly stop: Reason | null;
  /** All that is known of it; what is sent until it is acknowledged. */
  readonly report: Report;
}

export interface Journal {
  /** What the last agent left, oldest first. */
  entries(): Promise<readonly Entry[]>;
  /** Adds or replaces, by (job, epoch). Durable when it resolves. */
  put(entry: Entry): Promise<void>;
  remove(key: JobKey): Promise<void>;
  /** Starts of this agent in milliseconds since 1970, growing even where the clock was set back. Durable. */
  nextInstance(now: number): Promise<number>;
  close(): Promise<void>;
}

export function entryKey(entry: Entry): JobKey {
  return { jobId: entry.order.jobId, epoch: entry.order.epoch };
}

/** A journal in memory: nothing outlives it. Values are copied as a disk would copy them. */
export function memoryJournal(): Journal {
  const entries = new Map<string, string>();
  let instance = 0;
  return {
    entries: async () => [...entries.values()].map((text) => JSON.parse(text) as Entry),
    async put(entry) {
      entries.set(keyText(entryKey(entry)), JSON.stringify(entry));
    },
    async remove(key) {
      entries.delete(keyText(key));
    },
    async nextInstance(now) {
      instance = Math.max(now, instance + 1);
      return instance;
    },
    close: async () => undefined,
  };
}

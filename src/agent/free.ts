/** Tells the server what is taken on the cluster, a moment after it changed. Numbered: the newest alone counts. */
import type { System, Timer } from '../system/system.ts';
import { describe, type Log } from './log.ts';
import type { Free } from './messages.ts';
import type { Runner } from './runners/runner.ts';
import type { Send } from './report.ts';

export interface FreeTeller {
  now(): Promise<Free>;
  connected(send: Send): void;
  disconnected(): void;
  changed(): void;
}

/** Changes that come together are told together. */
const TOGETHER_MS = 50;

export function createFreeTeller(runner: Runner, system: System, log: Log): FreeTeller {
  let seq = 0;
  let send: Send | null = null;
  let timer: Timer | null = null;
  let last = '';

  const now = async (): Promise<Free> => {
    const { vertices, includes } = await runner.busy();
    last = JSON.stringify([vertices, includes]);
    seq++;
    return { seq, busyVertices: vertices, includes };
  };

  const tell = async (): Promise<void> => {
    const before = last;
    const free = await now();
    if (last !== before) send?.({ kind: 'free', free }, 'free');
  };

  const changed = (): void => {
    if (timer !== null || send === null) return;
    timer = system.timers.after(TOGETHER_MS, () => {
      timer = null;
      tell().catch((error: unknown) => log.warn(`what is free: ${describe(error)}`));
    });
  };

  return {
    now,
    connected(to) {
      send = to;
      changed();
    },
    disconnected() {
      send = null;
      timer?.cancel();
      timer = null;
    },
    changed,
  };
}

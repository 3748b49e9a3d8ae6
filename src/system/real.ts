/** The real clock, timers and entropy: the only file that touches these globals. */
import { randomBytes } from 'node:crypto';
import { pooled } from './pooled-entropy.ts';
import type { System } from './system.ts';

export const realSystem: System = {
  clock: { now: () => Date.now(), monotonic: () => performance.now() },
  timers: {
    after(ms, action) {
      const timer = setTimeout(action, ms);
      return { cancel: () => clearTimeout(timer) };
    },
    every(ms, action) {
      const timer = setInterval(action, ms);
      return { cancel: () => clearInterval(timer) };
    },
    soon: (action) => void setImmediate(action),
  },
  entropy: pooled(randomBytes),
};

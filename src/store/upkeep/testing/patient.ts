/** For tests: a pace that never stops, and one that stops the work at its n-th breath. */
import type { Pace } from '../side.ts';

export const patient: Pace = { breathe: () => Promise.resolve(), tell() {} };

export function stoppingAt(breath: number): Pace {
  let breaths = 0;
  return {
    tell() {},
    breathe: () => (++breaths === breath ? Promise.reject(new Error('stopped')) : Promise.resolve()),
  };
}

/** Waiting, with the timers that were handed in. */
import type { System } from '../system/system.ts';

/** Resolves after `ms`, or at once when the signal aborts. */
export function wait(system: System, ms: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal?.aborted === true) {
      resolve();
      return;
    }
    const done = (): void => {
      timer.cancel();
      signal?.removeEventListener('abort', done);
      resolve();
    };
    const timer = system.timers.after(ms, done);
    signal?.addEventListener('abort', done, { once: true });
  });
}

/** Runs one action at a time, in the order of asking; a failed one does not hold up the next. */
export function createTurns(): <T>(action: () => Promise<T>) => Promise<T> {
  let last: Promise<unknown> = Promise.resolve();
  return (action) => {
    const mine = last.then(action, action);
    last = mine.catch(() => undefined);
    return mine;
  };
}

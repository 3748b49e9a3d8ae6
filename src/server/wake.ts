/**
 * A latch for one reader that follows something: `wake` while nobody waits is remembered, many wakes are one. The
 * reader always reads after it was woken, from where it stood, so nothing is queued for it and memory stays bounded.
 */
export interface Latch {
  readonly wake: () => void;
  /** Resolves after a wake since the last wait, or when the signal aborts. */
  wait(): Promise<void>;
}

export function createLatch(signal: AbortSignal): Latch {
  let woken = false;
  let release: (() => void) | null = null;
  const wake = (): void => {
    woken = true;
    release?.();
    release = null;
  };
  return {
    wake,
    async wait() {
      if (!woken && !signal.aborted) {
        await new Promise<void>((resolve) => {
          const done = (): void => {
            signal.removeEventListener('abort', done);
            release = null;
            resolve();
          };
          release = done;
          signal.addEventListener('abort', done, { once: true });
        });
      }
      woken = false;
    },
  };
}

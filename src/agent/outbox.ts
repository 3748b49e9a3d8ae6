/**
 * What waits to be said on one stream, in order. A message under a key replaces the one that waits under it, so a
 * slow server costs no memory: reports and heartbeats are level-triggered, and output is bounded by its window.
 */
export interface Outbox<M> {
  put(message: M, key?: string): void;
  /** Nothing more is said. */
  end(): void;
  messages(): AsyncGenerator<M, void, undefined>;
}

export function createOutbox<M>(): Outbox<M> {
  const waiting = new Map<string, M>();
  let made = 0;
  let ended = false;
  let wake: (() => void) | null = null;

  return {
    put(message, key) {
      if (ended) return;
      const name = key ?? `#${made++}`;
      // Behind all that was put before it, even where it waits already.
      waiting.delete(name);
      waiting.set(name, message);
      wake?.();
    },
    end() {
      ended = true;
      waiting.clear();
      wake?.();
    },
    async *messages() {
      for (;;) {
        const [next] = waiting;
        if (next !== undefined) {
          waiting.delete(next[0]);
          yield next[1];
        } else if (ended) {
          return;
        } else {
          await new Promise<void>((resolve) => (wake = resolve));
          wake = null;
        }
      }
    },
  };
}

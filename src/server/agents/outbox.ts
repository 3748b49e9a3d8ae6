/**
 * What waits to be sent to one agent: taken by the stream as fast as the agent reads. A message under a key replaces
 * the one that waits under it, so heartbeats and stops do not pile up; who makes other messages asks `isFull` first
 * and waits for `room`, so that a slow agent slows its own session down and takes no memory.
 */
import { RainbowError } from '../../core/errors.ts';

export interface Outbox<M> {
  put(message: M): void;
  /** Instead of what waits under this key. */
  putAs(key: string, message: M): void;
  readonly isFull: boolean;
  /** Resolves when it is no longer full, or has ended. */
  room(): Promise<void>;
  /** With null, what waits is still sent; with an error nothing is. Only the first end counts. */
  end(error: RainbowError | null): void;
  readonly ended: boolean;
  readonly whenEnded: Promise<void>;
  messages(): AsyncGenerator<M, void, undefined>;
}

/** Messages that wait at most before makers have to wait. */
const MOST = 256;

export function createOutbox<M>(most = MOST): Outbox<M> {
  const waiting = new Map<string, M>();
  let made = 0;
  let over: { readonly error: RainbowError | null } | null = null;
  let arrived: (() => void) | null = null;
  let roomFor: (() => void)[] = [];
  const { promise: whenEnded, resolve: hasEnded } = Promise.withResolvers<void>();

  const wakeMakers = (): void => {
    const makers = roomFor;
    roomFor = [];
    for (const wake of makers) wake();
  };
  const wakeTaker = (): void => {
    arrived?.();
    arrived = null;
  };
  const isFull = (): boolean => waiting.size >= most;
  const mustWait = (): boolean => over === null && isFull();

  const putAs = (key: string, message: M): void => {
    if (over !== null) return;
    // Behind everything that was put before it, also where it was put earlier already.
    waiting.delete(key);
    waiting.set(key, message);
    wakeTaker();
  };

  return {
    put: (message) => putAs(`#${made++}`, message),
    putAs,
    get isFull() {
      return mustWait();
    },
    async room() {
      while (mustWait()) await new Promise<void>((resolve) => roomFor.push(resolve));
    },
    end(error) {
      if (over !== null) return;
      over = { error };
      if (error !== null) waiting.clear();
      wakeTaker();
      wakeMakers();
      hasEnded();
    },
    whenEnded,
    get ended() {
      return over !== null;
    },
    async *messages() {
      for (;;) {
        const [next] = waiting;
        if (next !== undefined) {
          waiting.delete(next[0]);
          if (!isFull()) wakeMakers();
          yield next[1];
        } else if (over !== null) {
          if (over.error !== null) throw over.error;
          return;
        } else {
          await new Promise<void>((resolve) => (arrived = resolve));
        }
      }
    },
  };
}

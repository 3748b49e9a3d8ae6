/**
 * What waits to be sent to one agent: taken by the stream as fast as the agent reads. A message under a key replaces
 * the one that waits under it, so heartbeats and stops do not pile up; who makes other messages asks `isFull` first
 * and waits for `room`, so that a slow agent slows its own session down and takes no memory.
 * Invariant: nothing waits while its reader does; an idle one, of which a server has thousands, holds no table.
 */
import type { RainbowError } from '../../core/errors.ts';

/** Messages that wait at most before makers have to wait. */
const MOST = 256;

interface Reader<M> {
  readonly resolve: (step: IteratorResult<M, undefined>) => void;
  readonly reject: (error: RainbowError) => void;
}

/** Its messages are read by one reader alone, which asks for the next when it has the last. */
export class Outbox<M> implements AsyncIterableIterator<M, undefined> {
  readonly #most: number;
  #waiting: Map<string | number, M> | null = null;
  #made = 0;
  #over: { readonly error: RainbowError | null } | null = null;
  #reader: Reader<M> | null = null;
  #room: PromiseWithResolvers<void> | null = null;

  constructor(most = MOST) {
    this.#most = most;
  }

  put(message: M): void {
    this.#put(this.#made++, message);
  }

  /** Instead of what waits under this key, and behind everything that was put before. */
  putAs(key: string, message: M): void {
    this.#put(key, message);
  }

  #put(key: string | number, message: M): void {
    if (this.#over !== null) return;
    if (this.#reader !== null) {
      this.#reader.resolve({ done: false, value: message });
      this.#reader = null;
      return;
    }
    this.#waiting ??= new Map();
    this.#waiting.delete(key);
    this.#waiting.set(key, message);
  }

  get isFull(): boolean {
    return this.#over === null && this.#waiting !== null && this.#waiting.size >= this.#most;
  }

  /** Resolves when it is no longer full, or has ended. */
  async room(): Promise<void> {
    while (this.isFull) await (this.#room ??= Promise.withResolvers<void>()).promise;
  }

  #wakeMakers(): void {
    this.#room?.resolve();
    this.#room = null;
  }

  /** With null, what waits is still sent; with an error nothing is. Only the first end counts. */
  end(error: RainbowError | null): void {
    if (this.#over !== null) return;
    this.#over = { error };
    if (error !== null) this.#waiting = null;
    if (error === null) this.#reader?.resolve({ done: true, value: undefined });
    else this.#reader?.reject(error);
    this.#reader = null;
    this.#wakeMakers();
  }

  get ended(): boolean {
    return this.#over !== null;
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  /** Rejects with the error that it ended with. */
  next(): Promise<IteratorResult<M, undefined>> {
    const [first] = this.#waiting ?? [];
    if (first !== undefined) {
      this.#waiting!.delete(first[0]);
      if (this.#waiting!.size === 0) this.#waiting = null;
      if (!this.isFull) this.#wakeMakers();
      return Promise.resolve({ done: false, value: first[1] });
    }
    if (this.#over === null) return new Promise((resolve, reject) => (this.#reader = { resolve, reject }));
    return this.#over.error === null
      ? Promise.resolve({ done: true, value: undefined })
      : Promise.reject(this.#over.error);
  }
}

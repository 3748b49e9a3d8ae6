/**
 * Work that may be cut short from outside. `Promise.race` against one long-lived promise would keep a reaction there
 * for every message of a stream; here a wait that has ended leaves nothing behind.
 */
export class Interruption<Reason> {
  readonly #waiting = new Set<(reason: Reason) => void>();
  #reason: Reason | null = null;

  /** Null until it came. */
  get reason(): Reason | null {
    return this.#reason;
  }

  /** Only the first counts. */
  interrupt(reason: Reason): void {
    if (this.#reason !== null) return;
    this.#reason = reason;
    for (const reject of this.#waiting) reject(reason);
    this.#waiting.clear();
  }

  /** Calls it with the reason once that comes, or at once where it came; held for as long as this is. */
  whenInterrupted(listener: (reason: Reason) => void): void {
    if (this.#reason === null) this.#waiting.add(listener);
    else listener(this.#reason);
  }

  /** `work`, or a rejection with the reason if that comes first or came before. */
  orInterrupted<T>(work: Promise<T>): Promise<T> {
    if (this.#reason !== null) {
      work.catch(() => {});
      return Promise.reject(this.#reason);
    }
    return new Promise<T>((resolve, reject) => {
      this.#waiting.add(reject);
      work.then(
        (value) => {
          this.#waiting.delete(reject);
          return resolve(value);
        },
        (error: unknown) => {
          this.#waiting.delete(reject);
          return reject(error);
        },
      );
    });
  }
}

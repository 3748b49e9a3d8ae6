/**
 * Work on what one agent said: of one job one after the other, of several jobs together (their writes then share a
 * commit), and never more than `most` at once.
 */
const MOST = 64;

export class Turns {
  readonly #failed: (error: unknown) => void;
  readonly #most: number;
  /** None while nothing is under way: an idle agent's costs no table. */
  #last: Map<string, Promise<void>> | null = null;
  #count = 0;
  #ended: PromiseWithResolvers<void> | null = null;

  /** `failed`: told what an act rejects with. */
  constructor(failed: (error: unknown) => void, most = MOST) {
    this.#failed = failed;
    this.#most = most;
  }

  take(key: string, act: () => Promise<void>): void {
    this.#count += 1;
    this.#last ??= new Map();
    const turn: Promise<void> = (this.#last.get(key) ?? Promise.resolve())
      .then(act)
      .catch(this.#failed)
      .finally(() => this.#over(key, turn));
    this.#last.set(key, turn);
  }

  #over(key: string, turn: Promise<void>): void {
    this.#count -= 1;
    if (this.#last?.get(key) === turn) this.#last.delete(key);
    if (this.#count === 0) this.#last = null;
    this.#ended?.resolve();
    this.#ended = null;
  }

  /** Resolves when there is room for one more. */
  async room(): Promise<void> {
    while (this.#count >= this.#most) await this.#nextEnd();
  }

  /** Resolves when nothing is under way. */
  async idle(): Promise<void> {
    while (this.#count > 0) await this.#nextEnd();
  }

  #nextEnd(): Promise<void> {
    return (this.#ended ??= Promise.withResolvers<void>()).promise;
  }
}

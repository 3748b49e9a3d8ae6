/**
 * One connection that is opened again after it was lost, when it is next needed. While the database is away, the
 * links of a store share what they know: after one has failed, all fail at once for a moment, so that callers hear
 * of it without each waiting for the network.
 */
import type { RainbowError } from '../../core/errors.ts';
import type { System } from '../../system/system.ts';
import { Database } from './database.ts';
import { awayError, closedError } from './failure.ts';

/** Milliseconds for which nobody tries again. */
const PAUSE = 250;
const GOODBYE_LIMIT = 3_000;

export class Outage {
  readonly #clock: System['clock'];
  #failure: RainbowError | null = null;
  #until = 0;

  constructor(clock: System['clock']) {
    this.#clock = clock;
  }

  /** What failed a moment ago; null where it is time to try. */
  get failure(): RainbowError | null {
    return this.#clock.monotonic() < this.#until ? this.#failure : null;
  }

  begin(failure: RainbowError): void {
    this.#failure = failure;
    this.#until = this.#clock.monotonic() + PAUSE;
  }

  end(): void {
    this.#until = 0;
  }
}

export class Link {
  readonly #url: string;
  readonly #outage: Outage;
  #opening: Promise<Database> | null = null;
  #database: Database | null = null;
  #closed = false;

  constructor(url: string, outage: Outage, database: Database | null = null) {
    this.#url = url;
    this.#outage = outage;
    this.#database = database;
  }

  /** The connection. Throws `unavailable`. */
  async get(): Promise<Database> {
    if (this.#closed) throw closedError();
    if (this.#database !== null && !this.#database.isLost) return this.#database;
    const { failure } = this.#outage;
    if (failure !== null) throw failure;
    this.#opening ??= this.#open().finally(() => (this.#opening = null));
    return this.#opening;
  }

  /** Waits for its answers and the goodbye, but not for a database that does not answer any more. */
  async close(timers: System['timers']): Promise<void> {
    this.#closed = true;
    await this.#opening?.catch(() => undefined);
    const limit = timers.after(GOODBYE_LIMIT, () => this.#database?.destroy('no answer to a goodbye'));
    await this.#database?.close();
    limit.cancel();
  }

  async #open(): Promise<Database> {
    try {
      this.#database = await Database.connect(this.#url);
    } catch (error) {
      const failure = awayError(error);
      this.#outage.begin(failure);
      throw failure;
    }
    this.#outage.end();
    return this.#database;
  }
}

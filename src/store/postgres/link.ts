/**
 * One connection that is opened again after it was lost, when it is next needed. While the database is away, the
 * links of a store share what they know: after one has failed, all fail at once for a moment, so that callers hear
 * of it without each waiting for the network.
 *
 * A network may also swallow everything and tell nobody. That is found out by the link that polls (news.ts): once a poll
 * was not answered, and a new connection neither, all connections are cut, and only that link goes on trying.
 */
import type { RainbowError } from '../../core/errors.ts';
import type { System } from '../../system/system.ts';
import { Database } from './database.ts';
import { awayError, closedError } from './failure.ts';

/** Milliseconds for which nobody tries again. */
const PAUSE = 250;
/** The same where nothing is answered; the link that polls tries more often. */
const SILENT_PAUSE = 30_000;
const GOODBYE_LIMIT = 3_000;

export class Outage {
  readonly #clock: System['clock'];
  #failure: RainbowError | null = null;
  #until = 0;
  readonly #onSilence = new Set<() => void>();

  constructor(clock: System['clock']) {
    this.#clock = clock;
  }

  /** What failed a moment ago; null where it is time to try. */
  get failure(): RainbowError | null {
    return this.#clock.monotonic() < this.#until ? this.#failure : null;
  }

  begin(failure: RainbowError): void {
    this.#failure = failure;
    this.#until = Math.max(this.#until, this.#clock.monotonic() + PAUSE);
  }

  /** Nothing is answered any more, on no connection. */
  beginSilence(failure: RainbowError): void {
    this.#failure = failure;
    this.#until = this.#clock.monotonic() + SILENT_PAUSE;
    for (const cut of this.#onSilence) cut();
  }

  onSilence(cut: () => void): void {
    this.#onSilence.add(cut);
  }

  end(): void {
    this.#until = 0;
  }
}

export interface LinkOptions {
  /** Milliseconds for a new connection. */
  readonly connectWithin?: number | undefined;
  /** It tries also where others have failed, and says so where nothing answers. */
  readonly polls?: boolean;
}

export class Link {
  readonly #url: string;
  readonly #outage: Outage;
  readonly #how: LinkOptions;
  #opening: Promise<Database> | null = null;
  #database: Database | null = null;
  #closed = false;

  constructor(
    url: string,
    outage: Outage,
    { database = null, ...how }: LinkOptions & { readonly database?: Database | null } = {},
  ) {
    this.#url = url;
    this.#outage = outage;
    this.#database = database;
    this.#how = how;
    outage.onSilence(() => this.#database?.destroy('the database does not answer'));
  }

  /** The connection. Throws `unavailable`. */
  async get(): Promise<Database> {
    if (this.#closed) throw closedError();
    if (this.#database !== null && !this.#database.isLost) return this.#database;
    const { failure } = this.#outage;
    if (failure !== null && this.#how.polls !== true) throw failure;
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
      this.#database = await Database.connect(this.#url, this.#how.connectWithin);
    } catch (error) {
      const failure = awayError(error);
      if (this.#how.polls === true && isTimeout(error)) this.#outage.beginSilence(failure);
      else this.#outage.begin(failure);
      throw failure;
    }
    this.#outage.end();
    return this.#database;
  }
}

/** Of the driver (`connectionTimeoutMillis`) or of the system. */
function isTimeout(error: unknown): boolean {
  return (
    error instanceof Error && /timeout|ETIMEDOUT/i.test(`${error.message} ${(error as NodeJS.ErrnoException).code}`)
  );
}

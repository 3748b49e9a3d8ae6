/**
 * What other servers committed. A connection of its own listens; a poll on the same connection, every two seconds,
 * shows that it is alive and asks for the newest event, so a notification that was lost costs two seconds, not an
 * event. Where notifications do not arrive at all (a pooler in transaction mode, an engine without them) the poll is
 * all there is, and comes more often.
 */
import type { System, Timer } from '../../system/system.ts';
import type { Whisper } from '../server-store.ts';
import type { JobId } from '../store.ts';
import type { Database } from './database.ts';
import type { Link } from './link.ts';
import type { EngineOptions } from './pool-engine.ts';
import { readNotice, selfNotice, type Voice } from './notices.ts';
import { newestEvent } from './write-events.ts';

/** Milliseconds between polls, and where nothing is heard. */
export const POLL_EVERY = 2_000;
const POLL_EVERY_WHEN_DEAF = 250;
/** Until a poll that is not answered means that the connection is dead. */
const ANSWER_LIMIT = 5_000;
/** Before a lost connection is opened again. */
const RETRY_AFTER = 100;

export interface Hearers {
  /** The newest event's number, as far as is known; it may be an old one. */
  events(newest: number): void;
  /** Another server wrote output of this job; null: perhaps of any. */
  output(job: JobId | null): void;
  whisper(what: Whisper): void;
}

export class News {
  readonly #link: Link;
  readonly #voice: Voice;
  readonly #timers: System['timers'];
  readonly #pollEvery: number;
  readonly #answerWithin: number;
  readonly #hearers: Hearers;
  #heardItself = false;
  #current: Database | null = null;
  #polling = false;
  #next: Timer | null = null;
  #closed = false;

  constructor(
    link: Link,
    voice: Voice,
    timers: System['timers'],
    hearers: Hearers,
    { pollEvery = POLL_EVERY, answerWithin = ANSWER_LIMIT }: Pick<EngineOptions, 'pollEvery' | 'answerWithin'>,
  ) {
    this.#link = link;
    this.#voice = voice;
    this.#timers = timers;
    this.#hearers = hearers;
    this.#pollEvery = pollEvery;
    this.#answerWithin = answerWithin;
  }

  /** Listens, asks what is newest, and goes on doing so. Resolves when it hears, or cannot reach the database. */
  async poll(): Promise<void> {
    if (this.#polling || this.#closed) return;
    this.#polling = true;
    this.#next?.cancel();
    let isConnected = false;
    try {
      const database = await this.#link.get();
      isConnected = true;
      const limit = this.#timers.after(this.#answerWithin, () => database.destroy('no answer to a poll'));
      try {
        if (database !== this.#current) await this.#listen(database);
        this.#hearers.events(await database.run(newestEvent()));
        if (!this.#heardItself) this.#hearers.output(null);
      } finally {
        limit.cancel();
      }
      this.#pollAfter(this.#heardItself ? this.#pollEvery : Math.min(this.#pollEvery, POLL_EVERY_WHEN_DEAF));
    } catch {
      // Whoever calls the store hears why; here there is only the next try.
      this.#pollAfter(isConnected ? RETRY_AFTER : this.#pollEvery);
    } finally {
      this.#polling = false;
    }
  }

  async close(): Promise<void> {
    this.#closed = true;
    this.#next?.cancel();
    await this.#link.close(this.#timers);
  }

  #pollAfter(ms: number): void {
    this.#next?.cancel();
    if (!this.#closed) this.#next = this.#timers.after(ms, () => void this.poll());
  }

  async #listen(database: Database): Promise<void> {
    this.#heardItself = false;
    const { channel, instance } = this.#voice;
    database.onNotification((payload) => this.#hear(payload));
    try {
      await database.command(`LISTEN ${channel}`);
      await database.query({ sql: 'SELECT pg_notify($1, $2)', values: [channel, selfNotice(instance)] });
    } catch (error) {
      // An engine without notifications goes on with the poll.
      if (database.isLost) throw error;
    }
    // What was written while nobody listened.
    if (this.#current !== null) {
      this.#hearers.output(null);
      this.#hearers.whisper({ kind: 'standings', clusters: null });
      this.#hearers.whisper({ kind: 'letters' });
    }
    this.#current = database;
    database.whenLost(() => this.#pollAfter(RETRY_AFTER));
  }

  #hear(payload: string): void {
    const notice = readNotice(payload);
    if (notice === null) return;
    if (notice.kind === 'events') this.#hearers.events(notice.newest);
    else if (notice.kind === 'letters') {
      if (notice.receiver === this.#voice.receiver) this.#hearers.whisper({ kind: 'letters' });
    } else if (notice.instance === this.#voice.instance) this.#heardItself ||= notice.kind === 'self';
    else if (notice.kind === 'standings') this.#hearers.whisper(notice);
    else if (notice.kind === 'output') for (const job of notice.jobs) this.#hearers.output(job);
  }
}

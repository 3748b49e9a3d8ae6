/**
 * The network: streams in order within themselves, in any order between each other; each may break with what is on
 * the way lost, be cut without anybody being told, or outlive on one side what the other side gave up. Single calls
 * lose their request or their answer.
 */
import { RainbowError } from '../../src/core/errors.ts';
import type { Process } from './process.ts';
import type { Mortal, Timeline } from './timeline.ts';

/** Milliseconds of a message on its way, about. */
const WAY = 2;
/** Messages on the way in one direction; then the writer waits. */
const WINDOW = 32;
/** How long a caller waits for an answer that does not come. */
const PATIENCE = 5_000;
/** After so long without an answer to a ping a connection is dead. */
const KEEP_ALIVE = 40_000;

type Item<M> = { readonly message: M } | { readonly end: RainbowError | null };

/** One direction of a stream. */
export class Pipe<M> {
  readonly #timeline: Timeline;
  readonly #name: string;
  readonly #reader: Mortal | null;
  readonly #here: Item<M>[] = [];
  #onTheWay = 0;
  #lastDue = 0;
  #cut = false;
  #lost = false;
  #over: { readonly end: RainbowError | null } | null = null;
  #wakeReader: (() => void) | null = null;
  #wakeWriter: (() => void) | null = null;

  constructor(timeline: Timeline, name: string, reader: Mortal | null) {
    this.#timeline = timeline;
    this.#name = name;
    this.#reader = reader;
  }

  send(message: M, what: string): void {
    this.#carry({ message }, what);
  }

  /** The writer has no more to say. */
  finish(error: RainbowError | null): void {
    this.#carry({ end: error }, error === null ? 'end' : `end: ${error.code}`);
  }

  /** Resolves when another message may be sent. */
  async room(): Promise<void> {
    while (this.#onTheWay + this.#here.length >= WINDOW && !this.#cut && this.#over === null) {
      await new Promise<void>((resolve) => (this.#wakeWriter = resolve));
    }
  }

  async receive(): Promise<Item<M>> {
    for (;;) {
      const item = this.#here.shift();
      if (item !== undefined) {
        this.#wakeWriter?.();
        return item;
      }
      if (this.#over !== null) return this.#over;
      await new Promise<void>((resolve) => (this.#wakeReader = resolve));
    }
  }

  /** Nothing more gets through; what is on the way may be lost, too. */
  cut(): void {
    this.#cut = true;
    this.#wakeWriter?.();
  }

  /** The reader is told that it is over; what has come is dropped. */
  over(end: RainbowError | null): void {
    if (this.#over !== null) return;
    this.#over = { end };
    this.#here.length = 0;
    this.#wakeReader?.();
    this.#wakeWriter?.();
  }

  #carry(item: Item<M>, what: string): void {
    if (this.#cut) return;
    this.#onTheWay += 1;
    const timeline = this.#timeline;
    this.#lastDue = Math.max(this.#lastDue, timeline.elapsed + timeline.delay(WAY));
    timeline.plan(this.#lastDue - timeline.elapsed, this.#reader, () => {
      this.#onTheWay -= 1;
      // Of what was on the way when it was cut, the first few get through; after one that is lost, none.
      if (this.#cut && timeline.oneIn(2)) this.#lost = true;
      if (this.#over !== null || this.#lost) return;
      timeline.note(`${this.#name}: ${what}`);
      this.#here.push(item);
      this.#wakeReader?.();
    });
  }
}

/** A stream between an agent and a server, or from a server to a watcher. */
export class Connection<Up, Down> {
  readonly up: Pipe<Up>;
  readonly down: Pipe<Down>;
  /** Aborted at the server when it learns that the caller is gone. */
  readonly left = new AbortController();
  readonly #timeline: Timeline;
  readonly #caller: Mortal | null;
  readonly #server: Process;
  #isCut = false;

  constructor(timeline: Timeline, name: string, caller: Mortal | null, server: Process) {
    this.#timeline = timeline;
    this.#caller = caller;
    this.#server = server;
    this.up = new Pipe(timeline, `${name} → server`, server);
    this.down = new Pipe(timeline, `server → ${name}`, caller);
  }

  /** Nothing gets through any more, and nobody is told. */
  cut(): void {
    this.#isCut = true;
    this.up.cut();
    this.down.cut();
  }

  /** Nothing gets through any more; keep-alive tells both sides, if they have not given up before. */
  silence(): void {
    this.cut();
    this.#timeline.plan(KEEP_ALIVE, null, () => this.tellCaller(10_000));
    this.#timeline.plan(2 * KEEP_ALIVE, null, () => this.tellServer(10_000));
  }

  /** It breaks: each side learns of it when it does. */
  break(ms = 1_000): void {
    this.cut();
    this.tellServer(ms);
    this.tellCaller(ms);
  }

  /** The caller ends it. */
  leave(): void {
    this.down.over(null);
    this.up.cut();
    if (!this.#isCut) this.tellServer(WAY);
  }

  tellServer(ms: number): void {
    this.#timeline.plan(this.#timeline.delay(ms), this.#server, () => {
      const gone = new RainbowError('aborted', 'the caller went away');
      this.up.over(gone);
      this.left.abort(gone);
    });
  }

  tellCaller(ms: number): void {
    this.#timeline.plan(this.#timeline.delay(ms), this.#caller, () =>
      this.down.over(new RainbowError('unavailable', 'the connection broke')),
    );
  }
}

export type Answer<T> = { readonly value: T } | { readonly error: RainbowError } | { readonly lost: true };

/** Single calls, and how much of them gets lost. */
export class Calls {
  /** One in so many requests, and answers, is lost; 0: none. */
  lossOdds = 0;
  readonly #timeline: Timeline;
  readonly #server: () => Process | null;

  constructor(timeline: Timeline, server: () => Process | null) {
    this.#timeline = timeline;
    this.#server = server;
  }

  /** `act` runs in the server, if one is there. */
  call<T>(name: string, act: () => Promise<T>): Promise<Answer<T>> {
    const timeline = this.#timeline;
    return new Promise((resolve) => {
      let answered = false;
      const answer = (given: Answer<T>, what: string): void => {
        if (answered) return;
        answered = true;
        timeline.note(`${name}: ${what}`);
        resolve(given);
      };
      const onTheWay = (give: () => void, owner: Process | null): void => {
        if (this.#isLost()) return;
        timeline.plan(timeline.delay(WAY), owner, give);
      };
      timeline.plan(PATIENCE, null, () => answer({ lost: true }, 'no answer'));
      onTheWay(() => {
        const server = this.#server();
        if (server === null) {
          const error = new RainbowError('unavailable', 'connection refused');
          return onTheWay(() => answer({ error }, 'refused'), null);
        }
        timeline.note(`${name}: asked`);
        Promise.resolve()
          .then(act)
          .then(
            (value) => server.alive && onTheWay(() => answer({ value }, 'answered'), null),
            (error: unknown) => server.alive && onTheWay(() => answer({ error: known(error) }, codeOf(error)), null),
          );
      }, null);
    });
  }

  #isLost(): boolean {
    return this.lossOdds > 0 && this.#timeline.oneIn(this.lossOdds);
  }
}

/** What a caller sees of an error that is not ours. */
export function known(error: unknown): RainbowError {
  return error instanceof RainbowError ? error : new RainbowError('internal', String(error));
}

function codeOf(error: unknown): string {
  return known(error).code;
}

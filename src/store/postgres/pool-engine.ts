/**
 * The engine over connections: one that writes, some that read, one that listens. Calls that arrive while a commit is
 * under way gather and share the next, as in sqlite/thread-engine.ts; a caller alone sees one commit at once.
 *
 * Order: writes are done in the order of the calls; a read waits for the writes that were asked for before it here,
 * so a caller reads what it wrote. Reads do not wait for each other, or for later writes; nor for ever: where a write
 * is held up by a server that hangs, they go on after two seconds without it, since nobody was answered that it is done.
 */
import { RainbowError } from '../../core/errors.ts';
import type { System, Timer } from '../../system/system.ts';
import type { Engine } from '../engine.ts';
import { isWrite } from '../operations/operations.ts';
import type { Whisper } from '../server-store.ts';
import type { JobId } from '../store.ts';
import type { Database } from './database.ts';
import { closedError, errorOf } from './failure.ts';
import { LARGEST_BATCH, runWrites, type Call, type Outcome } from './group-commit.ts';
import { Link, Outage } from './link.ts';
import { News } from './news.ts';
import { channelOf, openDatabase } from './open-database.ts';
import { OwnEvents } from './own-events.ts';
import { runReads } from './read-together.ts';
import { newestEvent } from './write-events.ts';

/** Calls that may wait for the database at once. */
export const WAITING_LIMIT = 10_000;

const READERS = 3;
/** Reads that share a snapshot at most. */
const READS_TOGETHER = 32;
/** Milliseconds until a database that does not answer is given up; PostgreSQL itself ends a statement before. */
const ANSWER_LIMIT = 35_000;
/** How long a read waits for the writes before it. */
const READ_PATIENCE = 2_000;

export interface EngineOptions {
  readonly waitingLimit?: number;
  readonly pollEvery?: number;
  /** Milliseconds for the answer to a poll, and for a new connection. */
  readonly answerWithin?: number;
}

interface Waiting extends Call {
  readonly resolve: (value: never) => void;
  readonly reject: (error: RainbowError) => void;
  /** Writes that were asked for before it. */
  readonly behind: number;
}

/** Resolves when the database is open and on the newest schema; rejects with the reason where it cannot be. */
export async function openPoolEngine(url: string, system: System, options: EngineOptions = {}): Promise<Engine> {
  const { waitingLimit = WAITING_LIMIT } = options;

  // 1. Reached, migrated.
  const first = await openDatabase(url, Math.trunc(system.clock.now()));
  const voice = {
    channel: await channelOf(first),
    instance: Buffer.from(system.entropy.bytes(9)).toString('base64url'),
    receiver: '',
  };
  let known = await first.run(newestEvent());
  let tellEvents: (seq: number) => void = () => undefined;
  let tellOutput: (job: JobId | null) => void = () => undefined;
  let tellWhisper: (whisper: Whisper) => void = () => undefined;
  const own = new OwnEvents();
  const heardEvents = (newest: number): void => {
    if (newest > known) tellEvents((known = newest));
  };

  // 2. Connections.
  const outage = new Outage(system.clock);
  const connectWithin = options.answerWithin;
  const writing = new Link(url, outage, { connectWithin, database: first });
  const reading = Array.from({ length: READERS }, () => new Link(url, outage, { connectWithin }));
  const news = new News(
    new Link(url, outage, { connectWithin, polls: true }),
    voice,
    system.timers,
    { events: heardEvents, output: (job) => tellOutput(job), whisper: (what) => tellWhisper(what) },
    options,
  );
  await news.poll();

  // 3. Calls that wait.
  const writes: Waiting[] = [];
  const reads: Waiting[] = [];
  const idleReaders = new Set(reading);
  let isWriting = false;
  /** Writes that reads need not wait for any more. */
  let passed = 0;
  let impatience: Timer | null = null;
  let asked = 0;
  let finished = 0;
  let waiting = 0;
  let gathering = false;
  let closing: Promise<void> | null = null;
  let whenIdle: () => void = () => undefined;

  const settle = (call: Waiting, outcome: Outcome): void => {
    waiting -= 1;
    if ('error' in outcome) call.reject(outcome.error);
    else call.resolve(outcome.value as never);
    if (waiting === 0) whenIdle();
  };

  /** What the connection does with them, or why there is none. */
  const using = async (link: Link, calls: readonly Waiting[], act: (database: Database) => Promise<void>) => {
    let limit: Timer | null = null;
    try {
      const database = await link.get();
      limit = system.timers.after(ANSWER_LIMIT, () => database.destroy('no answer'));
      await act(database);
    } catch (error) {
      for (const call of calls) settle(call, { error: errorOf(error) });
    } finally {
      limit?.cancel();
    }
  };

  const write = async (): Promise<void> => {
    isWriting = true;
    while (writes.length > 0) {
      const batch = writes.splice(0, LARGEST_BATCH);
      await using(writing, batch, async (database) => {
        const { outcomes, newest, wrote } = await runWrites(database, batch, voice);
        for (const [from, to] of wrote) own.add(from, to);
        for (const [index, call] of batch.entries()) settle(call, outcomes[index] as Outcome);
        if (newest !== null) heardEvents(newest);
      });
      finished += batch.length;
      passed = Math.max(passed, finished);
      readWhatMay();
    }
    isWriting = false;
  };

  const read = async (link: Link): Promise<void> => {
    idleReaders.delete(link);
    for (let batch = nextReads(); batch.length > 0; batch = nextReads()) {
      await using(link, batch, (database) => runReads(database, batch, settle));
    }
    idleReaders.add(link);
  };

  const nextReads = (): Waiting[] => {
    const late = reads.slice(0, READS_TOGETHER).findIndex(({ behind }) => behind > passed);
    return reads.splice(0, late === -1 ? READS_TOGETHER : late);
  };

  /** Reads that wait now wait for no write after this one. */
  const startWaiting = (newest: number): Timer =>
    system.timers.after(READ_PATIENCE, () => {
      impatience = null;
      passed = Math.max(passed, newest);
      readWhatMay();
    });

  const readWhatMay = (): void => {
    for (const link of idleReaders) {
      if (reads[0] === undefined || reads[0].behind > passed) break;
      void read(link);
    }
    if (reads.length > 0) impatience ??= startWaiting(asked);
  };

  const start = (): void => {
    gathering = false;
    if (!isWriting) void write();
    readWhatMay();
  };

  const finish = async (): Promise<void> => {
    await new Promise<void>((resolve) => {
      whenIdle = resolve;
      if (waiting === 0) resolve();
    });
    impatience?.cancel();
    await Promise.all([news.close(), ...[writing, ...reading].map((link) => link.close(system.timers))]);
  };

  return {
    call(name, args) {
      if (closing !== null) return Promise.reject(closedError());
      if (waiting >= waitingLimit) return Promise.reject(tooMany(waitingLimit));
      waiting += 1;
      // Calls of one turn of the event loop go together.
      if (!gathering) queueMicrotask(start);
      gathering = true;
      return new Promise((resolve, reject) => {
        (isWrite(name) ? writes : reads).push({ name, args, resolve, reject, behind: asked });
        if (isWrite(name)) asked += 1;
      });
    },
    close() {
      closing ??= finish();
      return closing;
    },
    own,
    onWhisper(hear) {
      tellWhisper = hear;
    },
    listenAs(receiver) {
      voice.receiver = receiver;
    },
    onEvents(hear) {
      tellEvents = hear;
    },
    onOutput(hear) {
      tellOutput = hear;
    },
  };
}

function tooMany(limit: number): RainbowError {
  return new RainbowError('resource_exhausted', `${limit} calls wait for the database; try again shortly`);
}

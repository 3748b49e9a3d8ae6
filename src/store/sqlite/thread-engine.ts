/**
 * The engine in a thread: this side. Calls of one turn of the event loop travel as one message. Each waits in a
 * table until its answer; the table is bounded, so that a disk that stalls refuses work instead of eating memory.
 */
import { Worker } from 'node:worker_threads';
import { RainbowError } from '../../core/errors.ts';
import type { Engine } from '../engine.ts';
import { closedError, errorOf } from './failure.ts';
import type { Call } from './group-commit.ts';
import type { FromWorker, ToWorker, WorkerStart } from './worker.ts';

/** Calls that may wait for the disk at once. */
export const WAITING_LIMIT = 10_000;

interface Waiting {
  readonly resolve: (value: never) => void;
  readonly reject: (error: RainbowError) => void;
}

/** From source the worker is a module beside this one; a bundle has it beside itself, as an entry of its own. */
function workerUrl(): URL {
  return import.meta.url.endsWith('.ts')
    ? new URL('./worker.ts', import.meta.url)
    : new URL('./store-worker.js', import.meta.url);
}

/** Resolves when the database is open; rejects with the reason where it cannot be. */
export async function openThreadEngine(start: WorkerStart, waitingLimit = WAITING_LIMIT): Promise<Engine> {
  // Its own flags: what this process was started with (a test runner's loaders, a debugger) is not for the thread.
  const worker = new Worker(workerUrl(), { workerData: start, execArgv: [], name: 'rainbow-store' });
  const ended = new Promise<void>((resolve) => {
    worker.once('exit', () => resolve());
  });
  let failed: Error | null = null;
  worker.on('error', (error) => {
    failed = error instanceof Error ? error : new Error(String(error));
  });

  // 1. Opened, refused, or died on the way.
  const first = await new Promise<FromWorker | null>((resolve) => {
    worker.once('message', resolve);
    void ended.then(() => resolve(null));
  });
  if (first === null || !('opened' in first)) {
    await ended;
    if (first !== null && 'refused' in first) throw errorOf(first.refused);
    throw threadEnded(failed);
  }

  // 2. Calls and answers.
  const waiting = new Map<number, Waiting>();
  let outbox: Call[] = [];
  let lastId = 0;
  let closing: Promise<void> | null = null;
  let alive = true;
  let onEvents: (seq: number) => void = () => undefined;

  const rejectOne = (id: number, error: RainbowError): void => {
    waiting.get(id)?.reject(error);
    waiting.delete(id);
  };
  worker.once('exit', () => {
    alive = false;
    for (const id of waiting.keys()) rejectOne(id, threadEnded(failed));
  });
  worker.on('message', (message: FromWorker) => {
    if (!('answers' in message)) return;
    for (const answer of message.answers) {
      if ('failure' in answer) {
        rejectOne(answer.id, errorOf(answer.failure));
      } else {
        waiting.get(answer.id)?.resolve(answer.value as never);
        waiting.delete(answer.id);
      }
    }
    if (message.newest !== null) onEvents(message.newest);
  });

  const send = (message: ToWorker): void => {
    // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a thread of ours, not a window
    worker.postMessage(message);
  };
  const post = (calls: readonly Call[]): void => {
    try {
      send({ calls });
    } catch (error) {
      // An argument that cannot be copied: find whose it is, and spare the others.
      if (calls.length > 1) for (const call of calls) post([call]);
      else for (const { id, name } of calls) rejectOne(id, cannotCopy(name, error));
    }
  };
  const flush = (): void => {
    const calls = outbox;
    outbox = [];
    if (calls.length > 0) post(calls);
  };

  return {
    call(name, args) {
      if (closing !== null) return Promise.reject(closedError());
      if (!alive) return Promise.reject(threadEnded(failed));
      if (waiting.size >= waitingLimit) return Promise.reject(tooMany(waitingLimit));
      lastId += 1;
      const id = lastId;
      if (outbox.length === 0) queueMicrotask(flush);
      outbox.push({ id, name, args });
      return new Promise((resolve, reject) => {
        waiting.set(id, { resolve, reject });
      });
    },
    close() {
      if (closing === null) {
        flush();
        if (alive) send({ close: true });
        closing = ended;
      }
      return closing;
    },
    onEvents(news) {
      onEvents = news;
    },
  };
}

function threadEnded(cause: Error | null): RainbowError {
  const why = cause === null ? '' : `: ${cause.message}`;
  return new RainbowError('unavailable', `the store's thread has ended${why}; restart the server`, { cause });
}

function tooMany(limit: number): RainbowError {
  return new RainbowError('resource_exhausted', `${limit} calls wait for the store's disk; try again shortly`);
}

function cannotCopy(name: string, cause: unknown): RainbowError {
  return new RainbowError('internal', `${name} was given what cannot be sent to the store's thread`, { cause });
}

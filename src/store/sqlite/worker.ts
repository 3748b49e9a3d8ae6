/**
 * The thread that holds the database. Its whole life: open, say so; take every call that waits, run them, answer;
 * close when told. While it waits for the disk, calls gather in its port, and the next commit is theirs.
 */
import { parentPort, receiveMessageOnPort, workerData, type MessagePort } from 'node:worker_threads';
import type { Database } from './database.ts';
import { failureOf, type Failure } from './failure.ts';
import { newestEvent, runCalls, type Answer, type Call } from './group-commit.ts';
import { openDatabase } from './open-database.ts';

/** What the thread is started with. */
export interface WorkerStart {
  readonly path: string;
  readonly at: number;
}

export type ToWorker = { readonly calls: readonly Call[] } | { readonly close: true };

export type FromWorker =
  | { readonly opened: true }
  | { readonly refused: Failure }
  /** `newest`: number of the newest event, where it is known to have grown. */
  | { readonly answers: readonly Answer[]; readonly newest: number | null };

function serve(port: MessagePort, database: Database): void {
  let known = newestEvent(database, 0);
  port.on('message', (first: ToWorker) => {
    // 1. Everything that waits, in the order in which it came.
    const calls: Call[] = [];
    let closing = false;
    for (let message: ToWorker | undefined = first; message !== undefined; message = nextOf(port)) {
      if ('close' in message) closing = true;
      else calls.push(...message.calls);
    }
    // 2. Run, answer.
    runCalls(database, calls, (answers, wrote) => {
      const newest = wrote ? newestEvent(database, known) : known;
      post(port, { answers, newest: newest > known ? newest : null });
      known = newest;
    });
    if (closing) {
      database.close();
      port.close();
    }
  });
  post(port, { opened: true });
}

function nextOf(port: MessagePort): ToWorker | undefined {
  return receiveMessageOnPort(port)?.message;
}

function post(port: MessagePort, message: FromWorker): void {
  port.postMessage(message);
}

if (parentPort !== null) {
  const { path, at } = workerData as WorkerStart;
  try {
    serve(parentPort, openDatabase(path, at));
  } catch (error) {
    post(parentPort, { refused: failureOf(error) });
    parentPort.close();
  }
}

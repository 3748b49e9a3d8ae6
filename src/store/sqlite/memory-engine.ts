/**
 * The same engine on `:memory:` and in the caller's own thread: each call is run and committed before it returns
 * its promise, so that a simulation sees the same order every time. Nothing outlives `close`.
 */
import type { Engine } from '../engine.ts';
import type { Arguments, OperationName, Result } from '../operations/operations.ts';
import { closedError, errorOf } from './failure.ts';
import { newestEvent, runCalls } from './group-commit.ts';
import { openDatabase } from './open-database.ts';

export function openMemoryEngine(at: number): Engine {
  const database = openDatabase(':memory:', at);
  let known = 0;
  let closed = false;
  let onEvents: (seq: number) => void = () => undefined;
  return {
    call<N extends OperationName>(name: N, args: Arguments<N>): Promise<Result<N>> {
      if (closed) return Promise.reject(closedError());
      return new Promise((resolve, reject) => {
        runCalls(database, [{ id: 0, name, args }], (answers, wrote) => {
          for (const answer of answers) {
            if ('failure' in answer) reject(errorOf(answer.failure));
            else resolve(answer.value as Result<N>);
          }
          const newest = wrote ? newestEvent(database, known) : known;
          if (newest > known) onEvents((known = newest));
        });
      });
    },
    close() {
      if (!closed) {
        closed = true;
        database.close();
      }
      return Promise.resolve();
    },
    onEvents(news) {
      onEvents = news;
    },
  };
}

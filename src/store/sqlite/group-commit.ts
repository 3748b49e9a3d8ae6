/**
 * Group commit: calls that wait together share one transaction. One that fails takes no other with it:
 *
 * 1. Together, in haste, without savepoints (each costs a copy of every page that the call changes). A call that is
 *    refused before it has written anything is an outcome like others. This is nearly always all.
 * 2. Where one failed after it had written, all of it is rolled back and done again, each under a savepoint of its own.
 *    Nobody was answered before, so doing it again is safe: operations decide from what they read.
 *
 * Answers are returned after COMMIT. If the transaction itself fails, every call in it fails as `unavailable`, and the
 * connection is ready for the next.
 *
 * Order: reads before the first write, then the writes in one transaction, then the reads that came after; so a
 * caller reads what it wrote, and never what is not committed.
 */
import { RainbowError } from '../../core/errors.ts';
import { lastEvent } from '../operations/events.ts';
import { isWrite, operationNamed, type OperationName } from '../operations/operations.ts';
import type { Operation } from '../operations/statement.ts';
import type { Database } from './database.ts';
import { failureOf, isSqliteError, type Failure } from './failure.ts';

export interface Call {
  readonly id: number;
  readonly name: OperationName;
  readonly args: readonly unknown[];
}

export type Answer =
  | { readonly id: number; readonly value: unknown }
  | { readonly id: number; readonly failure: Failure };

/** Writes that share one commit at most: some 30 ms of work, so that a late caller does not wait for thousands. */
export const LARGEST_BATCH = 512;

/** Takes answers as soon as they may be known; `wrote`: they are those of a commit. */
export type TakeAnswers = (answers: readonly Answer[], wrote: boolean) => void;

/** Runs the calls, in the order told above. */
export function runCalls(database: Database, calls: readonly Call[], take: TakeAnswers): void {
  let rest = calls;
  while (rest.length > 0) {
    // 1. Reads that came before any write.
    const firstWrite = rest.findIndex(({ name }) => isWrite(name));
    const before = firstWrite === -1 ? rest : rest.slice(0, firstWrite);
    if (before.length > 0) take(runReads(database, before), false);

    // 2. The next writes in one commit, then the reads among them.
    const batch = rest.slice(before.length, before.length + LARGEST_BATCH);
    const writes = batch.filter(({ name }) => isWrite(name));
    if (writes.length > 0) take(runWriteCalls(database, writes), true);
    const among = batch.filter(({ name }) => !isWrite(name));
    if (among.length > 0) take(runReads(database, among), false);
    rest = rest.slice(before.length + batch.length);
  }
}

function runReads(database: Database, calls: readonly Call[]): readonly Answer[] {
  return calls.map((call) => {
    try {
      return { id: call.id, value: database.run(operationOf(call)()) };
    } catch (error) {
      return { id: call.id, failure: failureOf(error) };
    }
  });
}

function runWriteCalls(database: Database, calls: readonly Call[]): readonly Answer[] {
  const outcomes = runWrites(database, calls.map(operationOf));
  return calls.map(({ id }, index) => ({ id, ...(outcomes[index] as Outcome) }));
}

function operationOf(call: Call): () => Operation<unknown> {
  return () => operationNamed(call.name)(...call.args);
}

type Outcome = { readonly value: unknown } | { readonly failure: Failure };

type Write = () => Operation<unknown>;

/** A call failed after it had written: the haste was wrong. */
class Spoiled extends Error {}

/** One transaction for all. Outcomes in order; none is known before the commit. */
export function runWrites(database: Database, writes: readonly Write[]): readonly Outcome[] {
  try {
    try {
      return together(database, writes, runHastily);
    } catch (error) {
      if (!(error instanceof Spoiled)) throw error;
      rollBack(database);
      return together(database, writes, runUnderSavepoint);
    }
  } catch (error) {
    rollBack(database);
    const failure = notCommitted(error);
    return writes.map(() => ({ failure }));
  }
}

function together(
  database: Database,
  writes: readonly Write[],
  run: (database: Database, write: Write) => Outcome,
): readonly Outcome[] {
  database.command('BEGIN IMMEDIATE');
  const outcomes = writes.map((write) => run(database, write));
  database.command('COMMIT');
  return outcomes;
}

/** Throws `Spoiled` where all is to be done again, else only where the transaction as a whole is lost. */
function runHastily(database: Database, write: Write): Outcome {
  const before = database.writes;
  try {
    return { value: database.run(write()) };
  } catch (error) {
    if (!database.inTransaction) throw error;
    if (database.writes > before) throw new Spoiled('a call was refused after it had written', { cause: error });
    return { failure: failureOf(error) };
  }
}

/** Throws only where the transaction as a whole is lost. */
function runUnderSavepoint(database: Database, write: Write): Outcome {
  database.command('SAVEPOINT one');
  try {
    const value = database.run(write());
    database.command('RELEASE one');
    return { value };
  } catch (error) {
    // A full disk or an I/O error may have ended the transaction, and everybody's part in it.
    if (!database.inTransaction) throw error;
    database.command('ROLLBACK TO one');
    database.command('RELEASE one');
    return { failure: failureOf(error) };
  }
}

function rollBack(database: Database): void {
  if (!database.inTransaction) return;
  try {
    database.command('ROLLBACK');
  } catch (error) {
    // SQLite has ended the transaction by itself; anything else would show at the next BEGIN.
    if (database.inTransaction) throw error;
  }
}

function notCommitted(error: unknown): Failure {
  const failure = failureOf(error);
  if (failure.code === 'unavailable') return failure;
  const cause = isSqliteError(error) || error instanceof RainbowError ? error.message : 'unknown cause';
  return { code: 'unavailable', message: `the store could not commit: ${cause}; nothing was written` };
}

/** Number of the newest event. Where the disk fails it is the one `known` so far: the next commit tells again. */
export function newestEvent(database: Database, known: number): number {
  try {
    return database.run(lastEvent());
  } catch (error) {
    if (!isSqliteError(error)) throw error;
    return known;
  }
}

/**
 * Errors of the engine, as the store's callers see them, and on their way between threads (a class does not survive
 * a copy). What a disk or a lock did is `unavailable`: the same call may succeed later.
 */
import { failureFrom, RainbowError, type Failure } from '../../core/errors.ts';

export { errorOf, type Failure } from '../../core/errors.ts';

interface SqliteError {
  readonly code: string;
  readonly errcode: number;
  readonly errstr?: string;
  readonly message: string;
}

/** SQLite's primary result codes (sqlite.org/rescode.html) that say: not now. */
const NOT_NOW: ReadonlyMap<number, string> = new Map([
  [5, 'another process holds the database; stop it, or try again'],
  [6, 'another part of this process holds the database; try again'],
  [7, 'no memory is left'],
  [8, 'the database is read-only; check its permissions'],
  [10, 'the disk reports an error; check the disk and its space'],
  [13, 'the disk is full; make room and try again'],
  [14, 'the database file cannot be opened; check the path and its permissions'],
  [23, 'the database refused the access; check its permissions'],
]);

export function isSqliteError(error: unknown): error is SqliteError {
  return error instanceof Error && (error as Partial<SqliteError>).code === 'ERR_SQLITE_ERROR';
}

export function primaryCode(error: SqliteError): number {
  return error.errcode & 0xff;
}

export function failureOf(error: unknown): Failure {
  if (error instanceof RainbowError) return failureFrom(error);
  if (isSqliteError(error)) {
    const why = NOT_NOW.get(primaryCode(error));
    if (why !== undefined) return { code: 'unavailable', message: `the store cannot serve now: ${why}` };
    return { code: 'internal', message: `the store failed: ${error.message} (${error.errcode})` };
  }
  return { code: 'internal', message: `the store failed: ${error instanceof Error ? error.message : String(error)}` };
}

export function closedError(): RainbowError {
  return new RainbowError('unavailable', 'the store is closed');
}

/** Opens the file: private to its user, known to be ours, durable, on the newest schema. Synchronous. */
import { closeSync, mkdirSync, openSync } from 'node:fs';
import { dirname } from 'node:path';
import { RainbowError } from '../../core/errors.ts';
import { Database } from './database.ts';
import { isSqliteError, primaryCode } from './failure.ts';
import { checkIdentity, migrate } from './migrate.ts';

const BUSY = 5;
const NOT_A_DATABASE = 26;
/** Milliseconds between tries while another process opens the same new file, and how often. */
const RETRY_AFTER = 20;
const TRIES = 500;

/** `path`: absolute, or `:memory:`. */
export function openDatabase(path: string, at: number): Database {
  if (path !== ':memory:') create(path);
  const database = openFile(path);
  try {
    // 1. Before anything is changed: is it ours to change?
    whileBusy(() => checkIdentity(database, path));
    // 2. SQLite does not wait for a lock when the journal's mode changes, so we do.
    if (path !== ':memory:') whileBusy(() => database.makeDurable());
    whileBusy(() => migrate(database, path, at));
    return database;
  } catch (error) {
    database.close();
    if (isSqliteError(error) && primaryCode(error) === NOT_A_DATABASE) {
      throw new RainbowError(
        'failed_precondition',
        `${path} is not a SQLite database; choose another path for the store`,
      );
    }
    throw error;
  }
}

function openFile(path: string): Database {
  try {
    return new Database(path);
  } catch (error) {
    throw cannotOpen(path, error);
  }
}

/** Jobs may carry secrets in their environment, so nobody else reads the file. SQLite gives its log the same mode. */
function create(path: string): void {
  try {
    mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
    closeSync(openSync(path, 'a', 0o600));
  } catch (error) {
    throw cannotOpen(path, error);
  }
}

function cannotOpen(path: string, error: unknown): RainbowError {
  const why = error instanceof Error ? error.message : String(error);
  return new RainbowError('failed_precondition', `the store ${path} cannot be opened: ${why}`, { cause: error });
}

function whileBusy(action: () => void): void {
  for (let tries = 1; ; tries++) {
    try {
      action();
      return;
    } catch (error) {
      if (!isSqliteError(error) || primaryCode(error) !== BUSY || tries === TRIES) throw error;
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, RETRY_AFTER);
    }
  }
}

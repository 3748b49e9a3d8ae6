/**
 * The journal in a SQLite file, synced with every commit (FULL), locked for as long as it is open. Writes that are
 * asked for in one turn share a commit; each resolves after it. Synchronous inside: an agent writes a few hundred
 * bytes at a time, and must not do anything else before they are safe.
 * Its owner's alone to read, what SQLite puts beside it as well: it holds what every job runs, with what is secret in it.
 */
import { chmodSync, closeSync, openSync } from 'node:fs';
import { DatabaseSync, type StatementSync } from 'node:sqlite';
import { RainbowError } from '../core/errors.ts';
import { describe } from './log.ts';
import { entryKey, type Entry, type Journal } from './journal.ts';
import type { JobKey } from './runners/runner.ts';

const VERSION = 1;

interface Write {
  readonly run: () => void;
  readonly done: () => void;
  readonly failed: (error: RainbowError) => void;
}

/** Throws `failed_precondition` where another agent has it open or a newer Rainbow wrote it. */
export function openJournal(path: string): Journal {
  const database = open(path);
  const put = database.prepare('INSERT OR REPLACE INTO entries (job_id, epoch, entry) VALUES (?, ?, ?)');
  const remove = database.prepare('DELETE FROM entries WHERE job_id = ? AND epoch = ?');
  let waiting: Write[] = [];
  let closed = false;

  const flush = (): void => {
    const writes = waiting;
    waiting = [];
    try {
      if (closed) throw new Error('it is closed');
      database.exec('BEGIN IMMEDIATE');
      for (const write of writes) write.run();
      database.exec('COMMIT');
    } catch (error) {
      if (!closed && database.isTransaction) database.exec('ROLLBACK');
      const failure = new RainbowError('unavailable', `${path} cannot be written: ${describe(error)}`, {
        cause: error,
      });
      for (const write of writes) write.failed(failure);
      return;
    }
    for (const write of writes) write.done();
  };

  const write = (run: () => void): Promise<void> =>
    new Promise((done, failed) => {
      if (waiting.length === 0) queueMicrotask(flush);
      waiting.push({ run, done, failed });
    });

  return {
    entries: async () =>
      rows(database.prepare('SELECT entry FROM entries ORDER BY number')).map((row) => JSON.parse(row.entry) as Entry),
    put: (entry) => {
      const { jobId, epoch } = entryKey(entry);
      return write(() => void put.run(jobId, epoch, JSON.stringify(entry)));
    },
    remove: ({ jobId, epoch }: JobKey) => write(() => void remove.run(jobId, epoch)),
    async nextInstance(now) {
      const last = database.prepare("SELECT value FROM facts WHERE name = 'instance'").get() as
        | { value: number }
        | undefined;
      const next = Math.max(now, (last?.value ?? 0) + 1);
      await write(() => void database.prepare("INSERT OR REPLACE INTO facts VALUES ('instance', ?)").run(next));
      return next;
    },
    async close() {
      if (closed) return;
      if (waiting.length > 0) flush();
      closed = true;
      database.close();
    },
  };
}

function rows(statement: StatementSync): readonly { readonly entry: string }[] {
  return statement.all() as unknown as readonly { readonly entry: string }[];
}

/** Before SQLite opens it, which gives what it puts beside it the same mode. Never opens what is there: that ends locks. */
function closeToOthers(path: string): void {
  try {
    closeSync(openSync(path, 'wx', 0o600));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
    chmodSync(path, 0o600);
  }
  // Left by an earlier Rainbow, or by one that was killed.
  for (const beside of ['-journal', '-wal', '-shm']) {
    try {
      chmodSync(`${path}${beside}`, 0o600);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
    }
  }
}

function open(path: string): DatabaseSync {
  let database: DatabaseSync | null = null;
  try {
    closeToOthers(path);
    database = new DatabaseSync(path, { timeout: 0 });
    // The lock is the system's own: it goes when the process does, however it goes.
    database.exec('PRAGMA locking_mode = EXCLUSIVE; PRAGMA journal_mode = DELETE; PRAGMA synchronous = FULL');
    database.exec('BEGIN EXCLUSIVE');
    const { user_version: version } = database.prepare('PRAGMA user_version').get() as { user_version: number };
    if (version > VERSION) {
      throw new RainbowError(
        'failed_precondition',
        `${path} was written by a newer Rainbow (journal ${version}, this one knows ${VERSION}): run that one`,
      );
    }
    database.exec(`
      CREATE TABLE IF NOT EXISTS entries (
        number INTEGER PRIMARY KEY,
        job_id TEXT NOT NULL,
        epoch INTEGER NOT NULL,
        entry TEXT NOT NULL,
        UNIQUE (job_id, epoch)
      );
      CREATE TABLE IF NOT EXISTS facts (name TEXT PRIMARY KEY, value INTEGER NOT NULL) WITHOUT ROWID;
      PRAGMA user_version = ${VERSION};
      COMMIT`);
    return database;
  } catch (error) {
    database?.close();
    if (error instanceof RainbowError) throw error;
    if (/locked|busy/i.test(describe(error))) {
      throw new RainbowError('failed_precondition', `${path} is in use: another agent runs on this state directory`, {
        cause: error,
      });
    }
    throw new RainbowError('failed_precondition', `${path} cannot be opened: ${describe(error)}`, { cause: error });
  }
}

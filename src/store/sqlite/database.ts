/**
 * One connection to one SQLite file: opened for full durability, statements prepared once, operations run to their
 * end. Synchronous; it lives in a worker thread (worker.ts) or, in memory, in the caller's own (memory-engine.ts).
 */
import { backup, DatabaseSync, type StatementSync } from 'node:sqlite';
import type { Operation, Row, Statement } from '../operations/statement.ts';

/** Milliseconds to wait for another process's write before the call fails. */
const BUSY_TIMEOUT = 5000;
/** Copied between two looks at who waits. */
const PAGES_A_STEP = 1000;
const LOCKING = / FOR (UPDATE|UPDATE SKIP LOCKED|NO KEY UPDATE|KEY SHARE)$/;

export class Database {
  readonly #connection: DatabaseSync;
  readonly #prepared = new Map<string, StatementSync>();

  /** `path`: absolute, or `:memory:`. `readOnly`: the file must be there, and is not changed. */
  constructor(path: string, { readOnly = false }: { readonly readOnly?: boolean } = {}) {
    this.#connection = new DatabaseSync(path, { timeout: BUSY_TIMEOUT, enableForeignKeyConstraints: true, readOnly });
  }

  /** The write-ahead log with a sync at every commit. A change to it must not meet another process's: the caller retries. */
  makeDurable(): void {
    this.execute('PRAGMA journal_mode = WAL');
    this.execute('PRAGMA synchronous = FULL');
    // Savepoints keep their pages in memory, not in a temporary file: 107 → 70 µs of CPU a submit.
    this.execute('PRAGMA temp_store = MEMORY');
    // 64 MiB of pages; the working set of a million jobs' hot indexes.
    this.execute('PRAGMA cache_size = -65536');
  }

  /** For what is said once: pragmas and schema. */
  execute(sql: string): void {
    this.#connection.exec(sql);
  }

  /** For what is said often: BEGIN, SAVEPOINT, COMMIT. */
  command(sql: string): void {
    this.query({ sql, values: [] });
  }

  query(statement: Statement): readonly Row[] {
    let prepared = this.#prepared.get(statement.sql);
    if (prepared === undefined) {
      prepared = this.#connection.prepare(statement.sql.replace(LOCKING, ''));
      this.#prepared.set(statement.sql, prepared);
    }
    return prepared.all(...statement.values);
  }

  /** Runs the operation to its end. Transactions are the caller's. */
  run<T>(operation: Operation<T>): T {
    let step = operation.next();
    while (step.done !== true) {
      let rows: readonly Row[];
      try {
        rows = this.query(step.value);
      } catch (error) {
        step = operation.throw(error);
        continue;
      }
      step = operation.next(rows);
    }
    return step.value;
  }

  /**
   * All of it into a new file, beside whoever writes. Begin a transaction and read before: what is copied is then what
   * that transaction sees, however often others commit meanwhile. `tell` is called now and then.
   */
  async copyTo(path: string, tell: (copiedPages: number, allPages: number) => void): Promise<void> {
    await backup(this.#connection, path, {
      rate: PAGES_A_STEP,
      progress: ({ totalPages, remainingPages }) => tell(totalPages - remainingPages, totalPages),
    });
  }

  get inTransaction(): boolean {
    return this.#connection.isTransaction;
  }

  close(): void {
    this.#prepared.clear();
    this.#connection.close();
  }
}

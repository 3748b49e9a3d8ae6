/**
 * One connection to one SQLite file: opened for full durability, statements prepared once, operations run to their
 * end. Synchronous; it lives in a worker thread (worker.ts) or, in memory, in the caller's own (memory-engine.ts).
 */
import { backup, DatabaseSync, type StatementSync } from 'node:sqlite';
import { RETURNING_ID, type Operation, type Row, type Statement } from '../operations/statement.ts';

/** Milliseconds to wait for another process's write before the call fails. */
const BUSY_TIMEOUT = 5000;
/** Copied between two looks at who waits. */
const PAGES_A_STEP = 1000;
const LOCKING = / FOR (UPDATE|UPDATE SKIP LOCKED|NO KEY UPDATE|KEY SHARE)$/;

/**
 * A place in an index, as PostgreSQL's planner must be told of it: `(owner, seq) > (?, ?) AND owner <= ?`, both times the
 * same owner. Where the second column is the row's id, SQLite uses the index for the first alone and reads all of that
 * owner's; it is told what it means.
 */
const PLACE = /\((\w+), (\w+)\) ([<>]) \(\?, \?\) AND \1 [<>]= \?/g;

/**
 * A bare variable as a limit makes SQLite (3.47 and newer, seen in 3.53) look at its value while it plans, and plan
 * anew at every run, though the plan stays the same: 60 to 200 µs for 0.6. What is computed it does not look at.
 */
const LIMIT = /\bLIMIT \?/g;

function ownWords(sql: string): string {
  return sql.replace(LOCKING, '').replace(PLACE, '$1 = ? AND $2 $3 ? AND $1 = ?').replace(LIMIT, 'LIMIT 0 + ?');
}

interface Prepared {
  readonly statement: StatementSync;
  readonly writes: boolean;
}

export class Database {
  readonly #connection: DatabaseSync;
  readonly #prepared = new Map<string, Prepared>();
  readonly #inserts = new Map<string, Prepared>();
  #writes = 0;

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
    const { sql, values, first = false, newId = false } = statement;
    const known = newId ? this.#inserts : this.#prepared;
    let prepared = known.get(sql);
    if (prepared === undefined) known.set(sql, (prepared = this.#prepare(sql, newId)));
    if (prepared.writes) this.#writes += 1;
    if (first) {
      // A list of one job's row takes twice as long as the row.
      const row = prepared.statement.get(...values);
      return row === undefined ? [] : [row];
    }
    if (!newId) return prepared.statement.all(...values);
    // Asked as a row it costs half as much again as the insert.
    return [{ id: String(prepared.statement.run(...values).lastInsertRowid) }];
  }

  #prepare(sql: string, newId: boolean): Prepared {
    const text = newId ? sql.slice(0, -RETURNING_ID.length) : ownWords(sql);
    const statement = this.#connection.prepare(text);
    if (newId) statement.setReadBigInts(true);
    return { statement, writes: !/^\s*SELECT\b/.test(sql) };
  }

  /** How many statements may have written so far; a number to compare with a later one. */
  get writes(): number {
    return this.#writes;
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

/**
 * One writing transaction. Operations run in it one after the other; their events are kept back and written as its
 * last statement before COMMIT (write-events.ts).
 *
 * Hasty, it sends what nobody reads the rows of without waiting, and answers from rows that were locked and read at
 * its beginning; whatever fails, fails the whole of it. Patient, it waits for each statement, and what fails can be
 * undone to a savepoint.
 */
import { LOCK_JOB } from '../operations/read-jobs.ts';
import { SELECT_REGISTERED } from '../operations/read-clusters.ts';
import type { Row, SqlValue } from '../operations/statement.ts';
import { INSERT_EVENT } from '../operations/write-event.ts';
import type { Database, PostgresOperation, PostgresStatement } from './database.ts';
import { ConnectionLost, stateOf } from './failure.ts';
import { textOf } from './statement-text.ts';
import { writeEvents } from './write-events.ts';

/** Rows that this transaction has locked, by what they are looked up with (id; id and name); none is null. */
export interface LockedRows {
  readonly jobs: Map<string, Row | null>;
  readonly clusters: Map<string, Row | null>;
}

/** COMMIT was sent and no answer came. */
export class CommitUnknown extends Error {
  constructor(cause: unknown) {
    super('the connection was lost during a commit', { cause });
    this.name = 'CommitUnknown';
  }
}

const NO_ROWS: readonly Row[] = [];

export class Transaction {
  readonly #database: Database;
  readonly #patient: boolean;
  readonly #events: (readonly SqlValue[])[] = [];
  /** What was sent and not waited for; each keeps its own failure. */
  readonly #sent: Promise<unknown>[] = [];
  #locked: LockedRows = { jobs: new Map(), clusters: new Map() };
  #writes = 0;

  private constructor(database: Database, patient: boolean) {
    this.#database = database;
    this.#patient = patient;
  }

  static begin(database: Database, mode: 'hasty' | 'patient'): Transaction {
    const transaction = new Transaction(database, mode === 'patient');
    transaction.#send(database.command('BEGIN'));
    return transaction;
  }

  /** How much has been written; a number to compare with a later one. */
  get writes(): number {
    return this.#writes;
  }

  /** The place to come back to with `forgetEventsAfter`. */
  get events(): number {
    return this.#events.length;
  }

  forgetEventsAfter(events: number): void {
    this.#events.length = events;
  }

  /** Rows that operations need not look up again; each job's row is good for one look. */
  know(locked: LockedRows): void {
    this.#locked = locked;
  }

  forget(): void {
    this.#locked = { jobs: new Map(), clusters: new Map() };
  }

  query(statement: PostgresStatement): Promise<readonly Row[]> {
    return this.#database.query(statement);
  }

  command(sql: string): Promise<string> {
    return this.#database.command(sql);
  }

  async run<T>(operation: PostgresOperation<T>): Promise<T> {
    let step = operation.next();
    while (step.done !== true) {
      let rows: readonly Row[];
      try {
        const answer = this.#answer(step.value);
        rows = answer instanceof Promise ? await answer : answer;
      } catch (error) {
        step = operation.throw(error);
        continue;
      }
      step = operation.next(rows);
    }
    return step.value;
  }

  /**
   * Notices, events and COMMIT, in one packet: a server that hangs in between holds nobody up. Resolves to the newest
   * event's number, null where there was none. Throws the first failure of the transaction.
   */
  async commit(channel: string, notices: readonly string[]): Promise<number | null> {
    for (const notice of notices)
      this.#send(this.query({ sql: 'SELECT pg_notify($1, $2)', values: [channel, notice] }));
    const events = this.#events.length === 0 ? null : this.query(writeEvents(this.#events, channel));
    if (events !== null) this.#send(events);
    const commit = this.command('COMMIT');
    // Nobody is left unheard, whatever fails first.
    commit.catch(() => undefined);
    const failure = await this.firstFailure();
    if (failure !== null) throw failure instanceof ConnectionLost ? new CommitUnknown(failure) : failure;
    let word: string;
    try {
      word = await commit;
    } catch (error) {
      // 57: PostgreSQL was stopped just then.
      const unknown = error instanceof ConnectionLost || stateOf(error)?.startsWith('57') === true;
      throw unknown ? new CommitUnknown(error) : error;
    }
    if (word !== 'COMMIT') throw new Error(`PostgreSQL answered COMMIT with ${word}`);
    const [row] = events === null ? [] : await events;
    return row === undefined ? null : Number(row['last']);
  }

  /** Ends it without a trace. Where the connection is lost, PostgreSQL does so by itself. */
  async rollBack(): Promise<void> {
    await Promise.allSettled(this.#sent);
    if (!this.#database.isLost) await this.command('ROLLBACK').catch(() => undefined);
  }

  /** The first failure among what was sent without waiting: it explains all later ones. */
  async firstFailure(): Promise<unknown> {
    for (const outcome of await Promise.allSettled(this.#sent)) {
      if (outcome.status === 'rejected') return outcome.reason;
    }
    return null;
  }

  #send(sent: Promise<unknown>): void {
    sent.catch(() => undefined);
    this.#sent.push(sent);
  }

  #answer(statement: PostgresStatement): readonly Row[] | Promise<readonly Row[]> {
    if (statement.sql === INSERT_EVENT) {
      this.#writes += 1;
      this.#events.push(statement.values as readonly SqlValue[]);
      return NO_ROWS;
    }
    const known = this.#known(statement);
    if (known !== undefined) return known === null ? NO_ROWS : [known];
    if (!textOf(statement.sql).reads) this.#writes += 1;
    const answer = this.query(statement);
    if (this.#patient || statement.blind !== true) return answer;
    this.#send(answer);
    return NO_ROWS;
  }

  #known({ sql, values }: PostgresStatement): Row | null | undefined {
    if (sql === SELECT_REGISTERED) return this.#locked.clusters.get(values.join(' '));
    if (sql !== LOCK_JOB) return undefined;
    const key = String(values[0]);
    const row = this.#locked.jobs.get(key);
    this.#locked.jobs.delete(key);
    return row;
  }
}

/**
 * One connection to one PostgreSQL database: statements prepared once and sent without waiting for those before them
 * (pipelining), operations run to their end. Transactions are the caller's.
 * Invariant: once it is lost it stays lost, and everything asked of it fails; the owner opens another.
 */
import { Client, type ClientConfig } from 'pg';
import type { Row, SqlValue } from '../operations/statement.ts';
import { ConnectionLost, stateOf } from './failure.ts';
import { textOf } from './statement-text.ts';

/** Milliseconds until a connection that is not answered is given up. */
export const CONNECT_LIMIT = 5_000;
const KEEP_ALIVE_AFTER = 10_000;

/** As the operations write it; PostgreSQL's own statements also take arrays, with `$1` for values. */
export interface PostgresStatement {
  readonly sql: string;
  readonly values: readonly (SqlValue | readonly SqlValue[])[];
  readonly blind?: true;
}

export type PostgresOperation<T> = Generator<PostgresStatement, T, readonly Row[]>;

/**
 * What the session sets, where the server knows it. Every statement has an index for what it looks up and for its
 * order, so plans are to be made of those and to stay the same whatever the statistics say of a queue that was empty
 * a minute ago (query-plans.test.ts). Nor by several processes: a plan that does not know its LIMIT takes them for the
 * first hundred of many pending jobs, and to start them takes 13 ms where the rows take 0.4. A server that hangs in a
 * transaction loses it, and its locks, after ten seconds.
 */
const SESSION: Readonly<Record<string, string>> = {
  enable_seqscan: 'off',
  enable_bitmapscan: 'off',
  enable_sort: 'off',
  enable_hashjoin: 'off',
  enable_mergejoin: 'off',
  max_parallel_workers_per_gather: '0',
  jit: 'off',
  plan_cache_mode: 'force_generic_plan',
  default_transaction_isolation: 'read committed',
  idle_in_transaction_session_timeout: '10s',
  lock_timeout: '10s',
  statement_timeout: '30s',
};

const SET_SESSION = `SELECT set_config(wanted.name, wanted.value, false)
  FROM (VALUES ${Object.entries(SESSION)
    .map(([name, value]) => `('${name}', '${value}')`)
    .join(', ')}) AS wanted (name, value) JOIN pg_settings ON pg_settings.name = wanted.name;
  SELECT set_config('synchronous_commit', 'on', false) WHERE current_setting('synchronous_commit') = 'off'`;

const NOT_PREPARED = '26000';
const ABORTED = '25P02';
const BYTEA = 17;
const INT2 = 21;
const INT4 = 23;
const INT8 = 20;
const FLOAT8 = 701;

/** Numbers as numbers (ids that may not fit a double come as text), bytes as bytes, the rest as text. */
function parserOf(oid: number): (text: string) => SqlValue {
  switch (oid) {
    case INT2:
    case INT4:
    case INT8:
    case FLOAT8:
      return Number;
    case BYTEA:
      // A copy, so that a small value does not keep the pool that it was read into.
      return (text) => new Uint8Array(Buffer.from(text.slice(2), 'hex'));
    default:
      return (text) => text;
  }
}

function isDone(error: Error | null | undefined): error is null | undefined {
  return error === null || error === undefined;
}

function canBeSent(value: unknown): boolean {
  if (value === null || value instanceof Uint8Array) return true;
  if (Array.isArray(value)) return value.every(canBeSent);
  return ['string', 'number', 'bigint'].includes(typeof value);
}

export class Database {
  readonly #client: Client;
  #lost: ConnectionLost | null = null;
  #corked = false;
  /** Names of the statements that PostgreSQL has surely prepared for this connection. */
  readonly #prepared = new Set<string>();
  readonly #onLost = new Set<() => void>();

  private constructor(client: Client) {
    this.#client = client;
    client.on('error', (error) => this.#lose(error));
    client.on('end', () => this.#lose(new Error('the connection has ended')));
  }

  /** Throws what PostgreSQL or the network says; `cannotOpen` puts it into words. */
  static async connect(url: string, within = CONNECT_LIMIT): Promise<Database> {
    const client = new Client({
      connectionString: url,
      application_name: 'rainbow',
      connectionTimeoutMillis: within,
      keepAlive: true,
      keepAliveInitialDelayMillis: KEEP_ALIVE_AFTER,
      pipeline: true,
      types: { getTypeParser: parserOf as NonNullable<ClientConfig['types']>['getTypeParser'] },
    });
    const database = new Database(client);
    await client.connect();
    await database.command(SET_SESSION);
    return database;
  }

  get isLost(): boolean {
    return this.#lost !== null;
  }

  /** `lost` is called once, when the connection goes, or at once where it has gone already. */
  whenLost(lost: () => void): void {
    if (this.#lost === null) this.#onLost.add(lost);
    else lost();
  }

  /** `heard` is called for every notification on a channel that was LISTENed to. */
  onNotification(heard: (payload: string) => void): void {
    this.#client.on('notification', ({ payload }) => heard(payload ?? ''));
  }

  query({ sql, values }: PostgresStatement): Promise<readonly Row[]> {
    // The driver would close the prepared statement, and go on believing that it is there.
    if (!values.every(canBeSent)) return Promise.reject(new TypeError('a value of no type that a column has'));
    const { text, name } = textOf(sql);
    return this.#send<readonly Row[]>({ text, values, ...(name === undefined ? {} : { name }) }, ({ rows }) => rows);
  }

  /** For what has no values: BEGIN, COMMIT, schema. Resolves to the answer's word: a COMMIT may be a ROLLBACK. */
  command(sql: string): Promise<string> {
    return this.#send({ text: sql }, ({ command }) => command);
  }

  /** Runs the operation to its end, waiting for each statement. */
  async run<T>(operation: PostgresOperation<T>): Promise<T> {
    let step = operation.next();
    while (step.done !== true) {
      let rows: readonly Row[];
      try {
        rows = await this.query(step.value);
      } catch (error) {
        step = operation.throw(error);
        continue;
      }
      step = operation.next(rows);
    }
    return step.value;
  }

  /** Says goodbye once what was sent has been answered. */
  async close(): Promise<void> {
    if (this.isLost) return;
    await this.#client.end();
  }

  /** Cuts the connection: what is under way fails at once. */
  destroy(why: string): void {
    this.#lose(new Error(why));
    this.#client.connection.stream.destroy();
  }

  #send<T>(
    query: { readonly text: string; readonly values?: readonly unknown[]; readonly name?: string },
    take: (result: { readonly rows: readonly Row[]; readonly command: string }) => T,
  ): Promise<T> {
    if (this.#lost !== null) return Promise.reject(this.#lost);
    this.#gather();
    return new Promise((resolve, reject) => {
      this.#client.query(query as { text: string; values?: unknown[] }, (error: Error | null | undefined, result) => {
        const state = stateOf(error);
        const { name } = query;
        if (name !== undefined && (isDone(error) || ![null, ABORTED, NOT_PREPARED].includes(state))) {
          this.#prepared.add(name);
        }
        if (isDone(error)) {
          resolve(take(result));
          return;
        }
        // Behind a pooler, what was prepared may be on another connection. Of those sent together after one that was refused
        // in their transaction, the first was not prepared, and the next does not find it: that is no loss.
        if (state === NOT_PREPARED && name !== undefined && this.#prepared.has(name)) {
          this.destroy('a prepared statement is gone');
        }
        // What PostgreSQL itself said explains more than that the connection then went.
        reject(this.#lost === null || state !== null ? error : this.#lost);
      });
    });
  }

  /** Statements of one turn of the event loop leave in one packet, not in one each. */
  #gather(): void {
    if (this.#corked) return;
    this.#corked = true;
    const { stream } = this.#client.connection;
    stream.cork();
    process.nextTick(() => {
      this.#corked = false;
      stream.uncork();
    });
  }

  #lose(cause: unknown): void {
    if (this.#lost !== null) return;
    this.#lost = new ConnectionLost(cause);
    for (const lost of this.#onLost) lost();
    this.#onLost.clear();
  }
}

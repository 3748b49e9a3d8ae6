/**
 * How an operation is written: a generator that yields statements and is handed their rows. A synchronous driver
 * (sqlite/) and an asynchronous one (postgres/) run the same operation, so its text exists once.
 *
 * Statements are in the SQL that both engines share, with `?` for values, and each driver leaves out what is for the
 * other: a lock on rows at the end (`FOR UPDATE`, `FOR UPDATE SKIP LOCKED`, `FOR NO KEY UPDATE`, `FOR KEY SHARE`) is
 * PostgreSQL's (in SQLite a writer holds the whole file), `INDEXED BY` is SQLite's (it has no statistics here, and
 * would rather sort than read in order).
 * 64-bit ids go in as bigint and come out through CAST (… AS TEXT); every other number fits a double.
 */
export type SqlValue = string | number | bigint | Uint8Array | null;

export type Row = Readonly<Record<string, SqlValue>>;

export interface Statement {
  readonly sql: string;
  readonly values: readonly SqlValue[];
  /** Nobody looks at its rows: a driver may send it and go on, as long as the transaction fails where it does. */
  readonly blind?: true;
  /** Only the first of its rows is looked at: a driver may read no other. */
  readonly first?: true;
  /** Its one row is the new id, which a driver may know anyway. */
  readonly newId?: true;
}

/** Yields statements, is resumed with their rows, returns its result. What it throws undoes all it wrote. */
export type Operation<T> = Generator<Statement, T, readonly Row[]>;

/** The rows. `R` is what the statement's columns are; nothing checks it but the tests. */
export function* all<R>(sql: string, ...values: readonly SqlValue[]): Operation<readonly R[]> {
  return (yield { sql, values }) as unknown as readonly R[];
}

/** The first row, if there is one. */
export function* one<R>(sql: string, ...values: readonly SqlValue[]): Operation<R | undefined> {
  const rows = (yield { sql, values, first: true }) as unknown as readonly R[];
  return rows[0];
}

export function* run(sql: string, ...values: readonly SqlValue[]): Operation<void> {
  yield { sql, values, blind: true };
}

/** At the end of a statement with `newId`. */
export const RETURNING_ID = ' RETURNING CAST(id AS TEXT) AS id';

/** The new row's id. `sql`: an INSERT of one row, whatever happens, into a table that counts its ids up. */
export function* insert(sql: string, ...values: readonly SqlValue[]): Operation<string> {
  const rows = (yield { sql: sql + RETURNING_ID, values, newId: true }) as unknown as readonly {
    readonly id: string;
  }[];
  return (rows[0] as { readonly id: string }).id;
}

const LARGEST_LIMIT = 2 ** 31 - 1;

/** A LIMIT that every engine takes, of whatever number a caller gave. */
export function limitOf(limit: number): number {
  if (Number.isNaN(limit)) return 0;
  return Math.trunc(Math.min(Math.max(limit, 0), LARGEST_LIMIT));
}

/** A list for `IN (…)` filled up to a power of two with its first, so that there are few statements to prepare. */
export function filledUp<T extends SqlValue>(list: readonly T[]): readonly T[] {
  const places = list.length === 0 ? 0 : 2 ** Math.ceil(Math.log2(list.length));
  return [...list, ...Array.from({ length: places - list.length }, () => list[0] as T)];
}

/** Values in one statement. */
const CHUNK = 64;

export function* chunksOf<T>(list: readonly T[]): Generator<readonly T[], void, undefined> {
  for (let from = 0; from < list.length; from += CHUNK) yield list.slice(from, from + CHUNK);
}

export function places(list: readonly unknown[], place = '?'): string {
  return list.map(() => place).join(', ');
}

/**
 * A store as those see it who look after it as a whole (backup, copy, check): tables, their columns and keys, and rows
 * in the order of their keys, the same on both engines. Nothing of what the rows mean is known here.
 * Invariant: a side is one transaction, so what is read is true at one moment.
 */
import type { Row, SqlValue, Statement } from '../operations/statement.ts';

export type ColumnType = 'integer' | 'real' | 'text' | 'bytes';

export interface Column {
  readonly name: string;
  readonly type: ColumnType;
}

export interface Table {
  readonly name: string;
  readonly columns: readonly Column[];
  /** Columns of the primary key, in its order. */
  readonly key: readonly string[];
  /** Tables that it refers to. */
  readonly refersTo: readonly string[];
}

export interface Side {
  readonly kind: 'sqlite' | 'postgres';
  /** As it may be shown. */
  readonly address: string;
  /** `?` for values, as in an operation. */
  ask(statement: Pick<Statement, 'sql' | 'values'>): Promise<readonly Row[]>;
  /** Every table of the schema; those that others refer to come before them. */
  tables(): Promise<readonly Table[]>;
  /** The newest number that each counted table has given. */
  numbers(): Promise<ReadonlyMap<string, number>>;
  /** It goes on after this one. */
  setNumber(table: string, newest: number): Promise<void>;
  insert(table: Table, rows: readonly Row[]): Promise<void>;
}

/** What keeps a long piece of work from holding up everything else, and tells how far it is. */
export interface Pace {
  /** Lets others have their turn. Throws where the work is to stop. */
  breathe(): Promise<void>;
  tell(where: string): void;
}

/**
 * Not content: what this database's own history is, how its events are counted, and what servers that run say of
 * themselves.
 */
const NOT_CONTENT = ['schema_versions', 'event_counter', 'servers', 'cluster_streams', 'letters'];

export async function contentOf(side: Side): Promise<readonly Table[]> {
  return (await side.tables()).filter(({ name }) => !NOT_CONTENT.includes(name));
}

/** Bytes of a batch that are aimed at: large graphs come in rows of a megabyte and more. */
const BATCH_BYTES = 1024 * 1024;
const MOST_ROWS = 500;

/** Its rows in the order of the key, a bounded number of bytes at a time. */
export async function* batchesOf(side: Side, table: Table, pace: Pace): AsyncGenerator<readonly Row[]> {
  const key = table.key.join(', ');
  const select = `SELECT ${table.columns.map(({ name }) => name).join(', ')} FROM ${table.name}`;
  let after: readonly SqlValue[] | null = null;
  const large = table.columns.filter(({ type }) => type === 'text' || type === 'bytes').map(({ name }) => name);
  // Few at first: nobody knows yet how large they are.
  let limit = 4;
  for (;;) {
    const where: string = after === null ? '' : `WHERE (${key}) > (${table.key.map(() => '?').join(', ')})`;
    const rows: readonly Row[] = await side.ask({
      sql: `${select} ${where} ORDER BY ${key} LIMIT ?`,
      values: [...(after ?? []), limit],
    });
    if (rows.length > 0) yield rows;
    if (rows.length < limit) return;
    const last: Row = rows.at(-1)!;
    after = table.key.map((column) => last[column] ?? null);
    limit = nextLimit(limit, sizeOf(rows, large));
    await pace.breathe();
  }
}

function nextLimit(limit: number, bytes: number): number {
  if (bytes < BATCH_BYTES / 2) return Math.min(limit * 2, MOST_ROWS);
  if (bytes > BATCH_BYTES * 2) return Math.max(1, Math.floor((limit * BATCH_BYTES) / bytes));
  return limit;
}

function sizeOf(rows: readonly Row[], large: readonly string[]): number {
  let bytes = 0;
  for (const row of rows) {
    for (const column of large) {
      const value = row[column];
      bytes += typeof value === 'string' ? value.length : value instanceof Uint8Array ? value.byteLength : 0;
    }
  }
  return bytes;
}

/** Those that others refer to first. */
export function inOrder(tables: readonly Table[]): readonly Table[] {
  const ordered: Table[] = [];
  const place = (table: Table): void => {
    if (ordered.includes(table)) return;
    for (const name of table.refersTo) {
      const other = tables.find((each) => each.name === name);
      if (other !== undefined && other !== table) place(other);
    }
    ordered.push(table);
  };
  for (const table of tables.toSorted((a, b) => (a.name < b.name ? -1 : 1))) place(table);
  return ordered;
}

/**
 * How many rows each table of a store has, and a checksum of them that is the same whichever engine keeps them: SHA-256
 * over the rows in the order of their keys, each value with its kind and length, columns by name.
 */
import { createHash, type Hash } from 'node:crypto';
import type { Row, SqlValue } from '../operations/statement.ts';
import { batchesOf, contentOf, type Pace, type Side, type Table } from './side.ts';

export interface TableDigest {
  readonly table: string;
  readonly rows: number;
  /** SHA-256 in hexadecimal. */
  readonly checksum: string;
}

export interface Digest {
  readonly tables: readonly TableDigest[];
  readonly rows: number;
  /** Of all tables together. */
  readonly checksum: string;
}

/** Characters that are hashed at once. */
const GATHERED = 65_536;

/** Of one table, row by row. */
export class RowsDigest {
  readonly #hash: Hash = createHash('sha256');
  readonly #columns: readonly string[];
  readonly #table: string;
  #rows = 0;
  /** Not hashed yet: a call for each value would cost more than the hash. */
  #text = '';

  constructor({ name, columns }: Pick<Table, 'name' | 'columns'>) {
    this.#table = name;
    this.#columns = columns.map((column) => column.name).toSorted();
  }

  add(row: Row): void {
    this.#rows += 1;
    for (const column of this.#columns) {
      const value: SqlValue = row[column] ?? null;
      if (value instanceof Uint8Array) {
        this.#text += `bytes ${value.byteLength}:`;
        this.#flush();
        this.#hash.update(value);
      } else if (typeof value === 'string') this.#text += `text ${value.length}:${value}`;
      else this.#text += value === null ? 'null;' : `number ${value};`;
    }
    if (this.#text.length > GATHERED) this.#flush();
  }

  #flush(): void {
    this.#hash.update(this.#text);
    this.#text = '';
  }

  end(): TableDigest {
    this.#flush();
    return { table: this.#table, rows: this.#rows, checksum: this.#hash.digest('hex') };
  }
}

export function together(tables: readonly TableDigest[]): Digest {
  const ordered = tables.toSorted((a, b) => (a.table < b.table ? -1 : 1));
  const hash = createHash('sha256');
  for (const { table, rows, checksum } of ordered) hash.update(`${table} ${rows} ${checksum}\n`);
  return {
    tables: ordered,
    rows: ordered.reduce((sum, { rows }) => sum + rows, 0),
    checksum: hash.digest('hex'),
  };
}

/** Of all that a store keeps. `what`: for whoever waits, as in "reading events again". */
export async function digestOf(side: Side, pace: Pace, what: string): Promise<Digest> {
  const tables: TableDigest[] = [];
  for (const table of await contentOf(side)) {
    const digest = new RowsDigest(table);
    let rows = 0;
    for await (const batch of batchesOf(side, table, pace)) {
      for (const row of batch) digest.add(row);
      pace.tell(`${what}: ${table.name}, ${(rows += batch.length)} rows`);
    }
    tables.push(digest.end());
  }
  return together(tables);
}

/** Names of the tables that are not the same, with what differs. Empty: all are. */
export function differences(one: Digest, other: Digest): readonly string[] {
  const others = new Map(other.tables.map((each) => [each.table, each]));
  const names = new Set([...one.tables, ...other.tables].map(({ table }) => table));
  return [...names].flatMap((name) => {
    const a = one.tables.find(({ table }) => table === name);
    const b = others.get(name);
    if (a === undefined || b === undefined) return [`${name}: only on one side`];
    if (a.rows !== b.rows) return [`${name}: ${a.rows} rows and ${b.rows}`];
    return a.checksum === b.checksum ? [] : [`${name}: other content`];
  });
}

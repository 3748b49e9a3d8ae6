/** A SQLite file as a whole: its catalog, its counted keys, and rows written as they come. */
import type { Row, SqlValue } from '../operations/statement.ts';
import type { Database } from '../sqlite/database.ts';
import { inOrder, type Column, type ColumnType, type Side, type Table } from './side.ts';

const TYPES: Readonly<Record<string, ColumnType>> = { INTEGER: 'integer', REAL: 'real', TEXT: 'text', BLOB: 'bytes' };

/** `database` is in a transaction, or nobody else writes. */
export function sqliteSide(database: Database, address: string): Side {
  const rows = (sql: string, ...values: readonly SqlValue[]): readonly Row[] => database.query({ sql, values });
  const textsOf = (found: readonly Row[], column: string): string[] => found.map((row) => String(row[column]));

  const tableOf = (name: string): Table => {
    const columns = rows('SELECT name, type, pk FROM pragma_table_info(?) ORDER BY cid', name);
    const inKey = columns.filter(({ pk }) => Number(pk) > 0).toSorted((a, b) => Number(a['pk']) - Number(b['pk']));
    return {
      name,
      columns: columns.map((column): Column => ({
        name: String(column['name']),
        type: TYPES[String(column['type'])] ?? 'text',
      })),
      key: textsOf(inKey, 'name'),
      refersTo: textsOf(rows('SELECT DISTINCT "table" AS name FROM pragma_foreign_key_list(?)', name), 'name'),
    };
  };

  return {
    kind: 'sqlite',
    address,
    ask: async (statement) => database.query(statement),
    async tables() {
      const names = rows(`SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite_%'`);
      return inOrder(textsOf(names, 'name').map(tableOf));
    },
    async numbers() {
      return new Map(rows('SELECT name, seq FROM sqlite_sequence').map(({ name, seq }) => [String(name), Number(seq)]));
    },
    async setNumber(table, newest) {
      // Not a strict table: a number would be kept as 24.0, and come back as that.
      const whole = BigInt(newest);
      const counted = rows('UPDATE sqlite_sequence SET seq = ? WHERE name = ? RETURNING seq', whole, table);
      if (counted.length === 0) rows('INSERT INTO sqlite_sequence (name, seq) VALUES (?, ?)', table, whole);
    },
    async insert({ name, columns }, given) {
      const sql = `INSERT INTO ${name} (${columns.map((column) => column.name).join(', ')}) VALUES (${columns
        .map(() => '?')
        .join(', ')})`;
      for (const row of given) database.query({ sql, values: columns.map((column) => row[column.name] ?? null) });
    },
  };
}

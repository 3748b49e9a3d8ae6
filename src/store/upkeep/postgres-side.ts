/** A PostgreSQL database's schema as a whole: its catalog, its counted keys, and rows written by the batch. */
import type { Row, SqlValue } from '../operations/statement.ts';
import type { Database } from '../postgres/database.ts';
import { inOrder, type ColumnType, type Side, type Table } from './side.ts';

const TYPES: Readonly<Record<string, ColumnType>> = {
  bigint: 'integer',
  'double precision': 'real',
  text: 'text',
  bytea: 'bytes',
};
const ARRAYS: Readonly<Record<ColumnType, string>> = {
  integer: 'bigint[]',
  real: 'double precision[]',
  text: 'text[]',
  bytes: 'bytea[]',
};

const OURS = 'relnamespace = to_regnamespace(quote_ident(current_schema()))';

/** `database` is in a transaction. */
export function postgresSide(database: Database, address: string): Side {
  const rows = (sql: string, ...values: readonly SqlValue[]): Promise<readonly Row[]> =>
    database.query({ sql, values });

  return {
    kind: 'postgres',
    address,
    ask: (statement) => database.query(statement),
    async tables() {
      const columns = await rows(
        `SELECT relname AS name, attname AS column, format_type(atttypid, NULL) AS type,
           COALESCE(array_position(indkey::smallint[], attnum), -1) AS place
         FROM pg_catalog.pg_class JOIN pg_catalog.pg_attribute ON attrelid = pg_class.oid
           LEFT JOIN pg_catalog.pg_index ON indrelid = pg_class.oid AND indisprimary
         WHERE ${OURS} AND relkind = 'r' AND attnum > 0 AND NOT attisdropped ORDER BY relname, attnum`,
      );
      const references = await rows(
        `SELECT DISTINCT own.relname AS name, other.relname AS other
         FROM pg_catalog.pg_constraint JOIN pg_catalog.pg_class AS own ON own.oid = conrelid
           JOIN pg_catalog.pg_class AS other ON other.oid = confrelid
         WHERE contype = 'f' AND own.${OURS}`,
      );
      const names = [...new Set(columns.map((row) => String(row['name'])))];
      return inOrder(
        names.map((name): Table => {
          const own = columns.filter((row) => row['name'] === name);
          return {
            name,
            columns: own.map((row) => ({ name: String(row['column']), type: TYPES[String(row['type'])] ?? 'text' })),
            key: own
              .filter((row) => Number(row['place']) >= 0)
              .toSorted((a, b) => Number(a['place']) - Number(b['place']))
              .map((row) => String(row['column'])),
            refersTo: references.filter((row) => row['name'] === name).map((row) => String(row['other'])),
          };
        }),
      );
    },
    async numbers() {
      const found = new Map<string, number>();
      for (const { name } of await counted()) {
        const [row] = await rows(
          `SELECT CASE WHEN is_called THEN last_value ELSE 0 END AS newest FROM ${String(name)}_id_seq`,
        );
        found.set(String(name), Number(row?.['newest']));
      }
      const [events] = await rows('SELECT last FROM event_counter WHERE id = 1');
      return found.set('events', Number(events?.['last'] ?? 0));
    },
    async setNumber(table, newest) {
      if (table === 'events') await rows('UPDATE event_counter SET last = ? WHERE id = 1', newest);
      // A sequence begins with 1: there is no last number 0.
      else if (newest > 0) await rows(`SELECT setval(pg_get_serial_sequence(?, 'id'), ?::bigint)`, table, newest);
    },
    async insert({ name, columns }, given) {
      const names = columns.map((column) => column.name).join(', ');
      const arrays = columns.map(({ type }, place) => `$${place + 1}::${ARRAYS[type]}`).join(', ');
      await database.query({
        sql: `INSERT INTO ${name} (${names}) SELECT * FROM unnest(${arrays})`,
        values: columns.map((column) => given.map((row) => row[column.name] ?? null)),
      });
    },
  };

  /** Tables whose key the database counts up. */
  function counted(): Promise<readonly Row[]> {
    return rows(
      `SELECT relname AS name FROM pg_catalog.pg_class JOIN pg_catalog.pg_attribute ON attrelid = pg_class.oid
       WHERE ${OURS} AND relkind = 'r' AND attidentity <> '' AND NOT attisdropped ORDER BY relname`,
    );
  }
}

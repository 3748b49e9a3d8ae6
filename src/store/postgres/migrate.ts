/**
 * Brings a database to the newest schema, or refuses it before anything is written: tables that are not ours, or a
 * schema that a newer Rainbow made. Safe when several servers start at once: the one that gets the advisory lock does
 * it, the others find it done; where servers of the earlier version go on meanwhile and it meets them (a deadlock), it
 * is done again. Everything is in the connection's own schema (`search_path`), in one transaction.
 */
import { RainbowError } from '../../core/errors.ts';
import { MIGRATIONS } from '../migrations/index.ts';
import { POSTGRES_WORDS, type Migration } from '../migrations/migration.ts';
import type { Row } from '../operations/statement.ts';
import type { Database } from './database.ts';
import { isCollision } from './failure.ts';

/** The comment on `schema_versions` that marks the tables as Rainbow's. */
const MARK = 'Rainbow';

/** Its first key; any number that no other program is likely to use. "RBOW". */
const LOCK = 0x52_42_4f_57;

/** Each costs those that it met a second; a server that cannot begin is started again by somebody. */
const TRIES = 10;

/** Throws `failed_precondition` where the tables must not be touched. Reads only. Null: there are none yet. */
export async function schemaVersion(
  database: Database,
  address: string,
  migrations: readonly Migration[] = MIGRATIONS,
): Promise<number | null> {
  // From the catalog's own rows: to_regclass, after waiting for another server, would still remember that there is none.
  const [found] = await rows(
    database,
    `SELECT obj_description(oid, 'pg_class') AS mark FROM pg_catalog.pg_class
     WHERE relname = 'schema_versions' AND relnamespace = to_regnamespace(quote_ident(current_schema()))`,
  );
  if (found === undefined) return null;
  if (found['mark'] !== MARK) {
    throw new RainbowError(
      'failed_precondition',
      `the database ${address} has a table schema_versions that is not Rainbow's; give Rainbow a database of its own`,
    );
  }
  const [newest] = await rows(database, 'SELECT COALESCE(MAX(number), 0) AS version FROM schema_versions');
  const version = Number(newest?.['version']);
  const known = migrations.length;
  if (version > known) {
    throw new RainbowError(
      'failed_precondition',
      `${address} has schema ${version}, made by a newer Rainbow; this one knows schemas up to ${known}. ` +
        'Install the newer Rainbow, or choose another database for the store',
    );
  }
  return version;
}

/** `at` is noted with each migration. */
export async function migrate(
  database: Database,
  address: string,
  at: number,
  migrations: readonly Migration[] = MIGRATIONS,
): Promise<void> {
  // 1. Nearly always there is nothing to do, and nobody to wait for.
  if ((await schemaVersion(database, address, migrations)) === migrations.length) return;

  // 2. One after the other. A migration may take its time, and so may waiting for another server's.
  for (let tries = 1; ; tries++) {
    try {
      return await bringForward(database, address, at, migrations);
    } catch (error) {
      if (!isCollision(error) || tries === TRIES) throw error;
    }
  }
}

async function bringForward(
  database: Database,
  address: string,
  at: number,
  migrations: readonly Migration[],
): Promise<void> {
  await database.command('BEGIN');
  try {
    await database.command('SET LOCAL statement_timeout = 0; SET LOCAL lock_timeout = 0');
    await database.query({
      sql: 'SELECT pg_advisory_xact_lock($1::int, hashtext(current_schema()))',
      values: [LOCK],
    });
    const version = await schemaVersion(database, address, migrations);
    if (version === null) {
      await database.command(
        `CREATE TABLE schema_versions (number BIGINT NOT NULL PRIMARY KEY, name TEXT NOT NULL, applied_at BIGINT NOT NULL);
         COMMENT ON TABLE schema_versions IS '${MARK}'`,
      );
    }
    for (const migration of migrations.filter(({ number }) => number > (version ?? 0))) {
      for (const statement of migration.statements(POSTGRES_WORDS)) await database.command(statement);
      await database.query({
        sql: 'INSERT INTO schema_versions (number, name, applied_at) VALUES ($1, $2, $3)',
        values: [migration.number, migration.name, at],
      });
    }
    await database.command('COMMIT');
  } catch (error) {
    await database.command('ROLLBACK').catch(() => undefined);
    throw error;
  }
}

function rows(database: Database, sql: string): Promise<readonly Row[]> {
  return database.query({ sql, values: [] });
}

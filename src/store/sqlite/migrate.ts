/**
 * Brings a database to the newest schema, or refuses it before anything is written: a file that is not ours, or one
 * that a newer Rainbow made. Safe when several processes start at once: the one that gets the write lock does it,
 * the others find it done.
 */
import { RainbowError } from '../../core/errors.ts';
import { MIGRATIONS } from '../migrations/index.ts';
import { SQLITE_WORDS, type Migration } from '../migrations/migration.ts';
import type { Database } from './database.ts';

/** "RBOW": marks the file as Rainbow's (PRAGMA application_id). */
const APPLICATION_ID = 0x52_42_4f_57;

/** Throws `failed_precondition` where the file must not be touched. Reads only. */
export function checkIdentity(database: Database, path: string, migrations = MIGRATIONS): void {
  // In this order: another process may make the schema between the two.
  const tables = numberOf(database, 'SELECT COUNT(*) AS tables FROM sqlite_schema', 'tables');
  const application = numberOf(database, 'PRAGMA application_id', 'application_id');
  if (tables === 0 && application === 0) return;
  if (application !== APPLICATION_ID) {
    throw new RainbowError(
      'failed_precondition',
      `${path} is a SQLite database, but not one of Rainbow; choose another path for the store`,
    );
  }
  const version = schemaVersion(database);
  const known = migrations.length;
  if (version > known) {
    throw new RainbowError(
      'failed_precondition',
      `${path} has schema ${version}, made by a newer Rainbow; this one knows schemas up to ${known}. ` +
        'Install the newer Rainbow, or choose another path for the store',
    );
  }
}

/** `at` is noted with each migration. */
export function migrate(
  database: Database,
  path: string,
  at: number,
  migrations: readonly Migration[] = MIGRATIONS,
): void {
  database.command('BEGIN IMMEDIATE');
  try {
    checkIdentity(database, path, migrations);
    database.execute(
      'CREATE TABLE IF NOT EXISTS schema_versions (number INTEGER NOT NULL PRIMARY KEY, name TEXT NOT NULL, applied_at INTEGER NOT NULL) STRICT',
    );
    const version = schemaVersion(database);
    for (const migration of migrations.filter(({ number }) => number > version)) {
      for (const statement of migration.statements(SQLITE_WORDS)) database.execute(statement);
      database.query({
        sql: 'INSERT INTO schema_versions (number, name, applied_at) VALUES (?, ?, ?)',
        values: [migration.number, migration.name, at],
      });
    }
    if (version === 0) database.execute(`PRAGMA application_id = ${APPLICATION_ID}`);
    database.command('COMMIT');
  } catch (error) {
    if (database.inTransaction) database.command('ROLLBACK');
    throw error;
  }
}

/** Of a file that is ours; 0: none yet. */
export function schemaVersion(database: Database): number {
  return numberOf(database, 'SELECT COALESCE(MAX(number), 0) AS version FROM schema_versions', 'version');
}

function numberOf(database: Database, sql: string, column: string): number {
  return Number(database.query({ sql, values: [] })[0]?.[column]);
}

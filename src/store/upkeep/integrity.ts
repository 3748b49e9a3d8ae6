/** What the engine itself can say of its own soundness. */
import type { Row } from '../operations/statement.ts';
import { isSqliteError, primaryCode } from '../sqlite/failure.ts';
import type { Finding } from './finding.ts';
import type { Side } from './side.ts';

const MOST = 100;
const CORRUPT = 11;

export function isCorrupt(error: unknown): boolean {
  return isSqliteError(error) && primaryCode(error) === CORRUPT;
}

export function damaged(file: string, what: string): Finding {
  return {
    rule: 'integrity',
    where: file,
    what: `SQLite finds: ${what.replaceAll('\n', ' ')}`,
    remedy: 'the file is damaged: look at the disk, stop the server and restore a backup (rainbow db restore)',
  };
}

/**
 * SQLite: every page, index, CHECK and NOT NULL, then every reference. PostgreSQL keeps those itself; what it cannot
 * know of its files is for pg_amcheck.
 */
export async function engineFindings(side: Side): Promise<readonly Finding[]> {
  if (side.kind !== 'sqlite') return [];
  try {
    return await sqliteFindings(side);
  } catch (error) {
    if (!isCorrupt(error)) throw error;
    return [damaged(side.address, (error as Error).message)];
  }
}

async function sqliteFindings(side: Side): Promise<readonly Finding[]> {
  const ask = (sql: string): Promise<readonly Row[]> => side.ask({ sql, values: [] });
  const pages = (await ask(`PRAGMA integrity_check(${MOST})`)).map((row) => String(Object.values(row)[0]));
  if (pages.join() !== 'ok') {
    return pages.map((what) => damaged(side.address, what));
  }
  const orphans = await ask('SELECT "table", rowid, parent FROM pragma_foreign_key_check LIMIT 100');
  return orphans.map((row) => ({
    rule: 'reference',
    where: `table ${String(row['table'])}, row ${String(row['rowid'])}`,
    what: `it belongs to a row of ${String(row['parent'])} that is not there`,
    remedy: 'it was written by something else than Rainbow: restore a backup, or delete the row while no server runs',
  }));
}

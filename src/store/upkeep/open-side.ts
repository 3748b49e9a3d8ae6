/**
 * Opens a store as a whole: to be read beside a server that runs, or for oneself alone while none does.
 * A server shows itself by the lock beside its file (sqlite/hold-file.ts), or by its row in `servers`.
 */
import { statSync } from 'node:fs';
import { resolve } from 'node:path';
import { RainbowError } from '../../core/errors.ts';
import type { System } from '../../system/system.ts';
import { isPostgresAddress, shownAddress } from '../address.ts';
import { MIGRATIONS } from '../migrations/index.ts';
import type { Database as PostgresDatabase } from '../postgres/database.ts';
import { Database } from '../sqlite/database.ts';
import { errorOf, failureOf, isSqliteError, primaryCode } from '../sqlite/failure.ts';
import { holdFile } from '../sqlite/hold-file.ts';
import { checkIdentity, schemaVersion } from '../sqlite/migrate.ts';
import { openDatabase } from '../sqlite/open-database.ts';
import { postgresSide } from './postgres-side.ts';
import type { Side } from './side.ts';
import { sqliteSide } from './sqlite-side.ts';

export interface OpenSide {
  readonly side: Side;
  /** Of the schema; `MIGRATIONS.length` is the newest. */
  readonly version: number;
  /** Keeps what was written. */
  readonly commit: () => Promise<void>;
  /** What was not committed is gone. */
  readonly close: () => Promise<void>;
}

const CORRUPT = 11;
const NOT_A_DATABASE = 26;
/** Milliseconds after which a server that said nothing is not alive: that of servers among themselves. */
const ALIVE = 10_000;

/** The file behind an address; throws `invalid_input` for one that is kept nowhere. */
export function fileOf(address: string): string {
  if (address === '' || address.includes('\0') || address === ':memory:') {
    throw new RainbowError('invalid_input', 'name a store that is kept: a file, or postgres://…');
  }
  return resolve(address);
}

/** What to do about a file that is none. */
const ANOTHER = 'name another with --db';

/**
 * A snapshot, beside whoever writes. Nothing is changed, not even the schema. `advice`: what to do where it is no file.
 * Throws `not_found` where there is no store, `failed_precondition` where there is something else, or a newer schema.
 */
export async function openToRead(
  address: string,
  advice = ANOTHER,
): Promise<OpenSide & { readonly database: Database | null }> {
  if (isPostgresAddress(address)) return { ...(await postgresToRead(address)), database: null };
  const path = fileOf(address);
  mustBeFile(path, advice);
  return inWords(path, async () => {
    const database = new Database(path, { readOnly: true });
    try {
      checkIdentity(database, path);
      // The first read is the moment that all others see.
      database.command('BEGIN');
      const version = schemaVersion(database);
      return {
        side: sqliteSide(database, path),
        version,
        database,
        commit: async () => database.command('COMMIT'),
        close: async () => database.close(),
      };
    } catch (error) {
      database.close();
      throw error;
    }
  });
}

function mustBeFile(path: string, advice: string): void {
  const found = statSync(path, { throwIfNoEntry: false });
  if (found === undefined) throw new RainbowError('not_found', `there is no store ${path}; ${advice}`);
  if (found.isDirectory()) throw new RainbowError('failed_precondition', `${path} is a folder; ${advice}`);
  if (!found.isFile()) throw new RainbowError('failed_precondition', `${path} is not a file; ${advice}`);
  if (found.size === 0) throw new RainbowError('not_found', `there is no store in ${path}: it is empty; ${advice}`);
}

/**
 * A store that is there, for oneself alone, on the newest schema, in one transaction that `commit` ends.
 * Throws `not_found` where there is no store, before anything is made; `failed_precondition` where a server has it.
 */
export async function openAlone(address: string, system: System, advice = ANOTHER): Promise<OpenSide> {
  if (isPostgresAddress(address)) {
    // An address with a slip in it must not become a store.
    await (await postgresToRead(address)).close();
    return openOrMake(address, system);
  }
  const path = fileOf(address);
  mustBeFile(path, advice);
  const at = Math.trunc(system.clock.now());
  return inWords(path, async () => {
    const release = holdFile(path, 'command');
    let database: Database | null = null;
    try {
      database = openDatabase(path, at);
      return { ...alone(database, path), close: async () => closed(database, release) };
    } catch (error) {
      closed(database, release);
      throw error;
    }
  });
}

/** The same of a PostgreSQL database; what is not there yet is made. */
export function openOrMake(url: string, system: System): Promise<OpenSide> {
  return postgresAlone(url, Math.trunc(system.clock.now()));
}

/** Of a file that nobody else knows. */
export function alone(database: Database, path: string): Omit<OpenSide, 'close'> {
  database.command('BEGIN IMMEDIATE');
  return {
    side: sqliteSide(database, path),
    version: MIGRATIONS.length,
    commit: async () => database.command('COMMIT'),
  };
}

function closed(database: Database | null, release: () => void): void {
  try {
    database?.close();
  } finally {
    release();
  }
}

// ── PostgreSQL ──────────────────────────────────────────────────────────────────────────────────────────────────

const PATIENT = 'SET LOCAL statement_timeout = 0; SET LOCAL idle_in_transaction_session_timeout = 0';

async function postgresToRead(url: string): Promise<OpenSide> {
  const address = shownAddress(url);
  const { Database } = await import('../postgres/database.ts');
  const { schemaVersion } = await import('../postgres/migrate.ts');
  return inPostgresWords(address, async () => {
    const database = await Database.connect(url);
    try {
      await database.command('BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY');
      await database.command(PATIENT);
      const version = await schemaVersion(database, address);
      if (version === null) {
        throw new RainbowError('not_found', `there is no store in ${address}; is it the right database and schema?`);
      }
      return { ...postgresOpen(database, address), version };
    } catch (error) {
      await database.close();
      throw error;
    }
  });
}

async function postgresAlone(url: string, at: number): Promise<OpenSide> {
  const address = shownAddress(url);
  const { openDatabase } = await import('../postgres/open-database.ts');
  return inPostgresWords(address, async () => {
    const database = await openDatabase(url, at);
    try {
      const open = postgresOpen(database, address);
      const names = (await open.side.tables()).map(({ name }) => name);
      // Locks first, then the first look: whoever had them has committed. A server that starts meanwhile waits.
      await database.command('BEGIN ISOLATION LEVEL REPEATABLE READ');
      await database.command(PATIENT);
      await database.command(`LOCK TABLE ${names.join(', ')} IN EXCLUSIVE MODE`);
      await refuseServed(database, address);
      return open;
    } catch (error) {
      await database.close();
      throw error;
    }
  });
}

function postgresOpen(database: PostgresDatabase, address: string): OpenSide {
  return {
    side: postgresSide(database, address),
    version: MIGRATIONS.length,
    commit: async () => void (await database.command('COMMIT')),
    close: () => database.close(),
  };
}

async function refuseServed(database: PostgresDatabase, address: string): Promise<void> {
  const [alive] = await database.query({
    sql: `SELECT name FROM servers WHERE seen_at > extract(epoch FROM clock_timestamp()) * 1000 - ${ALIVE} LIMIT 1`,
    values: [],
  });
  if (alive === undefined) return;
  throw new RainbowError(
    'failed_precondition',
    `a server (${String(alive['name'])}) runs on ${address}, or did ten seconds ago: stop all of them first`,
  );
}

// ── words ───────────────────────────────────────────────────────────────────────────────────────────────────────

export async function inWords<T>(path: string, act: () => Promise<T>): Promise<T> {
  try {
    return await act();
  } catch (error) {
    if (!isSqliteError(error)) throw error;
    if (primaryCode(error) === NOT_A_DATABASE) {
      throw new RainbowError('failed_precondition', `${path} is not a SQLite database, or is damaged at its very head`);
    }
    if (primaryCode(error) === CORRUPT) {
      throw new RainbowError(
        'failed_precondition',
        `${path} is damaged (${error.message}): look at the disk; a sound backup takes its place (rainbow db restore)`,
      );
    }
    throw errorOf({ ...failureOf(error), place: path });
  }
}

async function inPostgresWords<T>(address: string, act: () => Promise<T>): Promise<T> {
  const { cannotOpen, errorOf, isPostgresError } = await import('../postgres/failure.ts');
  try {
    return await act();
  } catch (error) {
    if (isPostgresError(error) && error.code.startsWith('55')) throw errorOf(error);
    throw cannotOpen(address, error);
  }
}

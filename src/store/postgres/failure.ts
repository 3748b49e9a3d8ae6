/**
 * Errors of PostgreSQL and of the way to it, as the store's callers see them. What the network, a disk, a lock or an
 * administrator did is `unavailable`: the same call may succeed later. No message holds a password.
 */
import { RainbowError } from '../../core/errors.ts';

interface PostgresError extends Error {
  /** SQLSTATE (postgresql.org/docs/current/errcodes-appendix.html). */
  readonly code: string;
  readonly severity: string;
}

/** SQLSTATEs, or their classes (the first two characters), that say: not now. */
const NOT_NOW: ReadonlyMap<string, string> = new Map([
  ['08', 'the connection to PostgreSQL failed; it is tried again with the next call'],
  ['25006', 'the database only allows reading; is this a standby? Give the address of the primary'],
  ['25P03', 'the transaction was idle for too long, and PostgreSQL ended it; ask again'],
  ['26000', 'the connection lost what it had prepared; a pooler must keep prepared statements'],
  ['28', 'PostgreSQL does not let this user in; check the user, its password and pg_hba.conf'],
  ['3D000', 'the database is not there any more'],
  ['40', 'the call met others again and again; ask again'],
  ['53', 'PostgreSQL is out of memory or connections; free some, then ask again'],
  ['53100', "PostgreSQL's disk is full; make room and ask again"],
  ['53300', 'PostgreSQL has no free connection; raise max_connections or stop a server'],
  ['55P03', 'another transaction holds what this one needs; ask again'],
  ['57', 'PostgreSQL is shutting down or starting up; ask again shortly'],
  ['57014', 'PostgreSQL canceled the call'],
  ['58', "PostgreSQL's disk or system reports an error; see its log"],
]);

/** What has a limit in PostgreSQL and none in SQLite: only this caller's input is at fault. */
const NOT_THAT: ReadonlyMap<string, string> = new Map([
  ['22021', 'a text holds a NUL character, which PostgreSQL cannot keep'],
  ['22P05', 'a text holds a character that the database cannot keep'],
  ['54', 'a text is longer than PostgreSQL can index or keep'],
]);

export function isPostgresError(error: unknown): error is PostgresError {
  return (
    error instanceof Error &&
    typeof (error as Partial<PostgresError>).severity === 'string' &&
    /^[0-9A-Z]{5}$/.test((error as Partial<PostgresError>).code ?? '')
  );
}

/** Its SQLSTATE; null for what did not come from PostgreSQL. */
export function stateOf(error: unknown): string | null {
  return isPostgresError(error) ? error.code : null;
}

/**
 * Two that came at once: the second finds what the first has made (unique violation) or misses what it has removed
 * (foreign key), and will see it when it runs again.
 */
export function isLostRace(error: unknown): boolean {
  return ['23505', '23503'].includes(stateOf(error) ?? '');
}

/** Two that waited for each other (40P01), or could not be put in an order (40001): the transaction is lost. */
export function isCollision(error: unknown): boolean {
  return stateOf(error)?.startsWith('40') === true;
}

/** Where the connection itself is gone, what was under way on it is too. */
export class ConnectionLost extends Error {
  constructor(cause: unknown) {
    super('the connection to PostgreSQL was lost', { cause });
    this.name = 'ConnectionLost';
  }
}

export function errorOf(error: unknown): RainbowError {
  if (error instanceof RainbowError) return error;
  const state = stateOf(error);
  if (state !== null) {
    const notNow = NOT_NOW.get(state) ?? NOT_NOW.get(state.slice(0, 2));
    if (notNow !== undefined) return unavailable(notNow, error);
    const notThat = NOT_THAT.get(state) ?? NOT_THAT.get(state.slice(0, 2));
    if (notThat !== undefined) return new RainbowError('invalid_input', notThat, { cause: error });
    return new RainbowError('internal', `the store failed: ${(error as Error).message} (${state})`, { cause: error });
  }
  if (error instanceof ConnectionLost) return unavailable('the connection to PostgreSQL was lost; ask again', error);
  const why = error instanceof Error ? error.message : String(error);
  return new RainbowError('internal', `the store failed: ${why}`, { cause: error });
}

/** An error that everybody in the transaction shares. Nothing of it was written. */
export function notCommitted(error: unknown): RainbowError {
  const own = errorOf(error);
  if (own.code === 'unavailable') return own;
  return unavailable(`PostgreSQL could not commit: ${own.message}; nothing was written`, error);
}

/** The connection went while COMMIT was under way: nobody knows. */
export function maybeCommitted(error: unknown): RainbowError {
  return unavailable(
    'the connection to PostgreSQL was lost during a commit: what was asked may have been done or not; look, or ask again with the same idempotency key',
    error,
  );
}

/** It was there when the store was opened, so whatever it is may pass. Where it is, is not for every caller to know. */
export function awayError(cause: unknown): RainbowError {
  return unavailable('the database cannot be reached; it is tried again with every call, so ask again shortly', cause);
}

export function closedError(): RainbowError {
  return new RainbowError('unavailable', 'the store is closed');
}

function unavailable(why: string, cause: unknown): RainbowError {
  return new RainbowError('unavailable', `the store cannot serve now: ${why}`, { cause });
}

/** SQLSTATEs at which opening fails for good, with what to do. */
const REFUSED: ReadonlyMap<string, string> = new Map([
  ['28000', 'it does not let this user in; check the user and pg_hba.conf'],
  ['28P01', 'the password is wrong or missing; give it in the address, in PGPASSWORD or in ~/.pgpass'],
  ['3D000', 'there is no such database; make it with createdb, or name another'],
  ['3F000', 'there is no schema to make tables in; see search_path'],
  ['42501', 'this user may not make tables there; GRANT CREATE ON SCHEMA public, or let it own the database'],
  ['42P07', 'it holds tables of another program; give Rainbow a database of its own'],
  ['42710', 'it holds tables of another program; give Rainbow a database of its own'],
]);

/** Why the store at `address` (without its password) cannot be opened. */
export function cannotOpen(address: string, error: unknown): RainbowError {
  if (error instanceof RainbowError) return error;
  const remedy = REFUSED.get(stateOf(error) ?? '');
  const why = error instanceof Error ? wordsOf(error) : String(error);
  if (remedy !== undefined) {
    return new RainbowError('failed_precondition', `the store ${address} cannot be opened: ${why}; ${remedy}`, {
      cause: error,
    });
  }
  return new RainbowError(
    'unavailable',
    `the store ${address} cannot be reached: ${why}; is PostgreSQL running there, and is the address right?`,
    { cause: error },
  );
}

/** A name with several addresses fails with several errors and no words of its own. */
function wordsOf(error: Error): string {
  if (error.message !== '') return error.message;
  return error instanceof AggregateError ? error.errors.map((one) => (one as Error).message).join('; ') : error.name;
}

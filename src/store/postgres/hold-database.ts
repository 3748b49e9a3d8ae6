/**
 * One server per database, until servers follow what others register: a session's advisory lock, which PostgreSQL lets
 * go of with the connection, however that ends. Where the connection breaks, so does the hold; the server goes on.
 */
import { RainbowError } from '../../core/errors.ts';
import { Database } from './database.ts';

/** Beside that of migrate.ts. */
const LOCK = 0x5241_494f;

/** Throws `failed_precondition` where another server has it, `unavailable` where nobody answers. Answers how to let go. */
export async function holdDatabase(url: string): Promise<() => Promise<void>> {
  const database = await Database.connect(url);
  const rows = await database.query({
    sql: 'SELECT pg_try_advisory_lock($1::int, hashtext(current_schema()))::text AS held',
    values: [LOCK],
  });
  if (rows[0]?.['held'] === 'true') return () => database.close();
  await database.close();
  throw new RainbowError(
    'failed_precondition',
    'another server has this database open: stop it first, or choose another database or schema',
  );
}

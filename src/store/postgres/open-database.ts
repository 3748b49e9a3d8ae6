/** Opens the database: reached, able to keep every text, on the newest schema. */
import { RainbowError } from '../../core/errors.ts';
import { shownAddress } from '../address.ts';
import { Database } from './database.ts';
import { cannotOpen } from './failure.ts';
import { migrate } from './migrate.ts';

/** Throws `unavailable` where it cannot be reached, `failed_precondition` where it must not or cannot be used. */
export async function openDatabase(url: string, at: number): Promise<Database> {
  const address = shownAddress(url);
  let database: Database | null = null;
  try {
    database = await Database.connect(url);
    await checkEncoding(database, address);
    await migrate(database, address, at);
    return database;
  } catch (error) {
    await database?.close();
    throw cannotOpen(address, error);
  }
}

async function checkEncoding(database: Database, address: string): Promise<void> {
  const [row] = await database.query({ sql: "SELECT current_setting('server_encoding') AS encoding", values: [] });
  if (row?.['encoding'] === 'UTF8') return;
  throw new RainbowError(
    'failed_precondition',
    `the database ${address} is encoded in ${String(row?.['encoding'])}; make one in UTF8 (createdb --encoding=UTF8 --template=template0)`,
  );
}

/** The channel on which the servers of this database and schema tell each other what is new (notices.ts). */
export async function channelOf(database: Database): Promise<string> {
  const [row] = await database.query({
    sql: "SELECT 'rainbow_' || substr(md5(current_schema()), 1, 12) AS channel",
    values: [],
  });
  return String(row?.['channel']);
}

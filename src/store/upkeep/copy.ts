/**
 * A whole store into another, whichever engine each is on. No server runs on either meanwhile. The rows are read in
 * the order of their keys, a bounded number of bytes at a time, written, and then read again from where they were
 * written: only where counts and checksums of both sides are equal does the new store become one. On PostgreSQL that is
 * the COMMIT, in SQLite the name of the file; whatever stops it before leaves nothing that a server would take.
 */
import { rmSync, statSync } from 'node:fs';
import { RainbowError } from '../../core/errors.ts';
import type { System } from '../../system/system.ts';
import { isPostgresAddress, shownAddress } from '../address.ts';
import { holdFile } from '../sqlite/hold-file.ts';
import { openDatabase } from '../sqlite/open-database.ts';
import { differences, digestOf, RowsDigest, together, type Digest } from './digest.ts';
import { makeDraft, nameOfDraft, putInPlace } from './draft.ts';
import { alone, fileOf, inWords, openAlone, openOrMake, type OpenSide } from './open-side.ts';
import { batchesOf, contentOf, type Pace, type Side, type Table } from './side.ts';
import type { Row } from '../operations/statement.ts';

export interface Copied {
  readonly from: string;
  readonly to: string;
  /** The same on both sides. */
  readonly digest: Digest;
}

/**
 * Errors: `failed_precondition` where a server has one of them, or the target is not empty; `invalid_input` for what
 * the target cannot keep; `unavailable` where a side fails, or what was written is not what was read.
 */
export async function copyStore(from: string, to: string, system: System, pace: Pace): Promise<Copied> {
  if (from === to || (!isPostgresAddress(from) && !isPostgresAddress(to) && fileOf(from) === fileOf(to))) {
    throw new RainbowError('invalid_input', 'from and to are the same store');
  }
  const source = await openAlone(from, system, 'name another with --from');
  try {
    const target = await openTarget(to, system);
    try {
      const digest = await write(source.side, target.side, pace);
      const wrong = differences(digest, await digestOf(target.side, pace, 'reading the copy'));
      if (wrong.length > 0) {
        throw new RainbowError('unavailable', `the copy is not what was read: ${wrong.slice(0, 3).join('; ')}`);
      }
      await target.commit();
      return { from: shownAddress(from), to: shownAddress(to), digest };
    } finally {
      await target.close();
    }
  } finally {
    await source.close();
  }
}

async function write(source: Side, target: Side, pace: Pace): Promise<Digest> {
  const theirs = new Map((await contentOf(target)).map((table) => [table.name, table]));
  const digests = [];
  // 1. Rows, what others refer to first.
  for (const table of await contentOf(source)) {
    const digest = new RowsDigest(table);
    const into = theirs.get(table.name);
    if (into === undefined) throw new RainbowError('internal', `${target.address} has no table ${table.name}`);
    let rows = 0;
    for await (const batch of batchesOf(source, table, pace)) {
      for (const row of batch) digest.add(row);
      await insert(target, into, batch);
      pace.tell(`copying: ${table.name}, ${(rows += batch.length)} rows`);
    }
    digests.push(digest.end());
  }
  // 2. Numbers go on where they were, also past rows that were deleted.
  const numbers = await source.numbers();
  for (const [table, newest] of numbers) if (newest > 0) await target.setNumber(table, newest);
  return together(digests);
}

async function insert(target: Side, table: Table, rows: readonly Row[]): Promise<void> {
  try {
    await target.insert(table, rows);
  } catch (error) {
    if (target.kind !== 'postgres') throw error;
    const { errorOf } = await import('../postgres/failure.ts');
    const why = errorOf(error);
    const keyOf = (row: Row | undefined): string => table.key.map((column) => String(row?.[column])).join(' ');
    const where = `table ${table.name}, rows ${keyOf(rows[0])} to ${keyOf(rows.at(-1))}`;
    throw new RainbowError(why.code, why.message, { place: where, cause: error });
  }
}

// ── the target ──────────────────────────────────────────────────────────────────────────────────────────────────

async function openTarget(to: string, system: System): Promise<OpenSide> {
  if (!isPostgresAddress(to)) return newFile(fileOf(to), system);
  const open = await openOrMake(to, system);
  try {
    await refuseFilled(open.side);
    // What a server has noted of itself at its first start gives way to what the source has.
    await open.side.ask({ sql: `DELETE FROM ${SETTINGS}`, values: [] });
    return open;
  } catch (error) {
    await open.close();
    throw error;
  }
}

/** All that an empty store may have: a server started on it once. */
const SETTINGS = 'settings';

async function refuseFilled(side: Side): Promise<void> {
  for (const { name } of await contentOf(side)) {
    if (name === SETTINGS) continue;
    const rows = await side.ask({ sql: `SELECT 1 AS found FROM ${name} LIMIT 1`, values: [] });
    if (rows.length === 0) continue;
    throw new RainbowError(
      'failed_precondition',
      `${side.address} is not empty (table ${name}): give a new database, or a schema of its own (?options=-csearch_path%3DNAME); or, if nothing in it is needed, drop that database or schema, and make it anew`,
    );
  }
}

/** Held against servers from now on; it gets its name with `commit`. */
async function newFile(file: string, system: System): Promise<OpenSide> {
  refuseThere(file);
  const release = holdFile(file, 'command');
  const draft = nameOfDraft(file, system);
  const clean = (): void => {
    for (const leftover of [draft, `${draft}-wal`, `${draft}-shm`, `${draft}-journal`])
      rmSync(leftover, { force: true });
    release();
  };
  try {
    makeDraft(draft);
    const database = await inWords(draft, async () => openDatabase(draft, Math.trunc(system.clock.now())));
    // Nobody looks at it before it is done and synced.
    database.execute('PRAGMA journal_mode = DELETE; PRAGMA synchronous = OFF');
    const open = alone(database, draft);
    let isOpen = true;
    const close = (): void => {
      if (isOpen) database.close();
      isOpen = false;
    };
    return {
      ...open,
      async commit() {
        await inWords(draft, () => open.commit());
        close();
        refuseThere(file);
        putInPlace(draft, file);
      },
      async close() {
        close();
        clean();
      },
    };
  } catch (error) {
    clean();
    throw error;
  }
}

function refuseThere(file: string): void {
  if (statSync(file, { throwIfNoEntry: false }) === undefined) return;
  throw new RainbowError('failed_precondition', `${file} is there already: name a new file, or move it away`);
}

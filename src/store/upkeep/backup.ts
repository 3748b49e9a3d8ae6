/**
 * A backup of the embedded store while a server runs: the pages that one read transaction sees, copied into a file of
 * another name, which gets its own name only when it is complete, proven equal to what was read, and on the disk.
 * What `check.ts` finds in it is told: a store with faults has a backup with the same faults.
 * The server is not held up: readers and the writer of a write-ahead log do not wait for each other; but its log grows
 * until the copy is done.
 */
import { existsSync, realpathSync, rmSync, statSync } from 'node:fs';
import { basename, dirname, join, resolve } from 'node:path';
import { RainbowError } from '../../core/errors.ts';
import { isoOf } from '../../core/iso-time.ts';
import type { System } from '../../system/system.ts';
import { isPostgresAddress } from '../address.ts';
import { Database } from '../sqlite/database.ts';
import { checkStore } from './check.ts';
import { differences, digestOf, type Digest } from './digest.ts';
import { makeDraft, nameOfDraft, putInPlace } from './draft.ts';
import type { Finding } from './finding.ts';
import { fileOf, inWords, openToRead } from './open-side.ts';
import { BACKED_UP_AT } from './rewind.ts';
import type { Pace, Side } from './side.ts';
import { sqliteSide } from './sqlite-side.ts';

export interface Backup {
  readonly store: string;
  readonly file: string;
  readonly bytes: number;
  /** Milliseconds since 1970. */
  readonly at: number;
  readonly digest: Digest;
  /** Faults of the store, which its backup has as well; none: it is sound. */
  readonly findings: readonly Finding[];
}

/**
 * `to`: a file, or a folder to put one into whose name has the time.
 * Errors: `already_exists` without `force`; `not_found`, `failed_precondition` for a store that is none;
 * `unavailable` where the copy cannot be written, or is not what was read.
 */
export async function backupStore(
  address: string,
  to: string,
  options: { readonly force?: boolean },
  system: System,
  pace: Pace,
): Promise<Backup> {
  if (isPostgresAddress(address)) {
    throw new RainbowError(
      'invalid_input',
      'a PostgreSQL database is backed up by pg_dump, or by what its operator has for it; to make a file of it, stop the servers and use: rainbow db copy',
      { place: '--db' },
    );
  }
  const at = Math.trunc(system.clock.now());
  const store = fileOf(address);
  const file = targetOf(to, at);
  refuseTarget(store, file, options.force === true);
  const draft = nameOfDraft(file, system);
  try {
    // 1. The same pages.
    const digest = await copied(address, draft, pace, at);
    // 2. Are they sound? The store's log need not wait for that.
    const findings = await faultsOf(draft, pace);
    // 3. Its name.
    putInPlace(draft, file);
    return { store, file, bytes: statSync(file).size, at, digest, findings };
  } finally {
    for (const leftover of [draft, `${draft}-wal`, `${draft}-shm`, `${draft}-journal`])
      rmSync(leftover, { force: true });
  }
}

async function copied(address: string, draft: string, pace: Pace, at: number): Promise<Digest> {
  const { side, database, close } = await openToRead(address);
  try {
    if (database === null) throw new RainbowError('internal', 'a file without a database');
    // As they are at this moment.
    makeDraft(draft);
    await inWords(draft, () =>
      database.copyTo(draft, (done, all) => pace.tell(`copying: ${Math.floor((100 * done) / Math.max(1, all))} %`)),
    );
    await pace.breathe();
    return await proven(side, draft, pace, at);
  } finally {
    await close();
  }
}

/** Throws `unavailable` where the file itself is damaged. */
async function faultsOf(draft: string, pace: Pace): Promise<readonly Finding[]> {
  const { findings } = await checkStore(draft, pace);
  const broken = findings.filter(({ rule }) => rule === 'integrity' || rule === 'reference');
  if (broken.length > 0) throw notSound(broken.map(({ what }) => what));
  // An older schema is no fault: restoring it brings it forward.
  return findings.filter(({ rule }) => rule !== 'schema');
}

function notSound(wrong: readonly string[]): RainbowError {
  return new RainbowError(
    'unavailable',
    `the copy is not sound, and was thrown away: ${wrong.slice(0, 3).join('; ')}. Look at the store with "rainbow db check", and at the disk`,
  );
}

function targetOf(to: string, at: number): string {
  const path = resolve(to);
  if (statSync(path, { throwIfNoEntry: false })?.isDirectory() !== true) {
    if (to.endsWith('/')) throw new RainbowError('not_found', `there is no folder ${path}; make it first`);
    return path;
  }
  return join(path, `rainbow-${isoOf(at).replace(/\.\d+/, '').replaceAll(/[-:]/g, '')}.db`);
}

function refuseTarget(store: string, file: string, force: boolean): void {
  const folder = dirname(file);
  if (!existsSync(folder)) throw new RainbowError('not_found', `there is no folder ${folder}; make it first`);
  const real = join(realpathSync(folder), basename(file));
  const own = existsSync(store) ? realpathSync(store) : store;
  if (
    [own, `${own}-wal`, `${own}-shm`, `${own}.lock`, `${own}.lock-journal`].includes(
      existsSync(real) ? realpathSync(real) : real,
    )
  ) {
    throw new RainbowError('invalid_input', `${file} belongs to the store itself; name another file for its backup`);
  }
  if (!existsSync(file)) return;
  if (!statSync(file).isFile()) throw new RainbowError('failed_precondition', `${file} is not a file; name another`);
  if (!force) throw new RainbowError('already_exists', `${file} is there already; --force replaces it`);
}

/** Compares the copy with what it was made from, and notes in it when that was. */
async function proven(original: Side, draft: string, pace: Pace, at: number): Promise<Digest> {
  const digest = await digestOf(original, pace, 'reading');
  return inWords(draft, async () => {
    const copy = new Database(draft);
    try {
      // A file of its own, with no log beside it.
      copy.execute('PRAGMA journal_mode = DELETE; PRAGMA synchronous = FULL');
      const side = sqliteSide(copy, draft);
      const wrong = differences(digest, await digestOf(side, pace, 'reading the copy'));
      if (wrong.length > 0) throw notSound(wrong);
      copy.query({
        sql: 'INSERT INTO settings (key, value) VALUES (?, ?) ON CONFLICT (key) DO UPDATE SET value = excluded.value',
        values: [BACKED_UP_AT, String(at)],
      });
      return digest;
    } finally {
      copy.close();
    }
  });
}

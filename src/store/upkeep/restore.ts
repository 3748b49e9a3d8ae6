/**
 * Puts a backup in the place of the embedded store. The store that was there is kept aside; the new one is complete, on
 * the disk, and has been told that time has passed (rewind.ts) before it gets the name. Nothing is done to a store that
 * a server has open, nor with a backup that is not sound.
 */
import { existsSync, linkSync, mkdirSync, renameSync, rmSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { RainbowError } from '../../core/errors.ts';
import { isoOf } from '../../core/iso-time.ts';
import type { System } from '../../system/system.ts';
import { isPostgresAddress } from '../address.ts';
import { Database } from '../sqlite/database.ts';
import { holdFile } from '../sqlite/hold-file.ts';
import { openDatabase } from '../sqlite/open-database.ts';
import { makeDraft, nameOfDraft, putInPlace, sync } from './draft.ts';
import { engineFindings } from './integrity.ts';
import { alone, fileOf, inWords, openAlone, openToRead } from './open-side.ts';
import { rewind, type Rewound } from './rewind.ts';
import type { Pace } from './side.ts';

export interface Restored extends Rewound {
  readonly store: string;
  readonly backup: string;
  /** Where the store is that was there before; null: there was none. */
  readonly keptAside: string | null;
}

/**
 * Errors: `not_found` for a backup that is not there; `failed_precondition` for one that is damaged, no store of
 * Rainbow, or of a newer schema, and where a server has the store.
 */
export async function restoreStore(backup: string, address: string, system: System, pace: Pace): Promise<Restored> {
  if (isPostgresAddress(address)) {
    throw new RainbowError(
      'invalid_input',
      'a PostgreSQL database is put back by PostgreSQL’s own means; afterwards tell Rainbow: rainbow db restore --already --db …',
      { place: '--db' },
    );
  }
  const store = fileOf(address);
  if (resolve(backup) === store) {
    throw new RainbowError('invalid_input', `${store} is the store itself; to tell it that it was put back: --already`);
  }
  const now = Math.trunc(system.clock.now());
  mkdirSync(dirname(store), { recursive: true, mode: 0o700 });
  const from = await openToRead(backup, 'name the file that "rainbow db backup" made');
  const draft = nameOfDraft(store, system);
  let release: (() => void) | null = null;
  try {
    release = holdFile(store, 'command');
    // 1. Is the backup sound?
    pace.tell('checking the backup');
    await pace.breathe();
    const [finding] = await inWords(backup, () => engineFindings(from.side));
    if (finding !== undefined) {
      throw new RainbowError('failed_precondition', `${backup} is damaged: ${finding.what}; take an older backup`);
    }
    // 2. A copy of it, brought forward and told.
    makeDraft(draft);
    await inWords(draft, async () =>
      from.database?.copyTo(draft, (done, all) =>
        pace.tell(`copying: ${Math.floor((100 * done) / Math.max(1, all))} %`),
      ),
    );
    await pace.breathe();
    const rewound = await inWords(draft, () => told(draft, now));
    // 3. The names.
    const keptAside = putAside(store, now);
    putInPlace(draft, store);
    return { ...rewound, store, backup: resolve(backup), keptAside };
  } finally {
    await from.close();
    release?.();
    for (const leftover of [draft, `${draft}-wal`, `${draft}-shm`, `${draft}-journal`])
      rmSync(leftover, { force: true });
  }
}

/** For a store that other means have put back: only what has to be told. */
export async function rewindStore(address: string, system: System): Promise<Rewound> {
  const open = await openAlone(address, system);
  try {
    const rewound = await rewind(open.side, Math.trunc(system.clock.now()));
    await open.commit();
    return rewound;
  } finally {
    await open.close();
  }
}

async function told(draft: string, now: number): Promise<Rewound> {
  const database = openDatabase(draft, now);
  try {
    const open = alone(database, draft);
    const rewound = await rewind(open.side, now);
    await open.commit();
    // No log beside it, which would have to be renamed together with it.
    database.execute('PRAGMA journal_mode = DELETE');
    return rewound;
  } finally {
    database.close();
  }
}

/**
 * A second name for what is there, so that there is a store under the first at every moment. Its log, if it is not
 * empty, goes along: without it the file would miss what was committed last, and the new one must not find it.
 */
function putAside(store: string, now: number): string | null {
  if (!existsSync(store)) return null;
  foldLog(store);
  const aside = `${store}.before-restore-${isoOf(now).replaceAll(/[-:]/g, '')}`;
  for (const log of ['-wal', '-shm']) {
    if (existsSync(store + log)) renameSync(store + log, aside + log);
  }
  try {
    linkSync(store, aside);
  } catch {
    // A file system without second names.
    renameSync(store, aside);
  }
  sync(dirname(store));
  return aside;
}

/** A store that is too damaged for it keeps its log. */
function foldLog(store: string): void {
  try {
    const database = new Database(store);
    try {
      // Whoever still reads of it keeps the log alive, and is not waited for.
      database.execute('PRAGMA busy_timeout = 0; PRAGMA wal_checkpoint(TRUNCATE)');
    } finally {
      database.close();
    }
  } catch {
    // It is kept aside as it is.
  }
}

/** A backup in the place of the store: what was there is kept, and what may have run since waits. */
import { cpSync, existsSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterAll, beforeAll, beforeEach, describe, expect, onTestFinished, test } from 'vitest';
import { skipWithout } from '../../../test/needs.ts';
import { realSystem } from '../../system/real.ts';
import { errorFrom, named, register, submit } from '../conformance/fixtures.ts';
import { openStore } from '../open.ts';
import type { JobRecord, Store } from '../store.ts';
import { localPostgres } from '../testing/postgres.ts';
import { backupStore } from './backup.ts';
import { checkStore } from './check.ts';
import { copyStore } from './copy.ts';
import { restoreStore, rewindStore } from './restore.ts';
import { fillStore } from './testing/fill-store.ts';
import { patient } from './testing/patient.ts';

let made: string;
let jobs: readonly JobRecord[];
beforeAll(async () => {
  made = mkdtempSync(join(tmpdir(), 'rainbow-restore-'));
  const path = join(made, 'rainbow.db');
  const store = await openStore(path, realSystem);
  ({ jobs } = await fillStore(store));
  await backupStore(path, join(made, 'backup.db'), {}, realSystem, patient);
  await submit(store, { name: 'later' });
  await register(store, 'later');
  await store.close();
});
afterAll(() => rmSync(made, { recursive: true, force: true }));

let folder: string;
let path: string;
let backup: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'rainbow-restore-'));
  path = join(folder, 'rainbow.db');
  backup = join(folder, 'backup.db');
  for (const name of ['rainbow.db', 'backup.db']) cpSync(join(made, name), join(folder, name));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
});

const restore = (from = backup) => restoreStore(from, path, realSystem, patient);

async function opened(url = path): Promise<Store> {
  const store = await openStore(url, realSystem);
  onTestFinished(() => store.close());
  return store;
}

/** Where each job is that `fillStore` had brought to `was`, and why. */
async function standing(store: Store) {
  const now = await store.jobs.many(jobs.map(({ id }) => id));
  return jobs.map(({ id, state }) => {
    const job = now.find((each) => each.id === id)!;
    return [state, job.state, job.reason.code, job.waits & 1, job.epoch];
  });
}

const EXPECTED = [
  ['pending', 'pending', 'restored', 1, 1],
  ['assigned', 'pending', 'restored', 1, 1],
  ['received', 'pending', 'restored', 1, 1],
  ['accepted', 'unknown', 'restored', 0, 1],
  ['running', 'unknown', 'restored', 0, 1],
  ['unknown', 'unknown', 'restored', 0, 1],
  ['completed', 'completed', 'started', 0, 1],
  ['failed', 'failed', 'started', 0, 1],
  ['assigned', 'pending', 'restored', 1, 3],
  ['canceled', 'canceled', 'started', 0, 1],
  ['rejected', 'rejected', 'started', 0, 1],
];

test('what had not ended waits, what had ended is as it was, and it is sound', async () => {
  const { held, unknown, nextJob, keptAside } = await restore();
  expect((await checkStore(path, patient)).findings).toEqual([]);
  const store = await opened();
  expect(await standing(store)).toEqual(EXPECTED);
  expect(await store.jobs.pending(9)).toEqual([]);
  expect(await store.clusters.get('later')).toBeNull();
  // Those of the arrays among them.
  expect([held, unknown]).toEqual([10, 3]);
  expect(Number((await submit(store)).id)).toBe(nextJob);
  // A person lets one go.
  const released = await store.jobs.release(jobs[1]!.id, 9_000);
  expect(released).toMatchObject({ waits: 0, state: 'pending' });
  // What was there is there still, with the last that was written.
  const before = await opened(keptAside!);
  expect((await before.jobs.list({ limit: 1 }))[0]).toMatchObject({ name: 'later' });
});

test('numbers that may have been given since are not given again, and who followed events is told', async () => {
  const elapsed = 50_000_000;
  const later = { ...realSystem, clock: { ...realSystem.clock, now: () => realSystem.clock.now() + elapsed } };
  const { nextJob, nextEvent } = await restoreStore(backup, path, later, patient);
  expect(nextJob).toBeGreaterThan(elapsed);
  expect(nextEvent).toBeGreaterThan(10 * elapsed);
  const store = await opened();
  const pruned = await store.retention.prunedEvents();
  expect(pruned).toBeGreaterThan(10 * elapsed);
  const told = await store.events.after(pruned, 99);
  expect(told.map(({ kind, reason }) => `${kind} ${reason?.code}`)).toContain('unknown restored');
  await submit(store);
  expect((await store.events.after(0, 999)).at(-1)?.seq).toBe(nextEvent);
});

test('a store that a server has is left alone', async () => {
  const server = await openStore(path, realSystem, { alone: true });
  onTestFinished(() => server.close());
  expect(await errorFrom(restore())).toMatchObject({
    code: 'failed_precondition',
    message: expect.stringMatching(/^a server \(.*stop it first$/),
  });
  expect((await server.jobs.list({ limit: 1 }))[0]).toMatchObject({ name: 'later' });
  expect(readdirSync(folder).some((name) => name.includes('.part'))).toBe(false);
});

test('a backup that is damaged, newer, of something else or not there changes nothing', async () => {
  const before = readFileSync(path);
  const damaged = join(folder, 'damaged.db');
  cpSync(backup, damaged);
  const file = new DatabaseSync(damaged);
  file.exec('PRAGMA foreign_keys = OFF; DELETE FROM clusters');
  file.close();
  const newer = join(folder, 'newer.db');
  cpSync(backup, newer);
  const future = new DatabaseSync(newer);
  future.exec(`INSERT INTO schema_versions VALUES (999, 'future', 1)`);
  future.close();
  writeFileSync(join(folder, 'empty'), '');
  writeFileSync(join(folder, 'text'), 'not a database, but long enough to be read as one'.repeat(100));
  const cases = [
    [damaged, /is damaged.*older backup/],
    [newer, /newer Rainbow/],
    [join(folder, 'text'), /not a SQLite database/],
    [join(folder, 'none'), /there is no store.*name the file that "rainbow db backup" made/],
    [folder, /is a folder; name the file that/],
    [join(folder, 'empty'), /it is empty/],
    [path, /is the store itself/],
  ] as const;
  for (const [from, message] of cases) expect((await errorFrom(restore(from))).message).toMatch(message);
  expect(readFileSync(path).equals(before)).toBe(true);
  expect(readdirSync(folder).filter((name) => name.includes('before-restore') || name.includes('.part'))).toEqual([]);
});

test('a store whose server was killed is kept with its log; where there was none, one is made', async () => {
  // A log that no close has folded into the file.
  const writer = new DatabaseSync(path);
  writer.exec(
    `PRAGMA journal_mode = WAL; PRAGMA wal_autocheckpoint = 0; INSERT INTO settings VALUES ('last', 'words')`,
  );
  const reader = new DatabaseSync(path);
  reader.exec('BEGIN; SELECT * FROM settings');
  const { keptAside } = await restore();
  reader.close();
  writer.close();
  const kept = new DatabaseSync(keptAside!);
  expect(kept.prepare(`SELECT value FROM settings WHERE key = 'last'`).get()).toEqual({ value: 'words' });
  kept.close();
  expect(existsSync(`${path}-wal`)).toBe(false);
  expect((await checkStore(path, patient)).findings).toEqual([]);

  const elsewhere = join(folder, 'new', 'rainbow.db');
  expect(await restoreStore(backup, elsewhere, realSystem, patient)).toMatchObject({
    keptAside: null,
    store: elsewhere,
  });
  expect((await checkStore(elsewhere, patient)).findings).toEqual([]);
});

const { postgres, missing } = await localPostgres();
afterAll(() => postgres?.remove());

describe.skipIf(skipWithout('postgres', missing))('on PostgreSQL', () => {
  test('a database without a store is refused, and stays without one', async () => {
    const url = await postgres!.newDatabase('empty');
    for (const call of [() => rewindStore(url, realSystem), () => copyStore(url, `${path}.to`, realSystem, patient)]) {
      expect(await errorFrom(call())).toMatchObject({
        code: 'not_found',
        message: expect.stringMatching(/^there is no store in .*right database and schema/),
      });
    }
    expect(await errorFrom(checkStore(url, patient))).toMatchObject({ code: 'not_found' });
  });

  test('a database that other means have put back is told the same', async () => {
    const url = await postgres!.newDatabase('empty');
    await copyStore(backup, url, realSystem, patient);
    const { nextJob, nextEvent } = await rewindStore(url, realSystem);
    expect((await checkStore(url, patient)).findings).toEqual([]);
    const store = await opened(url);
    expect(await standing(store)).toEqual(EXPECTED);
    expect(Number((await submit(store)).id)).toBe(nextJob);
    expect((await store.events.after(0, 999)).at(-1)?.seq).toBe(nextEvent);
    expect(await named(store, 'red')).toMatchObject({ name: 'red' });
  });
});

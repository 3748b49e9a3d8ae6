/** A backup is true at one moment, however much is written meanwhile, and never half there. */
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterAll, beforeAll, beforeEach, expect, onTestFinished, test } from 'vitest';
import { realSystem } from '../../system/real.ts';
import { errorFrom, submit } from '../conformance/fixtures.ts';
import { openStore } from '../open.ts';
import type { Store } from '../store.ts';
import { backupStore } from './backup.ts';
import { checkStore } from './check.ts';
import { fillStore } from './testing/fill-store.ts';
import { patient, stoppingAt } from './testing/patient.ts';

let made: string;
beforeAll(async () => {
  made = mkdtempSync(join(tmpdir(), 'rainbow-backup-'));
  const filled = await openStore(join(made, 'rainbow.db'), realSystem);
  await fillStore(filled);
  await filled.close();
});
afterAll(() => rmSync(made, { recursive: true, force: true }));

let folder: string;
let path: string;
let store: Store;
beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'rainbow-backup-'));
  path = join(folder, 'rainbow.db');
  cpSync(join(made, 'rainbow.db'), path);
  store = await openStore(path, realSystem, { alone: true });
  onTestFinished(async () => {
    await store.close();
    rmSync(folder, { recursive: true, force: true });
  });
});

const backup = (to: string, force = false, pace = patient) => backupStore(path, to, { force }, realSystem, pace);

test('while jobs are submitted: all that was answered before is there, and nothing by half', async () => {
  const over = new AbortController();
  const answered: number[] = [];
  const writing = Promise.all(
    Array.from({ length: 8 }, async () => {
      while (!over.signal.aborted) answered.push(Number((await submit(store, { decision: '{}' })).id));
    }),
  );
  const before = await submit(store);
  const to = join(folder, 'backup.db');
  const pace = { tell() {}, breathe: () => new Promise<void>((resolve) => setTimeout(resolve, 2)) };
  const { digest, bytes, findings } = await backup(to, false, pace);
  expect(findings).toEqual([]);
  over.abort();
  await writing;
  expect(answered.length).toBeGreaterThan(50);
  expect(bytes).toBe(statSync(to).size);
  expect(statSync(to).mode & 0o777).toBe(0o600);

  const jobs = digest.tables.find(({ table }) => table === 'jobs')!.rows;
  const file = new DatabaseSync(to, { readOnly: true });
  expect(file.prepare('SELECT COUNT(*) AS jobs, MAX(id) >= ? AS ours FROM jobs').get(Number(before.id))).toEqual({
    jobs,
    ours: 1,
  });
  expect(file.prepare(`SELECT value FROM settings WHERE key = 'backed_up_at'`).get()).toBeDefined();
  file.close();
  expect((await checkStore(to, patient)).findings).toEqual([]);
  expect(jobs).toBeLessThan((await store.jobs.list({ limit: 100_000 })).length + 20);
  // No log beside it: one file is all of it.
  expect(readdirSync(folder).filter((name) => name.startsWith('backup'))).toEqual(['backup.db']);
});

test('into a folder it gets a name with the time; what is there is replaced only with force', async () => {
  const { file } = await backup(folder);
  expect(file).toMatch(/\/rainbow-\d{8}T\d{6}Z\.db$/);
  const mine = join(folder, 'mine');
  writeFileSync(mine, 'mine');
  expect(await errorFrom(backup(mine))).toMatchObject({
    code: 'already_exists',
    message: expect.stringContaining('--force'),
  });
  expect(readFileSync(mine, 'utf8')).toBe('mine');
  await backup(mine, true);
  expect((await checkStore(mine, patient)).findings).toEqual([]);
});

test('stopped anywhere, nothing is left, and what was there stays', async () => {
  const kept = join(folder, 'kept');
  writeFileSync(kept, 'yesterday');
  const before = readdirSync(folder).toSorted();
  for (const breath of [1, 4, 9]) await expect(backup(kept, true, stoppingAt(breath))).rejects.toThrow('stopped');
  expect(readFileSync(kept, 'utf8')).toBe('yesterday');
  expect(readdirSync(folder).toSorted()).toEqual(before);
});

test('the store itself, what is no file, a folder that is not there and PostgreSQL are refused', async () => {
  mkdirSync(join(folder, 'here'));
  symlinkSync(path, join(folder, 'link'));
  const cases = [
    [path, 'invalid_input'],
    [`${path}-wal`, 'invalid_input'],
    [`${path}.lock-journal`, 'invalid_input'],
    [join(folder, 'link'), 'invalid_input'],
    [join(folder, 'no', 'x.db'), 'not_found'],
    [`${join(folder, 'no')}/`, 'not_found'],
  ] as const;
  for (const [to, code] of cases) expect(await errorFrom(backup(to, true))).toMatchObject({ code });
  const to = join(folder, 'b.db');
  expect(await errorFrom(backupStore('postgres://x@h/d', to, {}, realSystem, patient))).toMatchObject({
    code: 'invalid_input',
    message: expect.stringContaining('pg_dump'),
  });
  expect(await errorFrom(backupStore(':memory:', to, {}, realSystem, patient))).toMatchObject({
    code: 'invalid_input',
  });
  expect(await errorFrom(backupStore(join(folder, 'none'), to, {}, realSystem, patient))).toMatchObject({
    code: 'not_found',
  });
  expect(existsSync(to)).toBe(false);
});

test('a store with faults has a backup, and what is wrong with both is told', async () => {
  await store.close();
  const file = new DatabaseSync(path);
  file.exec('DELETE FROM cluster_graphs');
  file.close();
  const to = join(folder, 'b.db');
  const { findings } = await backup(to);
  expect(findings.length).toBeGreaterThan(0);
  expect(findings).toEqual((await checkStore(path, patient)).findings);
  expect(existsSync(to)).toBe(true);
});

test('a store that is damaged is not passed off as a backup', async () => {
  await store.close();
  const file = new DatabaseSync(path);
  file.exec('PRAGMA foreign_keys = OFF; DELETE FROM clusters');
  file.close();
  expect(await errorFrom(backup(join(folder, 'b.db')))).toMatchObject({
    code: 'unavailable',
    message: expect.stringMatching(/not sound.*rainbow db check/s),
  });
  expect(readdirSync(folder).filter((name) => name.startsWith('b.db'))).toEqual([]);
});

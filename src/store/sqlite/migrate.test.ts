import { existsSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { beforeEach, expect, onTestFinished, test } from 'vitest';
import { JOB_STATES } from '../../core/job/state.ts';
import { realSystem } from '../../system/real.ts';
import { lifecycle } from '../migrations/0002-lifecycle.ts';
import { dependencyKinds } from '../migrations/0012-dependency-kinds.ts';
import { MIGRATIONS } from '../migrations/index.ts';
import { SQLITE_WORDS, type Migration } from '../migrations/migration.ts';
import { openStore } from '../open.ts';
import { sqliteSchema } from '../testing/schema.ts';
import { migrate } from './migrate.ts';
import { openDatabase } from './open-database.ts';

let folder: string;
let path: string;
const NEWEST = MIGRATIONS.length;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'rainbow-migrate-'));
  path = join(folder, 'rainbow.db');
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
});

/** With a plain connection, as another program would. */
function plainly<T>(use: (database: DatabaseSync) => T): T {
  const database = new DatabaseSync(path);
  try {
    return use(database);
  } finally {
    database.close();
  }
}

test('migrations are numbered from 1 without holes', () => {
  expect(MIGRATIONS.map(({ number }) => number)).toEqual(MIGRATIONS.map((_, index) => index + 1));
});

test('a new file is private, durable, marked as ours, and notes when it was made', () => {
  const database = openDatabase(path, 1234);
  const pragma = (name: string): unknown => database.query({ sql: `PRAGMA ${name}`, values: [] })[0]?.[name];
  expect([pragma('journal_mode'), pragma('synchronous'), pragma('foreign_keys'), pragma('application_id')]).toEqual([
    'wal',
    2,
    1,
    0x52424f57,
  ]);
  expect(statSync(path).mode & 0o777).toBe(0o600);
  expect(statSync(`${path}-wal`).mode & 0o777).toBe(0o600);
  database.close();
  expect(plainly((other) => other.prepare('SELECT * FROM schema_versions').all())).toEqual(
    MIGRATIONS.map(({ number, name }) => ({ number, name, applied_at: 1234 })),
  );
});

test('the schema is the one that is checked in', async () => {
  openDatabase(path, 0).close();
  const schema = await plainly((other) => sqliteSchema((sql) => other.prepare(sql).all()));
  await expect(schema).toMatchFileSnapshot('../migrations/schema.sqlite.sql');
});

test('the states of the schema are the states of the table', () => {
  openDatabase(path, 0).close();
  const sql = plainly((other) =>
    String(other.prepare(`SELECT sql FROM sqlite_schema WHERE name = 'jobs'`).get()?.['sql']),
  );
  for (const state of JOB_STATES) expect(sql).toContain(`'${state}'`);
});

test('the schema itself refuses a state that is none, and an end without an end time', () => {
  openDatabase(path, 0).close();
  const insert = (state: string, endedAt: number | null) => (): unknown =>
    plainly((other) =>
      other
        .prepare(
          `INSERT INTO jobs (name, owner, priority, walltime, on_cluster_loss, submitted_at, state, reason_code,
             reason_message, epoch, ended_at) VALUES ('a', 'o', 0, 1, 'wait', 1, ?, 'submitted', '', 1, ?)`,
        )
        .run(state, endedAt),
    );
  expect(insert('queued', null)).toThrow(/CHECK/);
  expect(insert('failed', null)).toThrow(/CHECK/);
  expect(insert('pending', 5)).toThrow(/CHECK/);
  expect(insert('running', null)).toThrow(/CHECK/);
  expect(insert('failed', 5)).not.toThrow();
});

test('an older schema is brought forward, step by step, once', () => {
  const database = openDatabase(path, 1);
  const second: Migration = {
    number: NEWEST + 1,
    name: 'second',
    statements: ({ integer }) => [`ALTER TABLE settings ADD COLUMN at ${integer}`],
  };
  migrate(database, path, 2, [...MIGRATIONS, second]);
  migrate(database, path, 3, [...MIGRATIONS, second]);
  expect(database.query({ sql: 'SELECT number, applied_at FROM schema_versions ORDER BY number', values: [] })).toEqual(
    [...MIGRATIONS, second].map(({ number }) => ({ number, applied_at: number > NEWEST ? 2 : 1 })),
  );
  database.close();
});

test('what jobs depended on before there were other kinds is kept', () => {
  const database = openDatabase(':memory:', 1);
  for (const sql of ['DROP TABLE dependencies', 'DROP INDEX arrays_open']) database.query({ sql, values: [] });
  const before = lifecycle.statements(SQLITE_WORDS).filter((sql) => sql.includes(' dependencies'));
  for (const sql of before) database.query({ sql, values: [] });
  database.query({ sql: `INSERT INTO dependencies VALUES (2, 1, 'afterok')`, values: [] });
  for (const sql of dependencyKinds.statements(SQLITE_WORDS)) database.query({ sql, values: [] });
  expect(database.query({ sql: 'SELECT * FROM dependencies', values: [] })).toEqual([
    { job_id: 2, on_id: 1, kind: 'afterok', minutes: 0 },
  ]);
  database.close();
});

test('a migration that fails leaves the schema as it was', () => {
  const database = openDatabase(path, 1);
  const broken: Migration = {
    number: NEWEST + 1,
    name: 'broken',
    statements: () => ['CREATE TABLE half (a INTEGER)', 'CREATE TABLE settings (a INTEGER)'],
  };
  expect(() => migrate(database, path, 2, [...MIGRATIONS, broken])).toThrow(/settings/);
  expect(database.query({ sql: `SELECT name FROM sqlite_schema WHERE name = 'half'`, values: [] })).toEqual([]);
  database.close();
});

test('a newer schema is refused, says what to do, and is left alone', async () => {
  openDatabase(path, 1).close();
  plainly((other) => other.exec(`INSERT INTO schema_versions VALUES (${NEWEST + 1}, 'future', 9)`));
  const before = readFileSync(path);
  await expect(openStore(path, realSystem)).rejects.toMatchObject({
    code: 'failed_precondition',
    message: expect.stringMatching(
      new RegExp(`schema ${NEWEST + 1}, made by a newer Rainbow.*Install the newer Rainbow`, 's'),
    ),
  });
  expect(readFileSync(path)).toEqual(before);
});

test("another program's database is refused and left alone", async () => {
  plainly((other) => other.exec('CREATE TABLE clusters (name TEXT)'));
  const before = readFileSync(path);
  await expect(openStore(path, realSystem)).rejects.toMatchObject({
    code: 'failed_precondition',
    message: expect.stringContaining('not one of Rainbow'),
  });
  expect(readFileSync(path)).toEqual(before);
});

test('a file that is no database is refused and left alone', async () => {
  const text = 'this is a letter to my mother\n'.repeat(100);
  writeFileSync(path, text);
  await expect(openStore(path, realSystem)).rejects.toMatchObject({
    code: 'failed_precondition',
    message: expect.stringContaining('is not a SQLite database'),
  });
  expect(readFileSync(path, 'utf8')).toBe(text);
});

test('a path that cannot be opened says which and why', async () => {
  writeFileSync(path, '');
  await expect(openStore(join(path, 'below', 'a file.db'), realSystem)).rejects.toMatchObject({
    code: 'failed_precondition',
    message: expect.stringMatching(/a file\.db cannot be opened/),
  });
  await expect(openStore(folder, realSystem)).rejects.toMatchObject({ code: 'failed_precondition' });
});

test('what is not a path is said so', async () => {
  await expect(openStore('', realSystem)).rejects.toMatchObject({ code: 'invalid_input' });
  await expect(openStore('a\0b', realSystem)).rejects.toMatchObject({ code: 'invalid_input' });
});

test('a path that SQLite would take for a URI is a path', async () => {
  const strange = join(folder, 'file:x?mode=memory');
  const store = await openStore(strange, realSystem);
  await store.close();
  expect(existsSync(strange)).toBe(true);
});

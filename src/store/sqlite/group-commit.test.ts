import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { RainbowError } from '../../core/errors.ts';
import { one, run, type Operation } from '../operations/statement.ts';
import type { Database } from './database.ts';
import { LARGEST_BATCH, newestEvent, runCalls, runWrites, type Answer, type Call } from './group-commit.ts';
import { openDatabase } from './open-database.ts';

function openFile(): { database: Database; path: string } {
  const folder = mkdtempSync(join(tmpdir(), 'rainbow-commit-'));
  const path = join(folder, 'rainbow.db');
  const database = openDatabase(path, 0);
  onTestFinished(() => {
    database.close();
    rmSync(folder, { recursive: true, force: true });
  });
  return { database, path };
}

/** What another connection sees: what is committed. */
function committed(path: string, key: string): string | null {
  const other = openDatabase(path, 0);
  const row = other.run(one<{ value: string }>('SELECT value FROM settings WHERE key = ?', key));
  other.close();
  return row?.value ?? null;
}

function* put(key: string, value: string): Operation<string> {
  yield* run('INSERT INTO settings (key, value) VALUES (?, ?)', key, value);
  return key;
}

function* failing(key: string): Operation<never> {
  yield* put(key, 'half');
  throw new RainbowError('not_found', 'no such thing', { place: 'here' });
}

/** Leaves a reference to nothing, which SQLite finds at COMMIT. */
function* uncommittable(): Operation<void> {
  yield* run('PRAGMA defer_foreign_keys = ON');
  yield* run('INSERT INTO cluster_graphs (cluster_id, graph) VALUES (99, ?)', 'x');
}

/** Fills the file to its last page: what a full disk does. */
function fill(database: Database): void {
  const pages = Number(database.query({ sql: 'PRAGMA page_count', values: [] })[0]?.['page_count']);
  database.execute(`PRAGMA max_page_count = ${pages}`);
}

const LARGE = 'x'.repeat(200_000);

test('a write that fails is undone whole, the others are kept', () => {
  const { database, path } = openFile();
  const outcomes = runWrites(database, [
    () => put('a', '1'),
    () => failing('b'),
    () => put('a', 'twice'),
    () => put('c', '3'),
  ]);
  expect(outcomes).toEqual([
    { value: 'a' },
    { failure: { code: 'not_found', message: 'no such thing', place: 'here' } },
    { failure: { code: 'internal', message: expect.stringContaining('UNIQUE') } },
    { value: 'c' },
  ]);
  expect(['a', 'b', 'c'].map((key) => committed(path, key))).toEqual(['1', null, '3']);
});

test('an operation may go on after a statement that failed', () => {
  const { database, path } = openFile();
  function* patient(): Operation<string> {
    try {
      yield* run('INSERT INTO settings (key, value) VALUES (?, NULL)', 'k');
    } catch {
      yield* put('k', 'second try');
    }
    return 'done';
  }
  expect(runWrites(database, [patient])).toEqual([{ value: 'done' }]);
  expect(committed(path, 'k')).toBe('second try');
});

test('a commit that fails fails everyone in it as unavailable, and the next is as usual', () => {
  const { database, path } = openFile();
  const outcomes = runWrites(database, [() => put('a', '1'), uncommittable, () => put('b', '2')]);
  expect(outcomes).toEqual(
    Array.from({ length: 3 }, () => ({
      failure: { code: 'unavailable', message: expect.stringContaining('nothing was written') },
    })),
  );
  expect(committed(path, 'a')).toBeNull();
  expect(runWrites(database, [() => put('a', 'again')])).toEqual([{ value: 'a' }]);
  expect(committed(path, 'a')).toBe('again');
});

test('a full disk refuses writes as unavailable, serves reads, and takes writes once there is room', () => {
  const { database, path } = openFile();
  runWrites(database, [() => put('kept', 'yes')]);
  fill(database);
  const outcomes = runWrites(database, [() => put('large', LARGE), () => put('small', '1')]);
  expect(outcomes[0]).toEqual({ failure: { code: 'unavailable', message: expect.stringContaining('disk is full') } });
  // Whoever was told that it is kept finds it; whoever was not does not.
  expect(committed(path, 'small') !== null).toBe('value' in (outcomes[1] ?? {}));
  expect(committed(path, 'large')).toBeNull();
  expect(database.run(one<{ value: string }>('SELECT value FROM settings WHERE key = ?', 'kept'))).toEqual({
    value: 'yes',
  });
  database.execute('PRAGMA max_page_count = 1000000');
  expect(runWrites(database, [() => put('large', LARGE)])).toEqual([{ value: 'large' }]);
});

test('another process that holds the file makes writes unavailable, not reads', () => {
  const { database, path } = openFile();
  const other = openDatabase(path, 0);
  other.command('BEGIN IMMEDIATE');
  database.execute('PRAGMA busy_timeout = 10');
  const [outcome] = runWrites(database, [() => put('a', '1')]);
  expect(outcome).toEqual({ failure: { code: 'unavailable', message: expect.stringContaining('another process') } });
  expect(newestEvent(database, 9)).toBe(0);
  other.command('ROLLBACK');
  other.close();
  expect(runWrites(database, [() => put('a', '1')])).toEqual([{ value: 'a' }]);
});

test('answers leave after the commit that holds them; reads among writes see them', () => {
  const { database, path } = openFile();
  const calls: Call[] = [
    { id: 1, name: 'getSetting', args: ['a'] },
    { id: 2, name: 'setSettingOnce', args: ['a', 'x'] },
    { id: 3, name: 'getSetting', args: ['a'] },
    { id: 4, name: 'setSettingOnce', args: ['a', 'y'] },
    { id: 5, name: 'getSetting', args: ['b'] },
  ];
  const taken: (readonly [boolean, readonly Answer[], string | null])[] = [];
  runCalls(database, calls, (answers, wrote) => taken.push([wrote, answers, committed(path, 'a')]));
  expect(taken).toEqual([
    [false, [{ id: 1, value: null }], null],
    [
      true,
      [
        { id: 2, value: 'x' },
        { id: 4, value: 'x' },
      ],
      'x',
    ],
    [
      false,
      [
        { id: 3, value: 'x' },
        { id: 5, value: null },
      ],
      'x',
    ],
  ]);
});

test('more calls than one commit takes are all answered, in several', () => {
  const { database } = openFile();
  const calls = Array.from({ length: 2 * LARGEST_BATCH + 7 }, (_, n): Call => ({
    id: n,
    name: n % 5 === 0 ? 'getSetting' : 'setSettingOnce',
    args: n % 5 === 0 ? [`key ${n - 1}`] : [`key ${n}`, `${n}`],
  }));
  const answers = new Map<number, unknown>();
  let commits = 0;
  runCalls(database, calls, (some, wrote) => {
    if (wrote) commits += 1;
    for (const answer of some) answers.set(answer.id, 'value' in answer ? answer.value : answer.failure);
  });
  expect(commits).toBe(3);
  expect(answers.size).toBe(calls.length);
  for (const { id } of calls) expect(answers.get(id)).toBe(id % 5 === 0 ? (id === 0 ? null : `${id - 1}`) : `${id}`);
});

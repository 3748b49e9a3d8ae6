/** `rainbow db …` as its operator calls it: answers for people and programs, exit codes, and what is said where it will not. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { expect, test } from 'vitest';
import { MIGRATIONS } from '../../src/store/migrations/index.ts';
import { expectExit, json, rainbow, temporaryFolder } from './command-line.ts';
import { place } from './with-server.ts';

test('while the server runs: backup and check; and where its settings say that the store is', async () => {
  const at = await place();
  await at.register('red', '--nodes', '1', '--cores', '2');
  const database = join(at.folder, 'rainbow.db');
  const backup = join(at.folder, 'backup.db');
  const made = await at.run(['db', 'backup', backup], { env: { RAINBOW_DB: database } });
  expectExit(made, 0);
  expect(made.stdout).toMatch(/^\S+backup\.db: [\d.]+ KiB, \d+ rows in \d+ tables, checksum [0-9a-f]{16}\n$/);
  const again = await at.run(['db', 'backup', '--db', database, '--json', '--force', backup]);
  expect(json(again)).toMatchObject({
    store: database,
    file: backup,
    bytes: expect.any(Number),
    at: expect.stringMatching(/^\d{4}-.*Z$/),
    rows: expect.any(Number),
    checksum: expect.stringMatching(/^[0-9a-f]{64}$/),
    tables: expect.arrayContaining([{ table: 'clusters', rows: 1, checksum: expect.any(String) }]),
  });
  const refused = await at.run(['db', 'backup', '--db', database, backup]);
  expect(refused).toMatchObject({ code: 1, stdout: '', stderr: expect.stringContaining('--force') });

  const sound = await at.run(['db', 'check', '--db', database]);
  expect(sound).toMatchObject({ code: 0, stdout: `${database}: sound (schema ${MIGRATIONS.length})\n` });
  const copy = await at.run(['db', 'copy', '--from', database, '--to', join(at.folder, 'copy.db')]);
  expect(copy).toMatchObject({ code: 1, stderr: expect.stringContaining('stop it first') });
  expect(existsSync(join(at.folder, 'copy.db'))).toBe(false);
});

test('what is found is said as where, what and what to do, and ends with 1', async () => {
  const at = await place();
  await at.register('red', '--nodes', '1', '--cores', '2');
  const database = join(at.folder, 'rainbow.db');
  await at.server.stop();
  const file = new DatabaseSync(database);
  file.exec('DELETE FROM cluster_graphs');
  file.close();
  const found = await rainbow(['db', 'check', '--db', database]);
  expect(found.code).toBe(1);
  expect(found.stdout).toContain('cluster red: its resource graph is missing\n  register it again');
  const backup = join(at.folder, 'backup.db');
  const copied = await rainbow(['db', 'backup', '--db', database, backup]);
  expect(copied).toMatchObject({
    code: 1,
    stdout: expect.stringContaining('backup.db: '),
    stderr: expect.stringMatching(/cluster red: its resource graph is missing\n.*\n.*backup\.db: .*store has faults/),
  });
  expect(existsSync(backup)).toBe(true);
  const document = await rainbow(['db', 'check', '--db', database, '--json']);
  expect(document.code).toBe(1);
  expect(json(document)).toEqual({
    store: database,
    schema: MIGRATIONS.length,
    sound: false,
    findings: [
      {
        rule: 'cluster-graph',
        where: 'cluster red',
        what: 'its resource graph is missing',
        remedy: 'register it again: rainbow register cluster',
      },
    ],
  });
});

test('a store goes to another file, and back to where it was', async () => {
  const at = await place();
  const { token } = await at.register('red', '--nodes', '1', '--cores', '2');
  const database = join(at.folder, 'rainbow.db');
  const backup = join(at.folder, 'backup.db');
  expectExit(await at.run(['db', 'backup', '--db', database, backup]), 0);
  await at.server.stop();
  const copy = await at.run(['db', 'copy', '--from', database, '--to', join(at.folder, 'copy.db')]);
  expectExit(copy, 0);
  expect(copy.stdout).toMatch(/^clusters +1 {2}[0-9a-f]{16}\n/m);
  expect(copy.stdout).toMatch(/are the same\n$/);
  const restored = await at.run(['db', 'restore', '--db', database, backup]);
  expectExit(restored, 0);
  expect(restored.stdout).toMatch(
    /as it was at .*\nthe store that was there is kept as .*\njobs that may have gone on since: none; the next job is \d+\n/,
  );
  await at.serveAgain();
  expect(json(await at.run(['cluster', 'show', 'red', '--json']))).toMatchObject({ name: 'red' });
  expect(token).not.toBe('');
});

test('called wrongly, it says so with 2; where there is nothing, with 1', async () => {
  const folder = temporaryFolder();
  const none = join(folder, 'none.db');
  const cases = [
    [['db', 'restore'], 2, 'give either'],
    [['db', 'restore', 'x', '--already'], 2, 'give either'],
    [['db', 'copy', '--from', 'x'], 2, '--to'],
    [['db', 'backup'], 2, 'argument'],
    [['db', 'backup', '--db', 'postgres://u:hunter2@h/d', join(folder, 'x')], 2, 'pg_dump'],
    [['db', 'restore', '--db', 'postgres://u:hunter2@h/d', none], 2, '--already'],
    [['db', 'check', '--db', none], 1, 'there is no store'],
    [['db', 'check', '--db', ':memory:'], 1, 'a store that is kept'],
    [['db', 'check', '--db', 'postgres://u:hunter2@127.0.0.1:1/d'], 1, 'cannot be reached'],
    [['db', 'restore', '--db', join(folder, 'to.db'), none], 1, 'there is no store'],
  ] as const;
  for (const [args, code, message] of cases) {
    const outcome = await rainbow(args);
    expect({ args, ...outcome }).toMatchObject({ code, stdout: '', stderr: expect.stringContaining(message) });
    expect(outcome.stderr).not.toContain('hunter2');
  }
  expect(existsSync(none)).toBe(false);
  expect(existsSync(join(folder, 'to.db'))).toBe(false);
  expect(existsSync(join(folder, 'x'))).toBe(false);
});

import { afterAll, describe, expect, onTestFinished, test } from 'vitest';
import { skipWithout } from '../../../test/needs.ts';
import { JOB_STATES } from '../../core/job/state.ts';
import { realSystem } from '../../system/real.ts';
import { MIGRATIONS } from '../migrations/index.ts';
import type { Migration } from '../migrations/migration.ts';
import type { Row } from '../operations/statement.ts';
import { openStore } from '../open.ts';
import { localPostgres } from '../testing/postgres.ts';
import { postgresSchema } from '../testing/schema.ts';
import type { Database } from './database.ts';
import { migrate } from './migrate.ts';
import { openDatabase } from './open-database.ts';
import { untilHolds } from '../../system/testing/until.ts';

const { postgres, missing } = await localPostgres();
afterAll(() => postgres?.remove());
const NEWEST = MIGRATIONS.length;

/** On an empty database, as another program would be. */
async function plain(): Promise<{ url: string; database: Database; ask: (sql: string) => Promise<readonly Row[]> }> {
  const url = await postgres!.newDatabase('empty');
  const database = await postgres!.connect(url);
  onTestFinished(() => database.close());
  return { url, database, ask: (sql) => database.query({ sql, values: [] }) };
}

describe.skipIf(skipWithout('postgres', missing))('the schema on PostgreSQL', () => {
  test('is the one that is checked in', async () => {
    const { url, ask } = await plain();
    await (await openDatabase(url, 1234)).close();
    await expect(await postgresSchema(ask)).toMatchFileSnapshot('../migrations/schema.postgres.sql');
    expect(await ask('SELECT number, name, applied_at FROM schema_versions')).toEqual(
      MIGRATIONS.map(({ number, name }) => ({ number, name, applied_at: 1234 })),
    );
  });

  test('knows the states of the table, and refuses an end without an end time', async () => {
    const { url, database } = await plain();
    await (await openDatabase(url, 0)).close();
    const insert = (state: string, endedAt: number | null): Promise<unknown> =>
      database.query({
        sql: `INSERT INTO jobs (name, owner, priority, walltime, on_cluster_loss, submitted_at, state, reason_code,
                reason_message, epoch, cluster_id, ended_at) VALUES ('a', 'o', 0, 1, 'wait', 1, $1, 'submitted', '', 1, $2, $3)`,
        values: [state, state === 'pending' ? null : 1, endedAt],
      });
    for (const state of JOB_STATES) {
      const ended = ['completed', 'failed', 'canceled', 'rejected'].includes(state);
      await insert(state, ended ? 5 : null);
      await expect(insert(state, ended ? null : 5)).rejects.toThrow(/check constraint/);
    }
    await expect(insert('queued', null)).rejects.toThrow(/check constraint/);
  });

  test('an older one is brought forward, step by step, once, by however many servers', async () => {
    const { url, ask } = await plain();
    await (await openDatabase(url, 1)).close();
    const second: Migration = {
      number: NEWEST + 1,
      name: 'second',
      statements: ({ integer }) => [`ALTER TABLE settings ADD COLUMN at ${integer}`],
    };
    const servers = await Promise.all(Array.from({ length: 6 }, () => postgres!.connect(url)));
    await Promise.all(servers.map((server, n) => migrate(server, 'here', 2 + n, [...MIGRATIONS, second])));
    await Promise.all(servers.map((server) => server.close()));
    const versions = await ask('SELECT number FROM schema_versions ORDER BY number');
    expect(versions.map(({ number }) => number)).toEqual([...MIGRATIONS, second].map(({ number }) => number));
  });

  test('one that meets a server at work, each waiting for the other, is done again', async () => {
    const { url, ask, database } = await plain();
    const migrating = await openDatabase(url, 1);
    const second: Migration = {
      number: NEWEST + 1,
      name: 'second',
      statements: ({ integer }) => [
        `ALTER TABLE jobs ADD COLUMN second ${integer}`,
        `ALTER TABLE clusters ADD COLUMN second ${integer}`,
      ],
    };
    // So that it is the migration that is given up.
    await database.command("SET deadlock_timeout = '20s'; BEGIN; LOCK TABLE clusters IN ROW SHARE MODE");
    const migrated = migrate(migrating, 'here', 2, [...MIGRATIONS, second]);
    const waits = `SELECT 1 AS found FROM pg_locks WHERE NOT granted AND relation = 'clusters'::regclass`;
    await untilHolds(async () => expect(await ask(waits)).toHaveLength(1));
    await database.command('LOCK TABLE jobs IN ROW EXCLUSIVE MODE');
    await database.command('COMMIT');
    await migrated;
    expect(await ask('SELECT MAX(number) AS newest FROM schema_versions')).toEqual([{ newest: NEWEST + 1 }]);
    await migrating.close();
  });

  test('servers that open a new database at once all get it', async () => {
    const { url, ask } = await plain();
    const stores = await Promise.all(Array.from({ length: 6 }, () => openStore(url, realSystem)));
    await Promise.all(stores.map((store) => store.close()));
    expect(await ask('SELECT number FROM schema_versions ORDER BY number')).toEqual(
      MIGRATIONS.map(({ number }) => ({ number })),
    );
  });

  test('a migration that fails leaves the schema as it was', async () => {
    const { url, ask } = await plain();
    const database = await openDatabase(url, 1);
    const broken: Migration = {
      number: NEWEST + 1,
      name: 'broken',
      statements: () => ['CREATE TABLE half (a BIGINT)', 'CREATE TABLE settings (a BIGINT)'],
    };
    await expect(migrate(database, 'here', 2, [...MIGRATIONS, broken])).rejects.toThrow(/settings/);
    expect(await ask(`SELECT 1 AS found FROM pg_class WHERE relname = 'half'`)).toEqual([]);
    await database.close();
  });

  test('a newer one is refused, says what to do, and is left alone', async () => {
    const { url, ask, database } = await plain();
    await (await openDatabase(url, 1)).close();
    await database.command(`INSERT INTO schema_versions VALUES (${NEWEST + 1}, 'future', 9)`);
    const before = await postgresSchema(ask);
    await expect(openStore(url, realSystem)).rejects.toMatchObject({
      code: 'failed_precondition',
      message: expect.stringMatching(
        new RegExp(`schema ${NEWEST + 1}, made by a newer Rainbow.*Install the newer Rainbow`, 's'),
      ),
    });
    expect(await postgresSchema(ask)).toBe(before);
  });

  test("another program's tables are refused and left alone", async () => {
    for (const table of ['clusters', 'schema_versions']) {
      const { url, ask, database } = await plain();
      await database.command(`CREATE TABLE ${table} (name TEXT)`);
      const before = await postgresSchema(ask);
      await expect(openStore(url, realSystem)).rejects.toMatchObject({
        code: 'failed_precondition',
        message: expect.stringContaining('a database of its own'),
      });
      expect(await postgresSchema(ask)).toBe(before);
    }
  });

  test('two stores may share a database, each in a schema of its own', async () => {
    const { url, database } = await plain();
    await database.command('CREATE SCHEMA north; CREATE SCHEMA south');
    for (const schema of ['north', 'south']) {
      const store = await openStore(`${url}?options=-csearch_path%3D${schema}`, realSystem);
      expect(await store.settings.setOnce('name', schema)).toBe(schema);
      await store.close();
    }
  });

  test('an address that does not lead anywhere says what to do, and never its password', async () => {
    const { url } = await plain();
    const { port } = new URL(url);
    const cases = [
      [
        'postgres://rainbow:hunter2@127.0.0.1:1/x',
        'unavailable',
        /127\.0\.0\.1:1\/x cannot be reached.*is PostgreSQL running/s,
      ],
      [
        `postgres://rainbow:hunter2@127.0.0.1:${port}/nowhere`,
        'failed_precondition',
        /"nowhere" does not exist.*createdb/s,
      ],
      [
        `postgres://nobody:hunter2@127.0.0.1:${port}/postgres`,
        'failed_precondition',
        /nobody@.*does not let this user in/s,
      ],
      ['postgres://rainbow:hunter2@', 'unavailable', /cannot be reached/],
    ] as const;
    for (const [address, code, message] of cases) {
      const error = await openStore(address, realSystem).then(
        () => null,
        (why: Error & { code: string }) => why,
      );
      expect(error).toMatchObject({ code, message: expect.stringMatching(message) });
      expect(error?.message).not.toContain('hunter2');
    }
  });

  test('a database that cannot keep every text is refused', async () => {
    const { url, database } = await plain();
    await database.command(
      `CREATE DATABASE latin ENCODING 'LATIN1' LOCALE_PROVIDER libc LOCALE 'C' TEMPLATE template0`,
    );
    await expect(openStore(url.replace(/[^/]+$/, 'latin'), realSystem)).rejects.toMatchObject({
      code: 'failed_precondition',
      message: expect.stringMatching(/LATIN1.*UTF8/),
    });
  });
});

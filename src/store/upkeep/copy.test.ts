/** A store copied to another engine and back is the same, goes on where it was, and is never half there. */
import { existsSync, mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { skipWithout } from '../../../test/needs.ts';
import { realSystem } from '../../system/real.ts';
import { newArray } from '../conformance/arrays.ts';
import { errorFrom, named, register, submit } from '../conformance/fixtures.ts';
import { openStore } from '../open.ts';
import type { Store } from '../store.ts';
import { localPostgres } from '../testing/postgres.ts';
import { checkStore } from './check.ts';
import { copyStore } from './copy.ts';
import { fillStore } from './testing/fill-store.ts';
import { patient, stoppingAt } from './testing/patient.ts';

let folder: string;
let filled: string;
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'rainbow-copy-'));
  filled = join(folder, 'filled.db');
  const store = await openStore(filled, realSystem);
  await fillStore(store);
  await store.close();
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const newFile = (): string => join(mkdtempSync(join(folder, 'to-')), 'rainbow.db');

async function opened(url: string): Promise<Store> {
  const store = await openStore(url, realSystem);
  onTestFinished(() => store.close());
  return store;
}

/** What the store's own callers see of it. */
async function seen(url: string) {
  const store = await openStore(url, realSystem);
  const jobs = await store.jobs.list({ limit: 99 });
  const all = {
    jobs,
    attempts: await Promise.all(jobs.map(({ id }) => store.jobs.attempts(id))),
    output: await Promise.all(jobs.map(({ id }) => store.output.read(id, 1, 0, 99))),
    clusters: await store.clusters.list(),
    graphs: [await store.clusters.graph('red'), await store.clusters.graph('blue')],
    groups: await store.groups.list(),
    events: await store.events.after(0, 999),
    last: await store.events.last(),
    pruned: await store.retention.prunedEvents(),
    free: await store.servers.free(await named(store, 'red')),
  };
  await store.close();
  return all;
}

/** Numbers go on after the newest that was ever given, also where its row is gone. */
async function nextNumbers(url: string): Promise<readonly unknown[]> {
  const store = await opened(url);
  const array = await store.arrays.submit(newArray([0]));
  const job = await submit(store);
  const cluster = await register(store, 'next');
  return [array.array?.id, job.id, cluster.id, await store.events.last()];
}

test('from file to file: the same, private, and with the same numbers to come', async () => {
  const to = newFile();
  const { digest } = await copyStore(filled, to, realSystem, patient);
  expect(digest.rows).toBeGreaterThan(100);
  expect(digest.tables.filter(({ rows }) => rows === 0).map(({ table }) => table)).toEqual([]);
  expect(statSync(to).mode & 0o777).toBe(0o600);
  expect(readdirSync(join(to, '..')).toSorted()).toEqual(['rainbow.db', 'rainbow.db.lock']);
  expect(await seen(to)).toEqual(await seen(filled));
  const again = newFile();
  await copyStore(filled, again, realSystem, patient);
  expect(await nextNumbers(to)).toEqual(await nextNumbers(again));
});

test('what is there is not overwritten, and neither side may have a server', async () => {
  const to = newFile();
  writeFileSync(to, 'mine');
  expect(await errorFrom(copyStore(filled, to, realSystem, patient))).toMatchObject({
    code: 'failed_precondition',
    message: expect.stringContaining('is there already'),
  });
  expect(statSync(to).size).toBe(4);
  expect(await errorFrom(copyStore(filled, filled, realSystem, patient))).toMatchObject({ code: 'invalid_input' });
  expect(await errorFrom(copyStore(newFile(), newFile(), realSystem, patient))).toMatchObject({ code: 'not_found' });

  const server = await openStore(filled, realSystem, { alone: true });
  expect(await errorFrom(copyStore(filled, newFile(), realSystem, patient))).toMatchObject({
    code: 'failed_precondition',
    message: expect.stringContaining('stop it first'),
  });
  await server.close();
});

test('stopped anywhere, it leaves nothing, and the next one succeeds', async () => {
  const to = newFile();
  for (const breath of [1, 3, 6]) {
    await expect(copyStore(filled, to, realSystem, stoppingAt(breath))).rejects.toThrow('stopped');
    expect(existsSync(to)).toBe(false);
    expect(readdirSync(join(to, '..'))).toEqual(['rainbow.db.lock']);
  }
  await copyStore(filled, to, realSystem, patient);
  expect((await checkStore(to, patient)).findings).toEqual([]);
});

const { postgres, missing } = await localPostgres();
afterAll(() => postgres?.remove());

describe.skipIf(skipWithout('postgres', missing))('to PostgreSQL and back', () => {
  test('the same on both, and with the same numbers to come', async () => {
    const url = await postgres!.newDatabase('empty');
    const there = await copyStore(filled, url, realSystem, patient);
    const back = newFile();
    const again = await copyStore(url, back, realSystem, patient);
    expect(again.digest).toEqual(there.digest);
    const first = await seen(filled);
    expect(await seen(url)).toEqual(first);
    expect(await seen(back)).toEqual(first);

    const url2 = await postgres!.newDatabase();
    expect((await copyStore(url, url2, realSystem, patient)).digest).toEqual(there.digest);
    expect(await nextNumbers(url2)).toEqual(await nextNumbers(back));
  });

  test('a database that is not empty, or that a server has, is refused and left alone', async () => {
    const url = await postgres!.newDatabase();
    const store = await openStore(url, realSystem);
    await register(store, 'red');
    await store.servers.beat({ id: 'a', name: 'north', version: '1' }, { alive: 9_999, forgotten: 99_999 }, 1);
    const served = { code: 'failed_precondition', message: expect.stringContaining('(north) runs on') };
    expect(await errorFrom(copyStore(filled, url, realSystem, patient))).toMatchObject(served);
    expect(await errorFrom(copyStore(url, newFile(), realSystem, patient))).toMatchObject(served);
    await store.servers.end('a');
    await store.close();
    expect(await errorFrom(copyStore(filled, url, realSystem, patient))).toMatchObject({
      code: 'failed_precondition',
      message: expect.stringMatching(/is not empty \(table .*if nothing in it is needed, drop/),
    });
    const after = await seen(url);
    expect(after.clusters.map(({ name }) => name)).toEqual(['red']);
    expect(after.jobs).toEqual([]);
  });

  test('a store on which a server has only been started is empty: it becomes the copy', async () => {
    const url = await postgres!.newDatabase();
    const store = await openStore(url, realSystem);
    await store.settings.setOnce('secret', 'of the target');
    await store.settings.setOnce('other', 'of the target');
    await store.close();
    await copyStore(filled, url, realSystem, patient);
    expect(await seen(url)).toEqual(await seen(filled));
    expect(await (await opened(url)).settings.setOnce('other', 'of nobody')).toBe('of nobody');
  });

  test('stopped anywhere, nothing is there, and the next one succeeds', async () => {
    const url = await postgres!.newDatabase('empty');
    for (const breath of [1, 4, 8]) {
      await expect(copyStore(filled, url, realSystem, stoppingAt(breath))).rejects.toThrow('stopped');
      expect((await seen(url)).events).toEqual([]);
    }
    await copyStore(filled, url, realSystem, patient);
    expect((await checkStore(url, patient)).findings).toEqual([]);
  });

  test('a text that PostgreSQL cannot keep is told with its place, and nothing is there', async () => {
    const source = newFile();
    await copyStore(filled, source, realSystem, patient);
    const file = new DatabaseSync(source);
    file.prepare('UPDATE jobs SET name = ? WHERE id = 4').run('nul \0 inside');
    file.close();
    const url = await postgres!.newDatabase('empty');
    expect(await errorFrom(copyStore(source, url, realSystem, patient))).toMatchObject({
      code: 'invalid_input',
      message: expect.stringMatching(/^table jobs, rows \d+ to \d+: .*NUL/),
    });
    expect((await seen(url)).jobs).toEqual([]);
  });

  test('a server that starts on the target meanwhile waits, and then finds all of it', async () => {
    const url = await postgres!.newDatabase();
    let late: Promise<readonly unknown[]> | null = null;
    const pace = {
      ...patient,
      tell(where: string) {
        // The first write of a server: here, one that would be lost, or would spoil the comparison.
        if (where.startsWith('copying: jobs') && late === null) {
          late = (async () => {
            const store = await opened(url);
            await store.settings.setOnce('late', 'yes');
            return store.jobs.list({ limit: 99 });
          })();
        }
      },
    };
    const { digest } = await copyStore(filled, url, realSystem, pace);
    const jobs = await late!;
    expect(digest.tables.find(({ table }) => table === 'settings')?.rows).toBe(2);
    expect(jobs).toHaveLength((await seen(filled)).jobs.length);
  });
});

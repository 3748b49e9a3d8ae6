import { chmod, mkdtemp, readdir, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterEach, describe, expect, test } from 'vitest';
import { newEntry } from './holding.ts';
import { memoryJournal, type Entry, type Journal } from './journal.ts';
import { openJournal } from './journal-sqlite.ts';

const dirs: string[] = [];
const open: Journal[] = [];
afterEach(async () => {
  for (const journal of open.splice(0)) await journal.close();
  for (const dir of dirs.splice(0)) await rm(dir, { recursive: true, force: true });
});

async function file(): Promise<string> {
  const dir = await mkdtemp(join(tmpdir(), 'rainbow-journal-'));
  dirs.push(dir);
  return join(dir, 'journal.sqlite');
}

function opened(path: string): Journal {
  const journal = openJournal(path);
  open.push(journal);
  return journal;
}

const entry = (jobId: string, epoch = 1): Entry =>
  newEntry(
    { jobId, epoch, name: 'a "name"', owner: 'o', jobspec: 'version: 1\n', walltime: 1.5, priority: -2 },
    'received',
  );

describe.each([
  ['memory', async () => memoryJournal()],
  ['sqlite', async () => opened(await file())],
] as const)('journal in %s', (_, create) => {
  test('keeps entries by job and epoch, the newest of each, oldest first', async () => {
    const journal = await create();
    const first = entry('9223372036854775807');
    await Promise.all([journal.put(first), journal.put(entry('2')), journal.put(entry('2', 2))]);
    await journal.put({ ...entry('2'), step: 'intent' });
    const found = await journal.entries();
    expect(found.map(({ order }) => `${order.jobId}.${order.epoch}`).toSorted()).toEqual([
      '2.1',
      '2.2',
      '9223372036854775807.1',
    ]);
    expect(found).toContainEqual(first);
    expect(found.find(({ order }) => order.jobId === '2' && order.epoch === 1)!.step).toBe('intent');
    await journal.remove({ jobId: '2', epoch: 1 });
    await journal.remove({ jobId: '3', epoch: 1 });
    expect((await journal.entries()).length).toBe(2);
  });

  test('numbers its instances upwards, though the clock be set back', async () => {
    const journal = await create();
    expect(await journal.nextInstance(1000)).toBe(1000);
    expect(await journal.nextInstance(500)).toBe(1001);
    expect(await journal.nextInstance(2000)).toBe(2000);
  });
});

describe('journal in sqlite', () => {
  test('what was put is there when it is opened again', async () => {
    const path = await file();
    const journal = opened(path);
    await journal.put(entry('7'));
    await journal.nextInstance(1000);
    await journal.close();
    const again = opened(path);
    expect(await again.entries()).toEqual([entry('7')]);
    expect(await again.nextInstance(1)).toBe(1001);
  });

  test('a write is in the file when its promise resolves', async () => {
    const path = await file();
    const journal = opened(path);
    await journal.put(entry('7'));
    // The lock keeps others out while it is open: what is on disk is read from a copy.
    const { copyFile } = await import('node:fs/promises');
    await copyFile(path, `${path}.copy`);
    const copy = new DatabaseSync(`${path}.copy`);
    expect(copy.prepare('SELECT COUNT(*) AS n FROM entries').get()).toEqual({ n: 1 });
    copy.close();
  });

  test('only its owner reads it, and what is beside it, from the first write on', async () => {
    const umask = process.umask(0);
    try {
      const path = await file();
      await opened(path).put(entry('7'));
      const modes = async (): Promise<Record<string, number>> => {
        const found: Record<string, number> = {};
        for (const name of await readdir(join(path, '..')))
          found[name.replace('journal.sqlite', '')] = (await stat(join(path, '..', name))).mode & 0o777;
        return found;
      };
      expect(await modes()).toEqual({ '': 0o600, '-journal': 0o600 });
      await open.pop()!.close();
      // As an earlier Rainbow left it that was killed.
      await writeFile(`${path}-journal`, '');
      for (const each of [path, `${path}-journal`]) await chmod(each, 0o644);
      await opened(path).put(entry('8'));
      expect(await modes()).toEqual({ '': 0o600, '-journal': 0o600 });
    } finally {
      process.umask(umask);
    }
  });

  test('nobody else opens it meanwhile', async () => {
    const path = await file();
    opened(path);
    expect(() => openJournal(path)).toThrow(/another agent/);
  });

  test('a journal of a newer version is left alone', async () => {
    const path = await file();
    await opened(path).close();
    const other = new DatabaseSync(path);
    other.exec('PRAGMA user_version = 99');
    other.close();
    expect(() => openJournal(path)).toThrow(/newer Rainbow/);
  });

  test('after it is closed nothing is taken any more', async () => {
    const journal = opened(await file());
    await journal.close();
    await expect(journal.put(entry('7'))).rejects.toThrow(/closed/);
  });
});

import { mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import type { Engine } from '../engine.ts';
import { Database } from './database.ts';
import { openThreadEngine } from './thread-engine.ts';

async function openEngine(waitingLimit?: number): Promise<{ engine: Engine; path: string }> {
  const folder = mkdtempSync(join(tmpdir(), 'rainbow-thread-'));
  const path = join(folder, 'rainbow.db');
  const engine = await openThreadEngine({ path, at: 0 }, waitingLimit);
  onTestFinished(async () => {
    await engine.close();
    rmSync(folder, { recursive: true, force: true });
  });
  return { engine, path };
}

test('calls beyond the limit are refused at once; the others are served', async () => {
  const { engine } = await openEngine(50);
  const results = await Promise.allSettled(
    Array.from({ length: 60 }, (_, n) => engine.call('setSettingOnce', [`key ${n}`, 'x'])),
  );
  expect(results.filter(({ status }) => status === 'fulfilled')).toHaveLength(50);
  expect(results[59]).toMatchObject({ status: 'rejected', reason: { code: 'resource_exhausted' } });
  expect(await engine.call('setSettingOnce', ['later', 'y'])).toBe('y');
});

test('calls that gather while the disk is busy share the next commits', async () => {
  const { engine, path } = await openEngine();
  // A frame of the log is written per page and commit, so its size tells how many commits there were.
  const logSize = (): number => statSync(`${path}-wal`).size;
  const start = logSize();
  await engine.call('setSettingOnce', ['alone', 'x']);
  const one = logSize() - start;

  // Another connection holds the lock, so the first call waits; the rest come one by one and gather behind it.
  const other = new Database(path);
  other.command('BEGIN IMMEDIATE');
  const calls: Promise<string>[] = [];
  for (let n = 0; n < 300; n++) {
    calls.push(engine.call('setSettingOnce', [`key ${n}`, 'x']));
    await new Promise((resolve) => setImmediate(resolve));
  }
  const before = logSize();
  other.command('ROLLBACK');
  other.close();
  expect(new Set(await Promise.all(calls))).toEqual(new Set(['x']));
  expect(one).toBeGreaterThan(4096);
  expect(logSize() - before).toBeLessThan(30 * one);
});

test('an argument that cannot be sent fails its own call only', async () => {
  const { engine } = await openEngine();
  const bad = engine.call('setSettingOnce', ['bad', (() => 'x') as unknown as string]);
  const good = engine.call('setSettingOnce', ['good', 'y']);
  await expect(bad).rejects.toMatchObject({ code: 'internal', message: expect.stringContaining('setSettingOnce') });
  expect(await good).toBe('y');
});

test('an operation that is none fails alone', async () => {
  const { engine } = await openEngine();
  await expect(engine.call('toString' as 'lastEvent', [])).rejects.toMatchObject({ code: 'internal' });
  expect(await engine.call('lastEvent', [])).toBe(0);
});

test('a value that SQLite cannot bind fails its own call only', async () => {
  const { engine } = await openEngine();
  const results = await Promise.allSettled([
    engine.call('setSettingOnce', ['bad', { a: 1 } as unknown as string]),
    engine.call('setSettingOnce', ['good', 'y']),
    engine.call('eventsAfter', [Number.NaN, 5]),
    engine.call('eventsAfter', [undefined as unknown as number, 5]),
  ]);
  expect(results.map(({ status }) => status)).toEqual(['rejected', 'fulfilled', 'fulfilled', 'rejected']);
});

test('close waits for what is under way, and is the same promise again', async () => {
  const { engine } = await openEngine();
  const writing = engine.call('setSettingOnce', ['a', 'x']);
  const closing = engine.close();
  expect(engine.close()).toBe(closing);
  await closing;
  expect(await writing).toBe('x');
  await expect(engine.call('lastEvent', [])).rejects.toMatchObject({ code: 'unavailable' });
});

import { spawn } from 'node:child_process';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { takeLock } from './lock.ts';
import { selfIdentity, standingOf, startOf } from './process-identity.ts';
import { until } from '../system/testing/until.ts';

let dir: string;
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'rainbow-lock-'));
});
afterEach(() => rm(dir, { recursive: true, force: true }));

const leave = (identity: object): Promise<void> => writeFile(join(dir, 'lock'), JSON.stringify(identity));

test('one holder at a time; released, the next one has it', () => {
  const lock = takeLock(dir);
  expect(() => takeLock(dir)).toThrow(/already \(process \d+/);
  lock.release();
  takeLock(dir).release();
});

test('a lock of a process that is gone is taken over, and nothing is left lying about', async () => {
  const child = spawn('true');
  await new Promise((resolve) => child.once('exit', resolve));
  await leave({ ...selfIdentity(), pid: child.pid });
  const lock = takeLock(dir);
  expect(await readdir(dir)).toEqual(['lock']);
  expect(JSON.parse(await readFile(join(dir, 'lock'), 'utf8'))).toEqual(selfIdentity());
  lock.release();
  expect(await readdir(dir)).toEqual([]);
});

test('a pid that was used again, another boot and a torn file do not hold it', async () => {
  await leave({ ...selfIdentity(), start: 'another time' });
  expect(() => takeLock(dir).release()).not.toThrow();
  await leave({ ...selfIdentity(), boot: 'another boot' });
  takeLock(dir).release();
  await writeFile(join(dir, 'lock'), '{"pid": 1');
  takeLock(dir).release();
});

test('an agent on another machine holds it, as far as anybody here can tell', async () => {
  await leave({ ...selfIdentity(), boot: 'its own boot', host: 'elsewhere.example' });
  expect(() => takeLock(dir)).toThrow(/elsewhere\.example.*remove/);
});

test('a release takes away only what is its own', async () => {
  const lock = takeLock(dir);
  await leave({ pid: 1, start: 'x', boot: 'y', host: 'z' });
  lock.release();
  expect(await readdir(dir)).toEqual(['lock']);
});

test('a process is known by its start time; one that ended and was not collected is dead', async () => {
  const me = selfIdentity();
  expect(standingOf(me)).toBe('alive');
  expect(standingOf({ ...me, start: `${me.start}1` })).toBe('dead');
  // The shell's child stays uncollected: the shell became something that does not wait.
  const parent = spawn('/bin/sh', ['-c', 'sleep 0.2 & echo $!; exec sleep 300'], {
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  try {
    const pid = await new Promise<number>((resolve) =>
      parent.stdout.once('data', (data: Buffer) => resolve(Number(data))),
    );
    await until('it has ended', () => startOf(pid) === null);
    expect(() => process.kill(pid, 0), 'it is still there').not.toThrow();
  } finally {
    parent.kill('SIGKILL');
  }
});

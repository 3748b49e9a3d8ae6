/** What is known of native jobs is on disk, whoever learns of it at the same time. */
import { chown, mkdir, mkdtemp, readdir, readFile, rename, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { silentLog, type Log } from '../../log.ts';
import type { NativeJob } from '../runner.ts';
import { createJobTable, type JobTable, type Accepted } from './jobs.ts';

let spool: string;
let told: NativeJob[];
beforeEach(async () => {
  spool = await mkdtemp(join(tmpdir(), 'rainbow-batch-jobs-'));
  told = [];
});
afterEach(() => rm(spool, { recursive: true, force: true }));

const table = (log: Log = silentLog): JobTable<Accepted, readonly string[]> =>
  createJobTable({
    spool,
    keptDir: null,
    log,
    changed: (native) => void told.push(native),
    noNative: [],
    nativeId: (native) => native[0] ?? '',
    makeRunDir: (dir) => mkdir(join(dir, 'run')),
  });
const ACCEPTED = { jobId: '1', epoch: 1, order: null, acceptedAt: 5 };

test('changes that come at once are made one after the other, and none is lost', async () => {
  const jobs = table();
  const job = await jobs.add(ACCEPTED, []);
  const all = Array.from({ length: 20 }, (_, number) => `n${number}`);
  await Promise.all([
    ...all.map((each) => jobs.change(job, (now) => [...now, each])),
    expect(
      jobs.change(job, () => {
        throw new Error('one that fails');
      }),
    ).rejects.toThrow('one that fails'),
  ]);
  await jobs.change(job, (now) => now.map((each) => `${each}!`));
  const written = JSON.parse(await readFile(join(spool, '1.1', 'native.json'), 'utf8')) as unknown;
  expect(written).toEqual(all.map((each) => `${each}!`));
  expect(job.native).toEqual(written);
});

test('what is learned of a job that is removed at that moment is let go', async () => {
  const jobs = table();
  const job = await jobs.add(ACCEPTED, []);
  await Promise.all([jobs.change(job, () => ['a']), jobs.remove(job), jobs.change(job, () => ['b'])]);
  expect(job.native).toEqual(['a']);
  expect(jobs.jobs.size).toBe(0);
  const again = table();
  await again.load();
  expect(again.jobs.size).toBe(0);
});

test('the next agent finds order, native job, stop and end as they were', async () => {
  const jobs = table();
  const job = await jobs.add(ACCEPTED, ['17']);
  await jobs.setStop(job, { code: 'user', message: 'first' });
  await jobs.setStop(job, { code: 'user', message: 'second' });
  const end = { outcome: 'canceled', reason: job.stop!, exitCode: null, signal: null } as const;
  // An end that was seen before it was accepted by our clock: never earlier than that.
  await jobs.conclude(job, end, 3);
  expect(told).toMatchObject([{ nativeId: '17', status: { state: 'ended', endedAt: 5, end } }]);
  const again = table();
  await again.load();
  const found = again.jobs.get('1.1')!;
  expect(found).toMatchObject({ native: ['17'], stop: { message: 'first' }, status: job.status });
});

test.runIf(process.getuid?.() === 0)('what only root could remove of a run directory stays, and is said', async () => {
  const said: string[] = [];
  const jobs = table({ ...silentLog, warn: (message) => void said.push(message) });
  const job = await jobs.add(ACCEPTED, []);
  await mkdir(join(job.runDir, 'roots/file'), { recursive: true });
  await chown(job.runDir, 65_534, 65_534);
  await jobs.remove(job);
  const aside = join(spool, '.gone-1.1');
  expect(said.join()).toContain(`${aside} could not be removed`);
  expect(await readdir(join(aside, 'run/roots'))).toEqual(['file']);
  const again = await jobs.add({ ...ACCEPTED, jobId: '2' }, []);
  await chown(again.runDir, 65_534, 65_534);
  await jobs.remove(again);
  expect(await readdir(spool)).toEqual(['.gone-1.1']);
});

test('one whose removal was cut short is no job any more, and the same order comes in again', async () => {
  const first = table();
  await first.add(ACCEPTED, ['old']);
  // As an agent leaves it that is killed right after it was set aside; and as earlier versions left it, without order.
  await rename(join(spool, '1.1'), join(spool, '.gone-1.1'));
  await first.add({ ...ACCEPTED, jobId: '2' }, ['old']);
  await rm(join(spool, '2.1/order.json'));
  const next = table();
  await next.load();
  expect(next.jobs.size).toBe(0);
  for (const jobId of ['1', '2']) await next.add({ ...ACCEPTED, jobId }, ['new']);
  const last = table();
  await last.load();
  expect([...last.jobs.values()].map(({ native }) => native)).toEqual([['new'], ['new']]);
  expect((await readdir(spool)).toSorted()).toEqual(['1.1', '2.1']);
});

/** One look at all jobs: what cannot be taken in of one of them is that one's alone. */
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { realSystem } from '../../../system/real.ts';
import { createFollowing } from './following.ts';
import { createJobTable } from './jobs.ts';

test('a job that cannot be followed is said, once, and is not submitted; the others are', async () => {
  const spool = await mkdtemp(join(tmpdir(), 'rainbow-following-'));
  onTestFinished(() => rm(spool, { recursive: true }));
  const said: string[] = [];
  const log = { info: (text: string) => void said.push(text), warn: (text: string) => void said.push(text) };
  const table = createJobTable({
    spool,
    keptDir: null,
    log,
    changed: () => undefined,
    noNative: '',
    nativeId: (native: string) => native,
    makeRunDir: (dir) => mkdir(join(dir, 'run')),
  });
  for (const jobId of ['1', '2']) await table.add({ jobId, epoch: 1, order: null, acceptedAt: 1 }, `n${jobId}`);
  const wrong = new Map([['1.1', 'EACCES: end.0.0']]);
  const followed: string[] = [];
  let settled = 0;
  const following = createFollowing(
    {
      table,
      scheduler: 'Slurm',
      cluster: 'red',
      pace: { least: 60_000, most: 60_000 },
      log,
      look: async () => [],
      // One of which there is no directory here.
      ours: async () => new Map([['3.1', []]]),
      async strange() {
        if (wrong.has('3.1')) throw new Error(wrong.get('3.1'));
      },
      async settled() {
        settled++;
      },
      async follow({ text }) {
        if (wrong.has(text)) throw new Error(wrong.get(text));
        followed.push(text);
      },
    },
    realSystem,
  );
  onTestFinished(() => following.poll.close());
  const look = async (): Promise<void> => void (await following.poll.newerThan(following.poll.now()));
  const of = (jobId: string) => following.lookBeforeSubmit({ jobId, epoch: 1 });

  for (let i = 0; i < 3; i++) await look();
  expect(followed).toEqual(['2.1', '2.1', '2.1']);
  expect(said).toEqual(['job 1.1: what Slurm says of it cannot be taken in: EACCES: end.0.0']);
  expect((await following.find()).map(({ jobId }) => jobId)).toEqual(['1', '2']);
  await of('2');
  await expect(of('1')).rejects.toMatchObject({ code: 'unavailable' });
  expect(settled).toBeGreaterThanOrEqual(3);

  // Another cause is said; of one that is not here at all nothing is settled.
  const before = settled;
  wrong.set('1.1', 'EIO').set('3.1', 'ENOSPC');
  await look();
  expect(said.slice(1).map((text) => text.replace(/:.*: /, ': '))).toEqual(['job 3.1: ENOSPC', 'job 1.1: EIO']);
  await expect(of('3')).rejects.toMatchObject({ code: 'unavailable' });
  expect(settled).toBe(before);

  wrong.clear();
  await look();
  for (const jobId of ['1', '2', '3']) await of(jobId);
  expect(followed).toContain('1.1');
});

/** What is known of native jobs is on disk, whoever learns of it at the same time. */
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { realSystem } from '../../../system/real.ts';
import { silentLog } from '../../log.ts';
import { createSlurmJobs } from './jobs.ts';

let spool: string;
beforeEach(async () => {
  spool = await mkdtemp(join(tmpdir(), 'rainbow-slurm-jobs-'));
});
afterEach(() => rm(spool, { recursive: true, force: true }));

test('changes that come at once are made one after the other, and none is lost', async () => {
  const table = createSlurmJobs({ spool, keptDir: null, log: silentLog, changed: () => undefined }, realSystem);
  const uid = process.getuid?.() ?? 0;
  const accepted = {
    jobId: '1',
    epoch: 1,
    order: null,
    acceptedAt: 0,
    user: null,
    uid,
    lastTask: 0,
    ownOutput: false,
  };
  const job = await table.add(accepted, []);
  const nonces = Array.from({ length: 20 }, (_, number) => `n${number}`);
  await Promise.all([
    ...nonces.map((nonce) =>
      table.changeSubmissions(job, (now) => [...now, { nonce, name: '', at: 0, nativeId: null }]),
    ),
    expect(
      table.changeSubmissions(job, () => {
        throw new Error('one that fails');
      }),
    ).rejects.toThrow('one that fails'),
  ]);
  await table.changeSubmissions(job, (now) => now.map((each) => ({ ...each, nativeId: each.nonce })));
  const written = JSON.parse(await readFile(join(spool, '1.1', 'native.json'), 'utf8')) as typeof job.submissions;
  expect(written.map(({ nativeId }) => nativeId)).toEqual(nonces);
  expect(job.submissions).toEqual(written);
});

/** How a job stands, from what squeue and the wrapper say, where these do not agree. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { realSystem } from '../../../system/real.ts';
import type { System } from '../../../system/system.ts';
import { silentLog } from '../../log.ts';
import { createJobTable, type JobTable } from '../batch/jobs.ts';
import { makeRunDir, nativeIdOf, refresh, type Accepted, type Submissions } from './jobs.ts';
import { nativeName } from './key.ts';
import type { SlurmRecord } from './records.ts';

const KEY = { jobId: '1', epoch: 1, realm: '00c0ffee', nonce: '0123456789ab' };
const name = nativeName(KEY, '');
let spool: string;
let table: JobTable<Accepted, Submissions>;
beforeEach(async () => {
  spool = await mkdtemp(join(tmpdir(), 'rainbow-slurm-jobs-'));
  table = createJobTable<Accepted, Submissions>({
    spool,
    keptDir: null,
    log: silentLog,
    changed: () => undefined,
    noNative: [],
    nativeId: nativeIdOf,
    makeRunDir,
  });
});
afterEach(() => rm(spool, { recursive: true, force: true }));

const at = realSystem.clock.now();
const record = (state: string, startedAt: number | null): SlurmRecord => ({
  id: '17',
  arrayTask: null,
  isArray: false,
  state,
  waitStatus: 0,
  reason: 'Resources',
  name,
  user: 'ada',
  partition: 'main',
  submittedAt: at,
  startedAt,
  endedAt: null,
  restarts: 0,
  hadNodes: startedAt !== null,
});
/** Some seconds later. */
const later = (seconds: number): System => ({
  ...realSystem,
  clock: { ...realSystem.clock, now: () => realSystem.clock.now() + seconds * 1000 },
});

test('a job that ran and ended, and that a controller which forgot it has in its queue again, has ended', async () => {
  const uid = process.getuid?.() ?? 0;
  const accepted = {
    jobId: '1',
    epoch: 1,
    order: null,
    acceptedAt: at,
    user: null,
    uid,
    lastTask: 0,
    ownOutput: false,
  };
  const job = await table.add(accepted, [{ nonce: KEY.nonce, name, at, nativeId: '17' }]);
  await refresh(table, job, [record('RUNNING', at + 1000)], realSystem);
  // Started again by Slurm, as far as anybody knows: it goes on.
  await refresh(table, job, [record('PENDING', null)], later(60));
  expect(job.status.state).toBe('running');
  await writeFile(join(job.runDir, 'end.0.0'), 'status 3\ncomplete\n');
  // What squeue says may be a moment older than what the wrapper wrote.
  await refresh(table, job, [record('PENDING', null)], later(5));
  expect(job.status.state).toBe('running');
  await refresh(table, job, [record('PENDING', null)], later(60));
  expect(job.status).toMatchObject({ state: 'ended', startedAt: at + 1000, end: { outcome: 'failed', exitCode: 3 } });
});

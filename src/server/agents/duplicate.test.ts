/** on_cluster_loss: duplicate. Two attempts at once, of which the first to end counts. */
import { afterEach, beforeEach, expect, test } from 'vitest';
import { coresJob } from '../../scheduler/testing/rig.ts';
import type { JobRecord } from '../../store/store.ts';
import type { FakeAgent } from './testing/fake-agent.ts';
import { cancel, connected, open, pass, rig, settle, state } from './testing/served.ts';

let k: FakeAgent;
let l: FakeAgent;
beforeEach(async () => {
  await open({ settings: { silentAfter: 30, lostAfter: 60, passOverAfter: 20 } });
  await rig.cluster('L');
  [k, l] = [await connected('K'), await connected('L')];
});
afterEach(async () => {
  await rig.close();
});

/** Runs on K, whose agent is gone, and has been given to L. */
async function duplicated(more: object = {}): Promise<JobRecord> {
  const { job } = await rig.submit(coresJob({}), { policy: 'first', onClusterLoss: 'duplicate', ...more });
  await settle();
  expect(job.cluster).toBe('K');
  k.report(job.id, 1, 'running');
  await settle();
  k.drop();
  await pass(l, 45);
  expect(await state(job.id)).toBe('unknown');
  await pass(l, 30);
  const now = await rig.job(job.id);
  expect(now).toMatchObject({ state: 'received', epoch: 2, cluster: 'L' });
  expect((await rig.store.jobs.attempts(job.id))[0]).toMatchObject({
    state: 'unknown',
    reason: { code: 'duplicated' },
  });
  return now;
}

test('the second ends first: the first is stopped when its agent calls in', async () => {
  const job = await duplicated();
  l.report(job.id, 2, 'running');
  l.report(job.id, 2, 'completed', { exitCode: 0 });
  await settle();
  expect(await rig.job(job.id)).toMatchObject({ state: 'completed', epoch: 2, endedBy: null, cluster: 'L' });
  k.connect();
  await settle();
  expect(k.stops()).toEqual([{ jobId: job.id, epoch: '1' }]);
  k.report(job.id, 1, 'canceled');
  await settle();
  expect(k.journal.size).toBe(0);
  expect(await state(job.id)).toBe('completed');
});

test('its agent is back while both run: neither is stopped; the first ends first and counts, the second is stopped', async () => {
  const job = await duplicated();
  l.report(job.id, 2, 'running');
  k.connect();
  await settle();
  expect(k.stops()).toEqual([]);
  expect(await rig.job(job.id)).toMatchObject({ state: 'running', epoch: 2, cluster: 'L' });
  k.report(job.id, 1, 'failed', { exitCode: 7, reason: { code: 'exit', message: 'seven' } });
  await settle();
  expect(await rig.job(job.id)).toMatchObject({
    state: 'failed',
    epoch: 2,
    endedBy: 1,
    cluster: 'K',
    exitCode: 7,
    reason: { code: 'exit', message: 'seven' },
  });
  expect(k.acknowledged().at(-1)).toBe(`${job.id} failed`);
  expect(l.stops()).toEqual([{ jobId: job.id, epoch: '2' }]);
  expect(rig.freeCores('L')).toBe(36);
  l.report(job.id, 2, 'canceled');
  await settle();
  expect(l.journal.size).toBe(0);
  expect(await rig.store.jobs.attempts(job.id)).toMatchObject([
    { epoch: 1, state: 'failed', cluster: 'K', exitCode: 7 },
    { epoch: 2, state: 'running', cluster: 'L', reason: { code: 'duplicated' } },
  ]);
});

test('ended while its agent was away: said with its Hello, it counts; the other is stopped at once', async () => {
  const job = await duplicated();
  l.report(job.id, 2, 'accepted');
  await settle();
  k.journal.set(`${job.id}.1`, { id: job.id, epoch: '1', state: 'completed', acknowledged: false });
  k.connect();
  await settle();
  expect(await rig.job(job.id)).toMatchObject({ state: 'completed', endedBy: 1, cluster: 'K' });
  expect(l.stops()).toEqual([{ jobId: job.id, epoch: '2' }]);
  expect(k.journal.size).toBe(0);
});

test('a cancel ends both', async () => {
  const job = await duplicated();
  k.connect();
  await settle();
  await cancel(job.id);
  await settle();
  expect(l.stops()).toEqual([{ jobId: job.id, epoch: '2' }]);
  l.report(job.id, 2, 'canceled');
  await settle();
  expect(await state(job.id)).toBe('canceled');
  expect(k.stops()).toEqual([{ jobId: job.id, epoch: '1' }]);
});

test('a first attempt that was canceled there, or refused, or never began says nothing about the job', async () => {
  const job = await duplicated();
  k.connect();
  await settle();
  k.report(job.id, 1, 'canceled');
  await settle();
  expect(await rig.job(job.id)).toMatchObject({ state: 'received', epoch: 2 });
  expect(k.acknowledged().at(-1)).toBe(`${job.id} canceled`);
  k.journal.set(`${job.id}.1`, { id: job.id, epoch: '1', state: 'received', acknowledged: false });
  k.connect();
  await settle();
  expect(k.stops(), 'what has not begun need not begin').toEqual([{ jobId: job.id, epoch: '1' }]);
});

test('where no other cluster could hold it, there is no second attempt', async () => {
  const { job } = await rig.submit(coresJob({}), { candidates: ['K'], onClusterLoss: 'duplicate' });
  await settle();
  k.report(job.id, 1, 'running');
  await settle();
  k.drop();
  await pass(l, 100);
  expect(await rig.job(job.id)).toMatchObject({ state: 'unknown', epoch: 1 });
});

test('requeue stays what it was: an end under the old epoch does not count', async () => {
  const { job } = await rig.submit(coresJob({}), { policy: 'first', onClusterLoss: 'requeue' });
  await settle();
  k.report(job.id, 1, 'running');
  await settle();
  k.drop();
  await pass(l, 75);
  expect(await rig.job(job.id)).toMatchObject({ epoch: 2, cluster: 'L' });
  k.connect();
  await settle();
  expect(k.stops()).toEqual([{ jobId: job.id, epoch: '1' }]);
  k.report(job.id, 1, 'completed', { exitCode: 0 });
  await settle();
  expect(await rig.job(job.id)).toMatchObject({ state: 'received', epoch: 2, endedBy: null });
});

/** Jobs that fail and are tried again, as their policy says: over a real store and scheduler, agents played. */
import { afterEach, beforeEach, expect, test } from 'vitest';
import { retryPolicy, splitConditions, type RetryPolicy } from '../../core/job/retry.ts';
import type { ReasonCode } from '../../core/job/state.ts';
import { coresJob } from '../../scheduler/testing/rig.ts';
import type { JobRecord } from '../../store/store.ts';
import type { FakeAgent } from './testing/fake-agent.ts';
import { cancel, connected, open, pass, rig, settle, state } from './testing/served.ts';

beforeEach(async () => {
  await open();
});
afterEach(async () => {
  await rig.close();
});

const retry = (on: string, more: Partial<RetryPolicy> = {}): { handling: { retry: RetryPolicy } } => ({
  handling: { retry: retryPolicy({ limit: 2, where: '', delay: 30, ...more, on: splitConditions(on) }, 'retry') },
});

async function submitted(more: object): Promise<JobRecord> {
  const { job } = await rig.submit(coresJob({}), { policy: 'first', ...more });
  await settle();
  return job;
}

async function fail(agent: FakeAgent, job: JobRecord, epoch: number, code: ReasonCode, exitCode?: number) {
  agent.report(job.id, epoch, 'running');
  agent.report(job.id, epoch, 'failed', {
    reason: { code, message: `${code} here` },
    ...(exitCode === undefined ? {} : { exitCode }),
  });
  await settle();
  return await rig.job(job.id);
}

test('a failure that the policy names: a new attempt after a delay that doubles, until the limit', async () => {
  const agent = await connected();
  const job = await submitted(retry('exit:3'));
  const after = await fail(agent, job, 1, 'exit', 3);
  expect(after).toMatchObject({ state: 'pending', epoch: 2, reason: { code: 'retry' }, exitCode: null });
  expect(after.reason.message).toBe('attempt 1 on K failed: exit here; retry 1 of 2, 30 s after it failed');
  expect(agent.acknowledged().at(-1)).toBe(`${job.id} failed`);
  expect(rig.freeCores('K')).toBe(36);
  agent.heartbeat();
  await rig.system.advance(29_000);
  expect(await state(job.id)).toBe('pending');
  await rig.system.advance(1_500);
  expect(await rig.job(job.id)).toMatchObject({ state: 'received', epoch: 2 });
  await fail(agent, job, 2, 'exit', 3);
  await pass(agent, 55);
  expect(await state(job.id)).toBe('pending');
  await pass(agent, 10);
  expect(await state(job.id)).toBe('received');
  const last = await fail(agent, job, 3, 'exit', 3);
  expect(last).toMatchObject({ state: 'failed', epoch: 3, exitCode: 3 });
  expect(last.reason).toEqual({ code: 'exit', message: 'exit here; it was tried again twice' });
  expect(await rig.store.jobs.attempts(job.id)).toMatchObject([
    { epoch: 1, state: 'failed', exitCode: 3, reason: { code: 'exit', message: 'exit here' } },
    { epoch: 2, state: 'failed', exitCode: 3 },
    { epoch: 3, state: 'failed', exitCode: 3 },
  ]);
});

test('other failures end it; a success after a retry is one; infrastructure counts by its name', async () => {
  const agent = await connected();
  const other = await submitted(retry('exit:3', { delay: 0 }));
  expect(await fail(agent, other, 1, 'exit', 4)).toMatchObject({ state: 'failed', epoch: 1 });
  const job = await submitted(retry('node_failure,137', { delay: 0 }));
  expect(await fail(agent, job, 1, 'node_failure')).toMatchObject({ state: 'received', epoch: 2 });
  expect(await fail(agent, job, 2, 'signal', 137)).toMatchObject({ state: 'received', epoch: 3 });
  agent.report(job.id, 3, 'completed', { exitCode: 0 });
  await settle();
  expect(await rig.job(job.id)).toMatchObject({ state: 'completed', epoch: 3, exitCode: 0 });
});

test('never after a cancel, whichever comes first', async () => {
  const agent = await connected();
  const asked = await submitted(retry('exit', { delay: 0 }));
  agent.report(asked.id, 1, 'running');
  await settle();
  await cancel(asked.id);
  expect(await fail(agent, asked, 1, 'exit', 1)).toMatchObject({ state: 'failed', epoch: 1 });
  const waiting = await submitted(retry('exit'));
  await fail(agent, waiting, 1, 'exit', 1);
  expect(await cancel(waiting.id)).toMatchObject({ state: 'canceled', epoch: 2 });
  await pass(agent, 60);
  expect(await state(waiting.id)).toBe('canceled');
  // In between: the cancel is stored while the failure is being written.
  const racing = await submitted(retry('exit', { delay: 0 }));
  agent.report(racing.id, 1, 'running');
  await settle();
  const attempts = rig.store.jobs.attempts.bind(rig.store.jobs);
  Object.assign(rig.store.jobs, {
    attempts: async (id: string) => {
      await rig.store.jobs.requestCancel(id, { code: 'user', message: '' }, rig.system.clock.now());
      return await attempts(id);
    },
  });
  expect(await fail(agent, racing, 1, 'exit', 1)).toMatchObject({ state: 'canceled', epoch: 2 });
});

test('elsewhere: at no cluster where it failed; where there is no other, it ends', async () => {
  await rig.cluster('L');
  const [k, l] = [await connected('K'), await connected('L')];
  const job = await submitted(retry('exit', { where: 'elsewhere', delay: 0, limit: 5 }));
  expect(job.cluster).toBe('K');
  expect(await fail(k, job, 1, 'exit', 1)).toMatchObject({ state: 'received', epoch: 2, cluster: 'L' });
  const ended = await fail(l, job, 2, 'exit', 1);
  expect(ended).toMatchObject({ state: 'failed', epoch: 2, exitCode: 1 });
  expect(ended.reason.message).toBe('exit here; no other cluster can hold it, to try it again');
  // The other goes away while the retry waits for its delay.
  const late = await submitted(retry('exit', { where: 'elsewhere' }));
  await fail(k, late, 1, 'exit', 1);
  await rig.scheduler.registry.delete('L');
  await pass(k, 35);
  expect(await rig.job(late.id)).toMatchObject({ state: 'failed', reason: { code: 'exit' } });
});

test('here: at the cluster where it failed, though the policy would choose another', async () => {
  await rig.cluster('L');
  const [k, l] = [await connected('K'), await connected('L')];
  const job = await submitted({
    ...retry('exit', { where: 'here', delay: 0 }),
    candidates: ['L', 'K'],
    policy: 'first',
  });
  const [first, other] = job.cluster === 'K' ? [k, l] : [l, k];
  await fail(first, job, 1, 'exit', 1);
  expect(await rig.job(job.id)).toMatchObject({ epoch: 2, cluster: job.cluster });
  expect(other.starts()).toEqual([]);
});

test('a restart of the server forgets neither the delay nor the count', async () => {
  const agent = await connected();
  const job = await submitted(retry('exit', { limit: 1 }));
  await fail(agent, job, 1, 'exit', 1);
  await rig.restart();
  await rig.system.advance(20_000);
  expect(await state(job.id)).toBe('pending');
  await rig.system.advance(11_000);
  expect(await rig.job(job.id)).toMatchObject({ state: 'assigned', epoch: 2 });
});

test('a lost cluster, and one that refuses, are failures that can be named', async () => {
  await rig.close();
  await open({ settings: { silentAfter: 30, lostAfter: 60, refusalBackoff: 5 } });
  const agent = await connected();
  const lost = await submitted({ ...retry('cluster_lost', { delay: 0 }), onClusterLoss: 'fail' });
  agent.report(lost.id, 1, 'running');
  await settle();
  agent.drop();
  await rig.system.advance(70_000);
  expect(await rig.job(lost.id)).toMatchObject({ state: 'assigned', epoch: 2 });
  expect((await rig.store.jobs.attempts(lost.id))[0]).toMatchObject({
    reason: { code: 'cluster_lost' },
    state: 'failed',
  });
  agent.journal.clear();
  agent.connect();
  await settle();
  agent.report(lost.id, 2, 'completed');
  const refused = await submitted(retry('refused', { limit: 1 }));
  for (let epoch = 1; epoch <= 2; epoch++) {
    agent.report(refused.id, epoch, 'pending', { reason: { code: 'refused', message: 'closed' } });
    await pass(agent, 20);
  }
  expect(await rig.job(refused.id)).toMatchObject({ state: 'failed', reason: { code: 'refused' } });
  const once = await submitted(retry('exit', { limit: 1 }));
  agent.report(once.id, 1, 'pending', { reason: { code: 'refused', message: 'closed' } });
  await settle();
  expect(await rig.job(once.id)).toMatchObject({ state: 'failed', epoch: 2, reason: { code: 'refused' } });
});

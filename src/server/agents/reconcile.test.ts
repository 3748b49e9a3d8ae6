import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { JobState } from '../../gen/rainbow/v1/job_pb.js';
import { coresJob } from '../../scheduler/testing/rig.ts';
import { fakeAgent } from './testing/fake-agent.ts';
import { brought, connected, handlers, open, pass, rig, serve, settle, state } from './testing/served.ts';

beforeEach(async () => {
  await open();
});
afterEach(async () => {
  await rig.close();
});

describe('reconciliation', () => {
  test('what ended while the stream was broken is said again, acknowledged and forgotten', async () => {
    const agent = await connected();
    const job = await brought(agent, 'running');
    agent.drop();
    agent.report(job.id, 1, 'completed', { exitCode: 0 });
    await settle();
    expect(rig.scheduler.registry.isConnected('K')).toBe(false);
    expect(await state(job.id)).toBe('running');
    agent.connect();
    await settle();
    expect(await state(job.id)).toBe('completed');
    expect(agent.acknowledged()).toEqual([`${job.id} completed`]);
    expect(agent.journal.size).toBe(0);
  });

  test('a job whose Start was lost goes back and is sent again under the next epoch', async () => {
    const agent = await connected();
    const job = await brought(agent, 'received');
    agent.drop();
    agent.journal.clear();
    agent.connect();
    await settle();
    const [first] = await rig.store.jobs.attempts(job.id);
    expect(first?.reason.code).toBe('not_held');
    expect(agent.starts()).toEqual([{ jobId: job.id, epoch: '2' }]);
    // Once is forgiven; the second time, K is not asked again at once.
    agent.drop();
    agent.journal.clear();
    agent.connect();
    await settle();
    expect(await state(job.id)).toBe('pending');
    await pass(agent, 60);
    expect(agent.starts()).toEqual([{ jobId: job.id, epoch: '3' }]);
    expect(rig.freeCores('K')).toBe(35);
  });

  test.each([
    ['wait', 'failed', 'cluster_lost'],
    ['fail', 'failed', 'cluster_lost'],
    ['requeue', 'received', 'requeued'],
  ] as const)(
    'a running job that the agent no longer knows, on_cluster_loss %s: %s',
    async (onClusterLoss, ends, code) => {
      const agent = await connected();
      const { job } = await rig.submit(coresJob({}), { onClusterLoss });
      await settle();
      agent.report(job.id, 1, 'running');
      await settle();
      agent.drop();
      agent.journal.clear();
      agent.connect();
      await settle();
      const now = await rig.job(job.id);
      expect(now.state).toBe(ends);
      const attempts = await rig.store.jobs.attempts(job.id);
      expect(attempts[0]?.reason.code).toBe(code);
      expect(rig.freeCores('K')).toBe(ends === 'failed' ? 36 : 35);
    },
  );

  test('a stale epoch, an ended job and one that never was are stopped', async () => {
    const agent = await connected();
    const job = await brought(agent, 'received');
    agent.drop();
    agent.journal.clear();
    agent.connect();
    await settle();
    agent.drop();
    agent.connect({
      holds: [
        { jobId: job.id, epoch: '1', state: JobState.RUNNING },
        { jobId: '77', epoch: '1', state: JobState.RUNNING },
        { jobId: '78', epoch: '1', state: JobState.COMPLETED },
      ],
    });
    await settle();
    expect(agent.stops()).toEqual([
      { jobId: job.id, epoch: '1' },
      { jobId: '77', epoch: '1' },
    ]);
    expect(agent.acknowledged()).toEqual(['78 completed']);
    expect((await rig.job(job.id)).epoch).toBeGreaterThan(1);
  });

  test('a server that was killed knows everything again, and its agents go on', async () => {
    const agent = await connected();
    const [running, received] = [await brought(agent, 'running'), await brought(agent, 'received')];
    agent.drop();
    await rig.restart();
    serve();
    const again = fakeAgent(handlers, { cluster: 'K', startedAt: rig.system.clock.now() });
    for (const [key, entry] of agent.journal) again.journal.set(key, entry);
    again.connect();
    await settle();
    expect([await state(running.id), await state(received.id)]).toEqual(['running', 'received']);
    expect(rig.freeCores('K')).toBe(34);
    again.report(running.id, 1, 'completed');
    again.report(received.id, 1, 'completed');
    await settle();
    expect([await state(running.id), await state(received.id)]).toEqual(['completed', 'completed']);
    expect(rig.freeCores('K')).toBe(36);
  });

  test('what a polling client had accepted is not taken for lost when the first agent comes', async () => {
    const { job } = await rig.submit(coresJob({}));
    const [leased] = await rig.receive('K', 1, 30_000);
    const at = rig.system.clock.now();
    await rig.scheduler.transition({
      id: job.id,
      from: ['received'],
      epoch: leased?.epoch ?? 0,
      to: 'accepted',
      reason: { code: 'in_native_queue', message: '' },
      at,
      leaseExpiresAt: null,
    });
    await connected();
    expect(await state(job.id)).toBe('accepted');
  });
});

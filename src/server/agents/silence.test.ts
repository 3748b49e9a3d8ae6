import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { coresJob } from '../../scheduler/testing/rig.ts';
import { brought, cancel, connected, open, rig, settle, state } from './testing/served.ts';

beforeEach(async () => {
  await open();
});
afterEach(async () => {
  await rig.close();
});

describe('silence', () => {
  const quick = { silentAfter: 30, lostAfter: 120, reassignAfter: 60 };

  test('a stream on which nothing is heard for three heartbeats is closed; ours come meanwhile', async () => {
    const agent = await connected();
    await rig.system.advance(25_000);
    expect(agent.over).toBeNull();
    expect(agent.heard.filter(({ message }) => message?.case === 'heartbeat')).toHaveLength(2);
    await rig.system.advance(20_000);
    expect(agent.over?.error).toMatchObject({ code: 'deadline_exceeded' });
    expect(rig.scheduler.registry.isConnected('K')).toBe(false);
  });

  test('what a silent agent holds is unknown, and is what it is when the agent is back', async () => {
    await rig.close();
    await open({ settings: quick });
    const agent = await connected();
    const [running, received] = [await brought(agent, 'running'), await brought(agent, 'received')];
    agent.drop();
    await rig.system.advance(25_000);
    expect(await state(running.id)).toBe('running');
    await rig.system.advance(15_000);
    expect(await rig.job(running.id)).toMatchObject({ state: 'unknown', reason: { code: 'cluster_silent' } });
    expect(await state(received.id)).toBe('unknown');
    await rig.system.advance(3_600_000);
    expect(await state(running.id)).toBe('unknown');
    expect(rig.freeCores('K')).toBe(34);
    agent.connect();
    await settle();
    expect(await state(running.id)).toBe('running');
    agent.report(received.id, 1, 'accepted');
    await settle();
    expect(await state(received.id)).toBe('accepted');
  });

  test('a restarted server waits for its agents before it calls them silent', async () => {
    await rig.close();
    await open({ settings: quick });
    const agent = await connected();
    const job = await brought(agent, 'running');
    agent.drop();
    await rig.scheduler.stop();
    await rig.system.advance(3_600_000);
    await rig.restart(quick);
    await rig.system.advance(20_000);
    expect(await state(job.id)).toBe('running');
    await rig.system.advance(20_000);
    expect(await state(job.id)).toBe('unknown');
  });

  test('a server that stood still, or whose clock was set, waits for them just so', async () => {
    await rig.close();
    await open({ settings: quick });
    const agent = await connected();
    const { job } = await rig.submit(coresJob({}), { onClusterLoss: 'fail' });
    await settle();
    agent.report(job.id, 1, 'running');
    await settle();
    agent.drop();
    // No timer fires in between: nobody could have called in.
    rig.system.turnClock(8 * 3_600_000);
    await rig.system.advance(20_000);
    expect(await state(job.id)).toBe('running');
    await rig.system.advance(20_000);
    expect(await state(job.id)).toBe('unknown');
    await rig.system.advance(120_000);
    expect(await state(job.id)).toBe('failed');
  });

  test('on_cluster_loss: requeue goes elsewhere and the old holder is stopped; fail fails; a canceled job ends', async () => {
    await rig.close();
    await open({ settings: quick });
    const agent = await connected();
    const submit = async (onClusterLoss: 'requeue' | 'fail' | 'wait') => {
      const { job } = await rig.submit(coresJob({}), { onClusterLoss });
      await settle();
      agent.report(job.id, 1, 'running');
      await settle();
      return job;
    };
    const [requeue, fail, wait] = [await submit('requeue'), await submit('fail'), await submit('wait')];
    await rig.cluster('L');
    await cancel(wait.id);
    agent.drop();
    await rig.system.advance(110_000);
    expect(await state(requeue.id)).toBe('unknown');
    await rig.system.advance(20_000);
    expect(await rig.job(fail.id)).toMatchObject({ state: 'failed', reason: { code: 'cluster_lost' } });
    expect(await rig.job(wait.id)).toMatchObject({ state: 'canceled', reason: { code: 'user' } });
    // Only K was its candidate: it waits for K under the next epoch.
    expect(await rig.job(requeue.id)).toMatchObject({ state: 'assigned', cluster: 'K', epoch: 2 });
    agent.connect();
    await settle();
    expect(
      agent
        .stops()
        .map(({ jobId }) => jobId)
        .sort(),
    ).toEqual([requeue.id, fail.id, wait.id].sort());
    expect(agent.stops().find(({ jobId }) => jobId === requeue.id)?.epoch).toBe('1');
    expect(agent.starts()).toEqual([{ jobId: requeue.id, epoch: '2' }]);
  });

  test('what a silent cluster never received goes elsewhere, and new jobs do not go there', async () => {
    await rig.close();
    await open({ settings: quick });
    await rig.cluster('L');
    const agent = await connected('K', { capacity: 0 });
    const { job } = await rig.submit(coresJob({}), { policy: 'first' });
    const { job: only } = await rig.submit(coresJob({}), { candidates: ['K'] });
    expect(job.cluster).toBe('K');
    agent.drop();
    await rig.system.advance(80_000);
    expect(await rig.job(job.id)).toMatchObject({ state: 'assigned', cluster: 'L', epoch: 2 });
    expect(await rig.job(only.id)).toMatchObject({ state: 'assigned', cluster: 'K', epoch: 1 });
    expect((await rig.submit(coresJob({}), { policy: 'first' })).job.cluster).toBe('L');
  });

  test('a deleted cluster’s agent is told so', async () => {
    const agent = await connected();
    await rig.scheduler.registry.delete('K');
    await settle();
    expect(agent.over?.error).toMatchObject({ code: 'not_found' });
  });
});

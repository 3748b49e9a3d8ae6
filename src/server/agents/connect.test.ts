import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { RainbowError } from '../../core/errors.ts';
import { JobState } from '../../gen/rainbow/v1/job_pb.js';
import { coresJob, hash } from '../../scheduler/testing/rig.ts';
import { openStore } from '../../store/open.ts';
import type { JobRecord, Store } from '../../store/store.ts';
import { type FakeAgent } from './testing/fake-agent.ts';
import { agentOf, brought, connected, handlers, open, rig, settle, state } from './testing/served.ts';

beforeEach(async () => {
  await open();
});
afterEach(async () => {
  await rig.close();
});

describe('Hello', () => {
  test('has to be first, soon, in a protocol that is spoken, with the right secret', async () => {
    const cases: [Parameters<FakeAgent['connect']>[0], string, string][] = [
      [{ protocol: 2 }, 'failed_precondition', 'speaks agent protocol 1'],
      [{ secret: 'wrong' }, 'unauthenticated', 'request denied'],
      [{ instanceId: '' }, 'invalid_input', 'hello.instance_id'],
      [{ instanceStartedMs: String(rig.system.clock.now() + 3_600_000) }, 'failed_precondition', 'clock'],
      [{ holds: [{ jobId: 'x', epoch: '1', state: JobState.ACCEPTED }] }, 'invalid_input', 'hello.holds[0].job_id'],
      [{ holds: [{ jobId: '1', epoch: '0', state: JobState.ACCEPTED }] }, 'invalid_input', 'hello.holds[0].epoch'],
    ];
    for (const [hello, code, message] of cases) {
      const agent = agentOf();
      agent.connect(hello);
      await settle();
      expect(agent.over?.error).toMatchObject({ code });
      expect(String(agent.over?.error)).toContain(message);
    }
    expect(rig.scheduler.registry.get('K')?.instance).toBeNull();
    expect(rig.scheduler.registry.isConnected('K')).toBe(false);
  });

  test('a caller that says nothing is let go', async () => {
    const silent = handlers.connect(
      { [Symbol.asyncIterator]: () => ({ next: () => new Promise<never>(() => {}) }) },
      { metadata: () => null, signal: new AbortController().signal, onAbort: () => undefined, peer: 'test' },
    );
    const first = silent[Symbol.asyncIterator]().next();
    let error: unknown = null;
    first.catch((thrown: unknown) => (error = thrown));
    await rig.system.advance(6_000);
    expect(error).toMatchObject({ code: 'deadline_exceeded' });
  });

  test('said twice ends the stream; a broken report too, with its place', async () => {
    const agent = await connected();
    agent.say({ case: 'hello', value: { protocol: 1 } });
    await settle();
    expect(agent.over?.error).toMatchObject({ code: 'failed_precondition' });
    agent.connect();
    agent.say({ case: 'report', value: { jobId: '1', epoch: '1', state: JobState.REJECTED } });
    await settle();
    expect(agent.over?.error).toMatchObject({ code: 'invalid_input', place: 'report.state' });
    expect(rig.scheduler.registry.isConnected('K')).toBe(false);
  });

  test('the newest instance fences the older, which may not come back', async () => {
    const older = await connected('K', { instance: 'older', startedAt: 1_000 });
    const newer = await connected('K', { instance: 'newer', startedAt: 2_000 });
    expect(older.over?.error).toMatchObject({ code: 'failed_precondition' });
    expect(String(older.over?.error)).toContain('a newer agent of this cluster has connected');
    older.connect();
    await settle();
    expect(older.over?.error).toMatchObject({ code: 'failed_precondition' });
    expect(newer.over).toBeNull();
    expect(rig.scheduler.registry.isConnected('K')).toBe(true);
    const { job } = await rig.submit(coresJob({}));
    await settle();
    expect(newer.starts()).toEqual([{ jobId: job.id, epoch: '1' }]);
    expect(older.starts()).toEqual([]);
  });

  test('a new stream of the same agent replaces its last one', async () => {
    const agent = await connected();
    const job = await brought(agent, 'running');
    agent.connect();
    await settle();
    expect(agent.over).toBeNull();
    expect(rig.scheduler.registry.isConnected('K')).toBe(true);
    agent.report(job.id, 1, 'completed', { exitCode: 0 });
    await settle();
    expect(await state(job.id)).toBe('completed');
  });

  test('one that comes after a break waits until the last of the broken one is written', async () => {
    await rig.close();
    let mayWrite = Promise.resolve();
    await open({
      openStore: async (at, system) => {
        const store = await openStore(at, system);
        const transition: Store['jobs']['transition'] = async (change) => {
          await mayWrite;
          return store.jobs.transition(change);
        };
        return { ...store, jobs: { ...store.jobs, transition } };
      },
    });
    const agent = await connected();
    const job = await brought(agent, 'running');
    const { promise, resolve: write } = Promise.withResolvers<void>();
    mayWrite = promise;
    agent.report(job.id, 1, 'completed', { exitCode: 0 });
    await settle();
    agent.drop();
    await settle();
    expect(rig.scheduler.registry.isConnected('K')).toBe(false);
    agent.connect();
    await settle();
    expect(agent.heard).toEqual([]);
    expect(rig.scheduler.registry.isConnected('K')).toBe(true);
    write();
    await settle();
    expect(await state(job.id)).toBe('completed');
    expect(agent.heard[0]?.message?.case).toBe('welcome');
    expect(agent.acknowledged()).toEqual([`${job.id} completed`]);
  });
});

describe('a deleted cluster', () => {
  test('its connected agent is told by not_found, and its jobs say so; an agent that is not there is not counted on', async () => {
    await rig.cluster('L');
    const agent = await connected('K');
    const there = await connected('L');
    const told = await running('K', agent);
    const untold = await running('L', there);
    there.drop();
    await settle();
    for (const name of ['K', 'L']) await rig.scheduler.registry.delete(name);
    await settle();
    expect(agent.over?.error).toMatchObject({ code: 'not_found' });
    expect(String(agent.over?.error)).toContain('cluster K was deleted');
    expect((await rig.job(told.id)).reason.message).toBe('cluster K was deleted; its agent is told to stop it');
    expect((await rig.job(untold.id)).reason.message).toContain('no agent of it was connected');
    // Its agent hears of it when it calls in again, on a stream that it is let into, also where another has its name.
    await rig.cluster('L');
    const secretOfNow = { secretHash: hash('another'), tokenHash: hash('t') };
    await rig.scheduler.registry.delete('L');
    await rig.store.clusters.register({ ...NAMESAKE, ...secretOfNow, at: rig.system.clock.now() });
    for (let again = 0; again < 2; again++) {
      there.connect();
      await settle();
      expect(there.heard.map(({ message }) => message?.case)).toEqual(['welcome']);
      expect(there.over?.error).toMatchObject({ code: 'not_found' });
    }
    // Any other secret learns nothing.
    there.connect({ cluster: 'L', secret: 'guessed', protocol: 1, instanceId: 'x' });
    await settle();
    expect(there.heard).toEqual([]);
    expect(there.over?.error).toMatchObject({ code: 'unauthenticated' });
  });

  test('registered anew while its agent is let in: that agent neither fences the newcomer nor is served', async () => {
    await rig.cluster('L');
    const claim = rig.store.clusters.claimInstance.bind(rig.store.clusters);
    Object.assign(rig.store.clusters, {
      claimInstance: async (...asked: Parameters<typeof claim>) => {
        await rig.store.clusters.delete('L', rig.system.clock.now());
        const secretHash = new Uint8Array(32);
        await rig.store.clusters.register({ ...NAMESAKE, secretHash, at: rig.system.clock.now() });
        return await claim(...asked);
      },
    });
    const agent = agentOf('L');
    agent.connect();
    await settle();
    expect(agent.over?.error).toMatchObject({ code: 'not_found' });
    expect((await rig.store.clusters.get('L'))?.instance).toBeNull();
  });

  test('what else is missing of a stream never looks like it', async () => {
    const agent = await connected();
    const job = await brought(agent, 'running');
    const missing = (): Promise<never> => Promise.reject(new RainbowError('not_found', 'there is no such attempt'));
    Object.assign(rig.store.jobs, { transition: missing });
    agent.report(job.id, 1, 'completed');
    await settle();
    expect(agent.over?.error).toMatchObject({ code: 'internal' });
  });
});

const NAMESAKE = { name: 'L', tokenHash: new Uint8Array(32), graph: '{}', counts: [] };

async function running(cluster: string, agent: FakeAgent): Promise<JobRecord> {
  const { job } = await rig.submit(coresJob({}), { candidates: [cluster] });
  await settle();
  agent.report(job.id, 1, 'running');
  await settle();
  return await rig.job(job.id);
}

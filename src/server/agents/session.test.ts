import { timestampFromMs } from '@bufbuild/protobuf/wkt';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { JobState } from '../../gen/rainbow/v1/job_pb.js';
import { OutputStream } from '../../gen/rainbow/v1/jobs_pb.js';
import { coresJob } from '../../scheduler/testing/rig.ts';
import type { JobId } from '../../store/store.ts';
import { type FakeAgent } from './testing/fake-agent.ts';
import { agentOf, brought, cancel, connected, open, pass, rig, settle, state, warned } from './testing/served.ts';

beforeEach(async () => {
  await open();
});
afterEach(async () => {
  await rig.close();
});

describe('a job’s way', () => {
  test('why it waits in its cluster’s queue is kept as it changes, with an event each, and not from a babbler', async () => {
    const agent = await connected();
    const { job } = await rig.submit(coresJob({ cores: 3 }));
    await settle();
    const waits = (message: string): void => agent.report(job.id, 1, 'accepted', { reason: { code: '', message } });
    waits('');
    await settle();
    waits('Slurm: Resources');
    await settle();
    expect((await rig.job(job.id)).reason).toEqual({ code: 'in_native_queue', message: 'Slurm: Resources' });
    for (let i = 0; i < 20; i++) waits(`babble ${i}`);
    await settle();
    await pass(agent, 11);
    waits('Slurm: ReqNodeNotAvail');
    await settle();
    waits('');
    await settle();
    expect((await rig.job(job.id)).reason.message).toBe('Slurm: ReqNodeNotAvail');
    const events = await rig.store.events.after(0, 100, { jobId: job.id });
    expect(events.flatMap(({ kind, reason }) => (kind === 'reason' ? [reason?.message] : []))).toEqual([
      'Slurm: Resources',
      'Slurm: ReqNodeNotAvail',
    ]);
    // What it said before it was away is no news.
    agent.report(job.id, 1, 'running');
    await settle();
    await pass(agent, 11);
    waits('late');
    await settle();
    expect(await rig.job(job.id)).toMatchObject({ state: 'running', reason: { code: 'started' } });
  });

  test('submitted, pushed without a poll, accepted, run, completed; each report acknowledged once committed', async () => {
    const agent = await connected();
    expect(agent.heard[0]?.message).toMatchObject({
      case: 'welcome',
      value: { protocol: 1, heartbeat: 10, serverVersion: 'test' },
    });
    const jobspec = coresJob({ cores: 3 });
    const { job } = await rig.submit(jobspec, { priority: 4 });
    expect(job.state).toBe('assigned');
    await settle();
    expect(agent.heard.find(({ message }) => message?.case === 'start')?.message?.value).toMatchObject({
      jobId: job.id,
      epoch: '1',
      jobspec,
      walltime: 60,
      priority: 4,
      owner: 'user:test',
    });
    expect(await state(job.id)).toBe('received');
    const startedAt = timestampFromMs(rig.system.clock.now() - 500);
    agent.report(job.id, 1, 'received');
    agent.report(job.id, 1, 'accepted');
    agent.report(job.id, 1, 'running', { startedAt });
    agent.report(job.id, 1, 'failed', { exitCode: 3 });
    agent.report(job.id, 1, 'failed', { exitCode: 3 });
    await settle();
    expect(await rig.job(job.id)).toMatchObject({
      state: 'failed',
      reason: { code: 'exit' },
      exitCode: 3,
      nativeId: `native-${job.id}`,
      startedAt: rig.system.clock.now() - 500,
    });
    expect(agent.acknowledged()).toEqual(
      ['received', 'accepted', 'running', 'failed', 'failed'].map((s) => `${job.id} ${s}`),
    );
    expect(rig.freeCores('K')).toBe(36);
    const events = await rig.store.events.after(0, 100, { jobId: job.id });
    expect(events.map(({ kind }) => kind)).toEqual([
      'pending',
      'assigned',
      'received',
      'accepted',
      'running',
      'failed',
    ]);
  });

  test('reports that skip states, or come late, lead to the same end', async () => {
    const agent = await connected();
    const job = await brought(agent, 'received');
    agent.report(job.id, 1, 'completed', { exitCode: 0 });
    agent.report(job.id, 1, 'accepted');
    await settle();
    expect(await rig.job(job.id)).toMatchObject({ state: 'completed', exitCode: 0 });
    expect(agent.stops()).toEqual([{ jobId: job.id, epoch: '1' }]);
  });

  test('completed with an exit code that says otherwise is kept as failed, logged once, and acknowledged as it was said', async () => {
    const agent = await connected();
    const job = await brought(agent, 'running');
    agent.report(job.id, 1, 'completed', { exitCode: 3 });
    agent.report(job.id, 1, 'completed', { exitCode: 3 });
    await settle();
    expect(await rig.job(job.id)).toMatchObject({ state: 'failed', exitCode: 3, reason: { code: 'exit' } });
    expect(agent.acknowledged().slice(-2)).toEqual([`${job.id} completed`, `${job.id} completed`]);
    expect(agent.journal.size).toBe(0);
    expect(warned).toEqual([
      {
        job: job.id,
        epoch: 1,
        cluster: 'K',
        exitCode: 3,
        signal: null,
        message: 'its agent reported this job as completed and with a failure: it is kept as failed',
      },
    ]);
  });

  test('never more received jobs in an agent than its capacity', async () => {
    const agent = await connected('K', { capacity: 2 });
    const jobs = await Promise.all(Array.from({ length: 5 }, () => rig.submit(coresJob({}))));
    await settle();
    expect(agent.starts()).toHaveLength(2);
    agent.report(jobs[0]?.job.id ?? '', 1, 'accepted');
    await settle();
    expect(agent.starts()).toHaveLength(3);
    agent.heartbeat(0);
    agent.report(jobs[1]?.job.id ?? '', 1, 'accepted');
    await settle();
    expect(agent.starts()).toHaveLength(3);
    agent.heartbeat(10);
    await settle();
    expect(agent.starts()).toHaveLength(5);
  });

  test('a Start that the agent could not take is said again, one that it spoke of is not', async () => {
    const agent = await connected();
    const failed = await brought(agent, 'received');
    const taken = await brought(agent, 'received');
    agent.report(taken.id, 1, 'received');
    await pass(agent, 75);
    expect(agent.starts().map(({ jobId }) => jobId)).toEqual([failed.id, taken.id, failed.id]);
    expect(await state(failed.id)).toBe('received');
  });

  test('what the native scheduler refuses goes to another cluster', async () => {
    await rig.cluster('L');
    const [k, l] = [await connected('K'), await connected('L')];
    const { job } = await rig.submit(coresJob({}), { policy: 'first' });
    await settle();
    expect(k.starts()).toHaveLength(1);
    k.report(job.id, 1, 'pending', { reason: { code: 'refused', message: 'closed today' } });
    await settle();
    expect(k.acknowledged()).toEqual([`${job.id} pending`]);
    expect(l.starts()).toEqual([{ jobId: job.id, epoch: '2' }]);
    expect(await rig.job(job.id)).toMatchObject({ state: 'received', cluster: 'L', epoch: 2 });
    expect([rig.freeCores('K'), rig.freeCores('L')]).toEqual([36, 35]);
  });

  test('output is kept up to the cap and acknowledged; of jobs of others it is dropped', async () => {
    await rig.cluster('L');
    const [agent, other] = [await connected('K'), await connected('L')];
    const job = await brought(agent, 'running', coresJob({ nodes: 3, cores: 12 }));
    const theirs = job.cluster === 'K' ? other : agent;
    const own = job.cluster === 'K' ? agent : other;
    const chunk = (offset: number, text: string) => ({
      task: 0,
      stream: OutputStream.STDOUT,
      offset: String(offset),
      data: new TextEncoder().encode(text),
    });
    const send = (from: FakeAgent, ...chunks: ReturnType<typeof chunk>[]) =>
      from.say({ case: 'output', value: { jobId: job.id, epoch: '1', chunks } });
    send(theirs, chunk(0, 'forged'));
    await settle();
    send(own, chunk(0, 'hello '));
    send(own, chunk(0, 'hello '), chunk(6, 'world'));
    send(own, chunk(11, 'x'.repeat(500)));
    await settle();
    const { chunks } = await rig.store.output.read(job.id, 1, 0, 100);
    const text = chunks.map(({ data }) => new TextDecoder().decode(data)).join('');
    // The cap is 100 bytes: half of them from the beginning, half to the end.
    expect(text.startsWith(`hello world${'x'.repeat(39)}`)).toBe(true);
    expect(text.length).toBeLessThanOrEqual(100 + 2 * 16);
    expect(await rig.store.output.cut(job.id, 1)).toMatchObject([{ task: 0, offset: 511 }]);
    const offsets = own.heard.flatMap(({ message }) =>
      message?.case === 'outputAck' ? [message.value.offsets?.[0]?.offset] : [],
    );
    expect(offsets).toEqual(['6', '11', '511']);
    expect(theirs.heard.at(-1)?.message?.case).toBe('outputAck');
  });
});

test('an agent that does not read is not read from, and costs bounded memory', async () => {
  await rig.close();
  await open();
  const agent = agentOf('K', { slow: true });
  agent.connect();
  await settle();
  for (let i = 0; i < 5_000; i++)
    agent.say({ case: 'report', value: { jobId: String(1_000 + i), epoch: '1', state: JobState.COMPLETED } });
  await settle();
  expect(agent.acknowledged()).toEqual([]);
  let asked = 0;
  const get = (id: JobId) => before.get(id);
  const before = { ...rig.store.jobs };
  Object.assign(rig.store.jobs, { get: (id: JobId) => ((asked += 1), get(id)) });
  await settle();
  expect(asked).toBe(0);
  agent.readOn();
  await rig.system.until(() => agent.acknowledged().length === 5_000, 'all acknowledged');
  expect(asked).toBeGreaterThan(4_000);
});

test('a slow agent with room for everything: what waits for it stays bounded, the rest stays assigned', async () => {
  await rig.close();
  await open();
  await rig.cluster('L', 100, 100);
  const agent = agentOf('L', { slow: true, capacity: 100_000 });
  agent.connect();
  await settle();
  for (let i = 0; i < 100; i++) {
    await Promise.all(Array.from({ length: 10 }, () => rig.submit(coresJob({}), { candidates: ['L'] })));
  }
  await settle();
  const counts = (await rig.store.jobs.countsByCluster()).get('L');
  // The outbox takes 256 messages, and a batch may just have been on its way into it.
  expect(counts?.received).toBeLessThanOrEqual(256 + 64);
  expect((counts?.received ?? 0) + (counts?.assigned ?? 0)).toBe(1_000);
  agent.readOn();
  await rig.system.until(() => agent.starts().length === 1_000, 'all of them');
});

test('free vertices that the agent reports decide, unless they are of another graph or an older report', async () => {
  const agent = await connected();
  const version = String(rig.scheduler.registry.get('K')?.graphVersion);
  const { job } = await rig.submit(coresJob({ nodes: 1, cores: 12 }));
  expect(rig.freeCores('K')).toBe(24);
  const claims = JSON.parse(job.allocation ?? '') as { groups: { slots: { claims: [string][] }[] }[] };
  const busy = claims.groups.flatMap(({ slots }) => slots.flatMap((slot) => slot.claims.map(([id]) => id)));
  const free = (seq: number, busyVertices: string[], graphVersion = version) =>
    agent.say({ case: 'free', value: { seq: String(seq), busyVertices, graphVersion, includes: [] } });
  free(2, busy);
  await settle();
  expect(rig.freeCores('K')).toBe(24);
  await cancel(job.id);
  await settle();
  agent.report(job.id, 1, 'canceled');
  await settle();
  expect(rig.freeCores('K')).toBe(24); // Busy by what the agent says.
  free(1, []);
  free(3, [], String(Number(version) + 1));
  await settle();
  expect(rig.freeCores('K')).toBe(24);
  free(4, []);
  await settle();
  expect(rig.freeCores('K')).toBe(36);
});

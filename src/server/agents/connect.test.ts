import { timestampFromMs } from '@bufbuild/protobuf/wkt';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { RainbowError } from '../../core/errors.ts';
import { JobState } from '../../gen/rainbow/v1/job_pb.js';
import { OutputStream } from '../../gen/rainbow/v1/jobs_pb.js';
import { coresJob, openRig, type Rig } from '../../scheduler/testing/rig.ts';
import type { JobId, JobRecord } from '../../store/store.ts';
import { agentHandlers } from './connect.ts';
import { fakeAgent, type FakeAgent, type FakeAgentOptions } from './testing/fake-agent.ts';

const SETTINGS = { serverVersion: 'test', heartbeat: 10, helloWithin: 5, outputCap: 100 };

let rig: Rig;
let handlers: ReturnType<typeof agentHandlers>;
beforeEach(async () => {
  await open();
});
afterEach(async () => {
  await rig.close();
});

async function open(options: Parameters<typeof openRig>[0] = {}): Promise<void> {
  rig = await openRig(options);
  await rig.cluster('K');
  serve();
}

function serve(): void {
  handlers = agentHandlers({
    store: rig.store,
    scheduler: rig.scheduler,
    system: rig.system,
    settings: SETTINGS,
    authenticateCluster(name, secret) {
      const cluster = rig.scheduler.registry.get(name);
      if (cluster === null || secret !== `${name} secret`) throw new RainbowError('unauthenticated', 'request denied');
      return cluster;
    },
  });
}

function agentOf(cluster = 'K', more: Partial<FakeAgentOptions> = {}): FakeAgent {
  return fakeAgent(handlers, { cluster, startedAt: rig.system.clock.now(), ...more });
}

async function connected(cluster = 'K', more: Partial<FakeAgentOptions> = {}): Promise<FakeAgent> {
  const agent = agentOf(cluster, more);
  agent.connect();
  await rig.system.settle();
  expect(agent.over).toBeNull();
  return agent;
}

const state = async (id: JobId): Promise<string> => (await rig.job(id)).state;
const settle = () => rig.system.settle();
const cancel = (id: JobId) => rig.scheduler.cancel(id, { code: 'user', message: 'enough' });

/** To that state, by reports. */
async function brought(
  agent: FakeAgent,
  to: 'received' | 'accepted' | 'running',
  job = coresJob({}),
): Promise<JobRecord> {
  const submitted = (await rig.submit(job)).job;
  await settle();
  if (to !== 'received') agent.report(submitted.id, 1, 'accepted');
  if (to === 'running') agent.report(submitted.id, 1, 'running');
  await settle();
  expect(await state(submitted.id)).toBe(to);
  return await rig.job(submitted.id);
}

/** Keeps an agent that does nothing else alive. */
async function pass(agent: FakeAgent, seconds: number): Promise<void> {
  for (let s = 0; s < seconds; s += 5) {
    agent.heartbeat();
    await rig.system.advance(5_000);
  }
}

describe('a job’s way', () => {
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
    agent.report(job.id, 1, 'accepted', { nativeId: 'pid 12' });
    agent.report(job.id, 1, 'running', { startedAt });
    agent.report(job.id, 1, 'failed', { exitCode: 3 });
    agent.report(job.id, 1, 'failed', { exitCode: 3 });
    await settle();
    expect(await rig.job(job.id)).toMatchObject({
      state: 'failed',
      reason: { code: 'exit' },
      exitCode: 3,
      nativeId: 'pid 12',
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
    expect(text).toBe(`hello world${'x'.repeat(89)}`);
    const offsets = own.heard.flatMap(({ message }) =>
      message?.case === 'outputAck' ? [message.value.offsets?.[0]?.offset] : [],
    );
    expect(offsets).toEqual(['6', '11', '511']);
    expect(theirs.heard.at(-1)?.message?.case).toBe('outputAck');
  });
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
      { metadata: () => null, signal: new AbortController().signal, peer: 'test' },
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
    expect((await rig.job(job.id)).epoch).toBe(2);
  });

  test('a server that was killed knows everything again, and its agents go on', async () => {
    const agent = await connected();
    const [running, received] = [await brought(agent, 'running'), await brought(agent, 'received')];
    agent.drop();
    await rig.restart();
    serve();
    const again = fakeAgent(handlers, { cluster: 'K', startedAt: rig.system.clock.now() - 1_000 });
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
    const [leased] = await rig.scheduler.receive('K', 1, 30_000);
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

describe('cancel', () => {
  test.each(['received', 'accepted', 'running'] as const)(
    'of a %s job is asked, and done when the agent confirms',
    async (stage) => {
      const agent = await connected();
      const job = await brought(agent, stage);
      const asked = await cancel(job.id);
      expect(asked).toMatchObject({ state: stage, cancelRequestedAt: rig.system.clock.now() });
      expect(await cancel(job.id)).toMatchObject({ state: stage });
      await settle();
      expect(agent.stops()[0]).toEqual({ jobId: job.id, epoch: '1' });
      agent.report(job.id, 1, 'canceled');
      await settle();
      expect(await rig.job(job.id)).toMatchObject({ state: 'canceled', reason: { code: 'user' } });
      expect(await cancel(job.id)).toMatchObject({ state: 'canceled' });
      expect(rig.freeCores('K')).toBe(36);
    },
  );

  test('is told again after a break, until it is confirmed; a job that ends by itself keeps its end', async () => {
    const agent = await connected();
    const job = await brought(agent, 'running');
    agent.drop();
    await cancel(job.id);
    agent.connect();
    await settle();
    expect(agent.stops()).toEqual([{ jobId: job.id, epoch: '1' }]);
    agent.drop();
    agent.connect();
    await settle();
    expect(agent.stops()).toEqual([{ jobId: job.id, epoch: '1' }]);
    agent.report(job.id, 1, 'completed', { exitCode: 0 });
    await settle();
    expect(await rig.job(job.id)).toMatchObject({ state: 'completed', exitCode: 0 });
  });

  test('of a job that its agent lost or gives back ends it instead of placing it again', async () => {
    const agent = await connected();
    const [lost, refused] = [await brought(agent, 'received'), await brought(agent, 'received')];
    await cancel(lost.id);
    await cancel(refused.id);
    await settle();
    agent.report(refused.id, 1, 'pending');
    await settle();
    agent.drop();
    agent.journal.clear();
    agent.connect();
    await settle();
    expect([await state(lost.id), await state(refused.id)]).toEqual(['canceled', 'canceled']);
    expect(rig.freeCores('K')).toBe(36);
  });

  test('that races with the hand-over still reaches the agent after the Start', async () => {
    const agent = await connected();
    const { job } = await rig.submit(coresJob({}));
    // The hand-over is under way; ask in the same turn.
    await cancel(job.id);
    await settle();
    const { state: ended } = await rig.job(job.id);
    const order = agent.heard.flatMap(({ message }) =>
      message?.case === 'start' || message?.case === 'stop' ? [message.case] : [],
    );
    expect(order).toEqual(ended === 'canceled' ? [] : ['start', 'stop']);
  });
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

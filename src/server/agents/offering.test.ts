/** An agent that chooses: what is offered to it, what it takes, what becomes of what it leaves. */
import { afterEach, beforeEach, expect, test } from 'vitest';
import { coresJob } from '../../scheduler/testing/rig.ts';
import type { FakeAgent } from './testing/fake-agent.ts';
import { agentOf, cancel, connected, open, pass, rig, settle, state } from './testing/served.ts';

beforeEach(async () => {
  await open({ settings: { leftAfter: 60, refusalBackoff: 600 } });
});
afterEach(async () => {
  await rig.close();
});

async function choosing(cluster = 'K', capacity = 10): Promise<FakeAgent> {
  const agent = agentOf(cluster, { capacity });
  agent.connect({
    protocol: 1,
    cluster,
    secret: `${cluster} secret`,
    instanceId: `${cluster} agent`,
    instanceStartedMs: String(rig.system.clock.now()),
    capacity,
    pick: 'smallest',
  });
  await settle();
  if (agent.over !== null) throw agent.over.error;
  return agent;
}

const key = (jobId: string, epoch = 1) => ({ jobId, epoch: String(epoch) });
const leave = (jobId: string, message = 'too large') => ({ ...key(jobId), message });
const one = async (more: object = {}): Promise<string> => (await rig.submit(coresJob({}), more)).job.id;

test('is offered what is assigned, and nothing is sent to it that it has not taken', async () => {
  const early = await one();
  const agent = await choosing();
  const late = await one();
  await settle();
  expect(agent.offered()).toEqual([key(early), key(late)]);
  expect(agent.starts()).toEqual([]);
  expect(await state(early)).toBe('assigned');
  agent.say({ case: 'choose', value: { take: [key(late)] } });
  await settle();
  expect(agent.starts()).toEqual([key(late)]);
  expect(await state(late)).toBe('received');
  expect(agent.offered(), 'each is offered once').toHaveLength(2);
});

test('takes no more than it has room for, nothing twice, nothing of others; what it cannot have is gone', async () => {
  await rig.cluster('L');
  const agent = await choosing('K', 2);
  const jobs = [await one({ candidates: ['K'] }), await one({ candidates: ['K'] }), await one({ candidates: ['K'] })];
  const others = await one({ candidates: ['L'] });
  await settle();
  await cancel(jobs[0]!);
  agent.say({ case: 'choose', value: { take: [key(jobs[0]!), key(others), key('999')] } });
  await settle();
  expect(agent.starts()).toEqual([]);
  expect(agent.gone()).toHaveLength(3);
  await one({ candidates: ['K'] });
  await settle();
  agent.say({
    case: 'choose',
    value: {
      take: agent
        .offered()
        .slice(1)
        .map(({ jobId }) => key(jobId)),
    },
  });
  await settle();
  expect(agent.starts()).toHaveLength(2);
  expect(agent.gone()).toHaveLength(4);
  expect(await state(others)).toBe('assigned');
});

test('without room nothing is offered; with room again it is', async () => {
  const agent = await choosing('K', 0);
  const id = await one();
  await settle();
  expect(agent.offered()).toEqual([]);
  agent.heartbeat(1);
  await settle();
  expect(agent.offered()).toEqual([key(id)]);
});

test('what it leaves says so and why, and can still be taken', async () => {
  const agent = await choosing();
  const id = await one();
  await settle();
  agent.say({ case: 'choose', value: { leave: [leave(id), leave('77')] } });
  await settle();
  const left = await rig.job(id);
  expect(left).toMatchObject({
    state: 'assigned',
    reason: { code: 'left', message: 'left by its agent: too large' },
    leftUntil: rig.system.clock.now() + 60_000,
  });
  agent.say({ case: 'choose', value: { leave: [leave(id, 'still')] } });
  await pass(agent, 20);
  expect((await rig.job(id)).leftUntil, 'counted from the first time').toBe(left.leftUntil);
  agent.say({ case: 'choose', value: { take: [key(id)] } });
  await settle();
  expect(await rig.job(id)).toMatchObject({ state: 'received', leftUntil: null });
});

test('after its time it goes where another cluster takes it, and not back', async () => {
  await rig.cluster('L');
  const agent = await choosing();
  const other = await connected('L');
  const id = await one({ policy: 'first' });
  await settle();
  expect((await rig.job(id)).cluster).toBe('K');
  agent.say({ case: 'choose', value: { leave: [leave(id)] } });
  await settle();
  for (let s = 0; s < 70; s += 5) {
    agent.heartbeat();
    await pass(other, 5);
  }
  expect(await rig.job(id)).toMatchObject({ state: 'received', epoch: 2, cluster: 'L' });
  expect((await rig.store.jobs.attempts(id))[0]).toMatchObject({ state: 'assigned', reason: { code: 'left' } });
});

test('with no other cluster it stays, unless the job says otherwise', async () => {
  const agent = await choosing();
  const stays = await one();
  const goes = await one({ handling: { returnAfter: 20 } });
  await settle();
  expect(agent.offered()).toEqual([key(stays), key(goes)]);
  agent.say({ case: 'choose', value: { leave: [leave(stays), leave(goes)] } });
  await pass(agent, 30);
  expect(await rig.job(goes)).toMatchObject({ state: 'pending', epoch: 2, reason: { code: 'nothing_free' } });
  expect((await rig.store.jobs.attempts(goes))[0]).toMatchObject({ state: 'assigned', reason: { code: 'left' } });
  expect(rig.freeCores('K')).toBe(35);
  await pass(agent, 100);
  expect(await rig.job(stays)).toMatchObject({ state: 'assigned', reason: { code: 'left' } });
  expect(await state(goes), 'and is not asked there again at once').toBe('pending');
});

test('an agent that takes what comes and has no room says so, too, after a while; a new stream begins anew', async () => {
  const plain = await connected('K', { capacity: 0 });
  const id = await one();
  await pass(plain, 25);
  expect(await rig.job(id)).toMatchObject({ state: 'assigned', reason: { code: 'left' } });
  plain.say({ case: 'choose', value: { take: [key(id)] } });
  await settle();
  expect(plain.over?.error).toMatchObject({ code: 'failed_precondition' });
  const agent = await choosing();
  expect(agent.offered()).toEqual([key(id)]);
});

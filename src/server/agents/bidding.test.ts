/** Bids over real sessions: who is asked, what is believed, where jobs go; and clusters that answer badly. */
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { coresJob } from '../../scheduler/testing/rig.ts';
import type { Submission, Submitted } from '../../scheduler/scheduler.ts';
import type { SchedulerSettings } from '../../scheduler/settings.ts';
import type { JobRecord } from '../../store/store.ts';
import type { FakeAgent } from './testing/fake-agent.ts';
import { agentOf, open, rig, settle, state } from './testing/served.ts';

type Answer = ReturnType<NonNullable<FakeAgent['answer']>>;

/** `start` in seconds. */
function yes(start: number, more: object = {}, amount: number | null = null): Answer {
  const cost = amount === null ? {} : { cost: { amount, currency: 'EUR', parts: [{ what: 'all', amount }] } };
  const value = { startP50: start, startP90: start * 2, end: start + 60, expiresIn: 60, ...cost, ...more };
  return { answer: { case: 'yes', value } };
}

/** Registered with one node of 4 cores unless said otherwise, connected, and answering. */
async function bidder(name: string, answer: FakeAgent['answer'], nodes = 1): Promise<FakeAgent> {
  if (rig.scheduler.registry.get(name) === null) await rig.cluster(name, nodes, 4);
  const agent = agentOf(name);
  agent.answer = answer;
  agent.connect({ bids: true });
  await settle();
  if (agent.over !== null) throw agent.over.error;
  return agent;
}

const asked = (agent: FakeAgent): number => agent.heard.filter(({ message }) => message?.case === 'bidRequest').length;
const counts = async (name: string) => (await rig.scheduler.bidding.record(rig.ref(name))).counts;

/** Submits and lets time pass until it is answered; resolves with how long that took. */
async function submitted(
  job: { nodes?: number; cores?: number } = { cores: 4 },
  more: Partial<Submission> = {},
): Promise<Submitted & { job: JobRecord; ms: number }> {
  const began = rig.system.clock.now();
  let done: (Submitted & { job: JobRecord }) | null = null;
  const candidates = ['a', 'b', 'c'].filter((name) => rig.scheduler.registry.get(name) !== null);
  void rig.submit(coresJob(job), { policy: 'soonest', candidates, ...more }).then((answer) => (done = answer));
  await rig.system.until(() => done !== null, 'the submit is answered', 10_000);
  return { ...(done as unknown as Submitted & { job: JobRecord }), ms: rig.system.clock.now() - began };
}

/** Another server than the one that each test begins with. */
async function begin(settings: Partial<SchedulerSettings>): Promise<void> {
  await rig.close();
  await open({ settings });
}

beforeEach(() => open());
afterEach(() => rig.close());

describe('asking', () => {
  test('the soonest of the offers gets it, and the decision keeps what each of them said', async () => {
    const a = await bidder('a', () => yes(600, {}, 3));
    await bidder('b', () => yes(60, {}, 9));
    const { job, decision, ms } = await submitted();
    expect(job).toMatchObject({ state: 'assigned', cluster: 'b' });
    expect(ms).toBeLessThan(500);
    expect(asked(a)).toBe(1);
    expect(decision).toMatchObject({ asked: true, chosen: 'b', order: ['b', 'a'] });
    const [first] = decision.candidates;
    expect(first).toMatchObject({
      cluster: 'a',
      graphVersion: 1,
      bid: { kind: 'yes', byProxy: false, offer: { cost: { amount: 3, currency: 'EUR' } } },
      offer: { correction: '' },
    });
    const cheap = await submitted({ cores: 4 }, { policy: 'cheapest' });
    expect(cheap.job.cluster).toBe('a');
  });

  test('level 1 asks nobody: by the job, by the server, or because the policy does not look at offers', async () => {
    const a = await bidder('a', () => yes(1));
    await submitted({ cores: 1 }, { bidding: { ask: false, withinMs: null, rebid: null } });
    await submitted({ cores: 1 }, { policy: 'random' });
    expect(asked(a)).toBe(0);
    const { decision } = await submitted(
      { cores: 1 },
      { policy: 'random', bidding: { ask: true, withinMs: null, rebid: null } },
    );
    expect(asked(a)).toBe(1);
    expect(decision).toMatchObject({ asked: true, policy: 'random' });
  });

  test('a no is a no: it is not chosen, and its reason is kept', async () => {
    await bidder('a', () => ({ answer: { case: 'no', value: { code: 'never_fits', message: 'no account here' } } }));
    await bidder('b', () => yes(5_000));
    const { job, decision } = await submitted();
    expect(job.cluster).toBe('b');
    expect(decision.candidates[0]).toMatchObject({
      bid: { kind: 'no', reason: { code: 'never_fits', message: 'no account here' } },
      passedOver: expect.stringContaining('no account here'),
    });
  });

  test('a cluster that polls, or whose agent does not bid, is bid for by the server', async () => {
    await bidder('a', () => yes(3_600));
    await rig.cluster('b', 1, 4);
    await rig.scheduler.registry.mergeState('b', { cost_per_node_hour: 6, currency: 'EUR' });
    const { job, decision } = await submitted();
    expect(job.cluster).toBe('b');
    expect(decision.candidates[1]).toMatchObject({
      bid: { kind: 'yes', byProxy: true, offer: { cost: { amount: 0.1, currency: 'EUR' } } },
    });
  });

  test('the deadline is the job’s own where it says one', async () => {
    await bidder('a', () => null);
    await rig.cluster('b', 1, 4);
    rig.scheduler.registry.seen('b');
    const { ms, job } = await submitted({ cores: 4 }, { bidding: { ask: null, withinMs: 120, rebid: null } });
    expect(ms).toBe(120);
    expect(job.cluster).toBe('b');
  });
});

describe('a burst', () => {
  test('asks each cluster once, and spreads by what was sent there since', async () => {
    const a = await bidder('a', () => yes(0), 2);
    const b = await bidder('b', () => yes(0), 2);
    const jobs = await Promise.all(
      Array.from({ length: 1_000 }, () =>
        rig.submit(coresJob({ cores: 4 }), { policy: 'soonest', candidates: ['a', 'b'] }),
      ),
    );
    expect([asked(a), asked(b)]).toEqual([1, 1]);
    const at = (name: string) => jobs.filter(({ job }) => job.cluster === name).length;
    expect(Math.abs(at('a') - at('b'))).toBeLessThanOrEqual(2);
    const last = jobs.at(-1)!.decision.candidates[0]!;
    // 2 nodes, jobs of a node for a minute: five hundred of them take about four hours.
    expect((last.offer!.startP50 - rig.system.clock.now()) / 60_000).toBeGreaterThan(200);
    expect(last.offer!.correction).toMatch(/jobs were sent there since it was asked/);
  });

  test('a cluster that bids what was true before the burst does not get all of it, asked again or not', async () => {
    // It keeps saying "at once": its view is stale, and its agent has taken no job in yet.
    await begin({ bidReuse: 0 });
    const a = await bidder('a', () => yes(0));
    a.heartbeat(0);
    await bidder('b', () => yes(90));
    const where: (string | null)[] = [];
    for (let i = 0; i < 6; i++) where.push((await submitted()).job.cluster);
    expect(where.filter((name) => name === 'a').length).toBeLessThan(5);
    expect(where.slice(0, 2)).toEqual(['a', 'a']);
    expect(where).toContain('b');
  });

  test('the server asks again once something came or went there and the bid is no longer young', async () => {
    const a = await bidder('a', () => yes(0), 4);
    await submitted();
    await rig.system.advance(500);
    await submitted();
    expect(asked(a)).toBe(1);
    await rig.system.advance(5_000);
    await submitted();
    expect(asked(a)).toBe(2);
  });
});

describe('bad clusters', () => {
  test('one that never answers: the answer waits for the deadline once, it is marked, the others get the jobs', async () => {
    const a = await bidder('a', () => null);
    await bidder('b', () => yes(600), 8);
    const first = await submitted();
    expect(first.ms).toBe(500);
    expect(first.job.cluster).toBe('b');
    expect(first.decision.candidates[0]).toMatchObject({ bid: { kind: 'silent' }, offer: null });
    const second = await submitted({ cores: 3 });
    expect(second.ms).toBe(0);
    expect(second.job.cluster).toBe('b');
    expect(asked(a)).toBe(1);
    expect(await counts('a')).toMatchObject({ asked: 1, silent: 1 });
  });

  test('one that answers late serves the next job of that shape, and is counted late', async () => {
    const a = await bidder('a', () => null);
    await bidder('b', () => yes(600), 8);
    expect((await submitted()).job.cluster).toBe('b');
    const request = a.heard.flatMap(({ message }) => (message?.case === 'bidRequest' ? [message.value.id] : []))[0]!;
    a.say({ case: 'bid', value: { requestId: request, id: 'late', ...yes(5) } as never });
    await settle();
    const next = await submitted();
    expect(next).toMatchObject({ ms: 0, job: { cluster: 'a' } });
    expect(await counts('a')).toMatchObject({ silent: 1, late: 1, yes: 1 });
  });

  test.each([
    ['NaN', yes(Number.NaN)],
    ['a negative cost', yes(0, { cost: { amount: -1, currency: 'EUR', parts: [{ what: 'a gift', amount: -1 }] } })],
    ['a start in the past', yes(-7_200)],
    ['a P90 before the P50', yes(10, { startP90: 1 })],
    ['infinity', yes(Number.POSITIVE_INFINITY)],
    ['nothing', {}],
  ])('%s is no bid: marked, counted, and the job goes to the other', async (_what, answer) => {
    await bidder('a', () => answer);
    await bidder('b', () => yes(600));
    const { job, decision } = await submitted();
    expect(job.cluster).toBe('b');
    expect(decision.candidates[0]).toMatchObject({ bid: { kind: 'invalid' }, offer: null });
    expect(await counts('a')).toMatchObject({ asked: 1, invalid: 1 });
  });

  test('one whose agent is away is not bid for by the server; once it is back it is asked anew', async () => {
    const a = await bidder('a', () => yes(0));
    await bidder('b', () => yes(600), 8);
    a.drop();
    await settle();
    const { job, decision } = await submitted();
    expect(job.cluster).toBe('b');
    expect(decision.candidates[0]).toMatchObject({ bid: { kind: 'silent' } });
    a.answer = () => yes(60);
    a.connect({ bids: true });
    await settle();
    expect((await submitted()).job.cluster).toBe('a');
  });

  test('where all answer badly, the job still goes somewhere', async () => {
    await bidder('a', () => yes(Number.NaN));
    await bidder('b', () => null);
    expect((await submitted()).job).toMatchObject({ state: 'assigned' });
  });

  test('a bid for a question of another, or for none, counts for nothing but its record', async () => {
    const b = await bidder('b', () => null);
    const a = await bidder('a', ({ id }) => {
      // Answered for the neighbour, too, with what would win.
      b.say({ case: 'bid', value: { requestId: id, id: 'stolen', ...yes(0) } as never });
      return yes(600);
    });
    const { job, decision } = await submitted();
    expect(job.cluster).toBe('a');
    expect(decision.candidates[1]).toMatchObject({ bid: { kind: 'silent' } });
    expect(await counts('b')).toMatchObject({ stray: 1 });
    expect(a.over).toBeNull();
  });

  test('ten thousand bids a second are read no faster than a hundred, and nobody else notices', async () => {
    const a = await bidder('a', () => null);
    await bidder('b', () => yes(5));
    for (let i = 0; i < 10_000; i++) a.say({ case: 'bid', value: { requestId: `x${i}`, id: 'x', ...yes(0) } as never });
    await settle();
    expect((await submitted()).job.cluster).toBe('b');
    const { stray = 0 } = await counts('a');
    expect(stray).toBeGreaterThan(0);
    expect(stray).toBeLessThanOrEqual(200);
    expect(a.over).toBeNull();
  });

  test('one that bids yes and then refuses is marked, not believed for a while, and loses the job to the other', async () => {
    const a = await bidder('a', () => yes(0));
    await bidder('b', () => yes(600), 8);
    const { job } = await submitted();
    expect(job.cluster).toBe('a');
    await settle();
    a.report(job.id, 1, 'pending', { reason: { code: 'refused', message: 'not today' } });
    await rig.system.until(() => asked(a) >= 1, 'it was asked', 1_000);
    await rig.system.advance(1_000);
    expect(await rig.job(job.id)).toMatchObject({ cluster: 'b', epoch: 2 });
    expect(await counts('a')).toMatchObject({ refused: 1 });
    const next = await submitted();
    expect(next.job.cluster).toBe('b');
    expect(next.decision.candidates[0]).toMatchObject({
      bid: { kind: 'invalid', reason: { code: 'refused' } },
      passedOver: expect.stringContaining('then refused it'),
    });
    await rig.system.advance(60_000);
    expect((await submitted()).job.cluster).toBe('a');
  });
});

test('in the cycle, one slow cluster holds up nobody else’s jobs', async () => {
  await begin({ overcommit: 'deny' });
  const agents = [await bidder('a', () => yes(0)), await bidder('b', () => yes(0)), await bidder('c', () => null)];
  const full: JobRecord[] = [];
  for (const name of ['a', 'b', 'c']) {
    full.push((await submitted({ cores: 4 }, { candidates: [name], policy: 'random' })).job);
  }
  const slow = await submitted({ cores: 3 }, { candidates: ['b', 'c'] });
  const quick = await submitted({ cores: 2 }, { candidates: ['a'] });
  expect([slow.job.state, quick.job.state]).toEqual(['pending', 'pending']);
  await rig.system.advance(5_000);
  for (const [i, job] of full.entries()) agents[i]!.report(job.id, 1, 'canceled');
  await settle();
  expect(await rig.job(quick.job.id)).toMatchObject({ cluster: 'a' });
  expect(await state(slow.job.id)).toBe('pending');
  await rig.system.advance(600);
  expect(await rig.job(slow.job.id)).toMatchObject({ cluster: 'b' });
});

describe('what became of it', () => {
  test('starts and ends are kept beside the bid, survive a restart, and correct later offers', async () => {
    const a = await bidder('a', () => yes(5, {}, 6), 50);
    for (let i = 0; i < 12; i++) {
      const { job } = await submitted({ cores: 4 });
      await settle();
      a.report(job.id, 1, 'accepted');
      await rig.system.advance(1_200_000 / 40);
      a.heartbeat();
    }
    // All of them started half an hour late, ran half of their minute.
    const held = await rig.store.jobs.atCluster(rig.ref('a'), ['accepted']);
    expect(held).toHaveLength(12);
    for (let i = 0; i < 60; i++) {
      a.heartbeat();
      await rig.system.advance(30_000);
    }
    for (const job of held) a.report(job.id, 1, 'running');
    await settle();
    await rig.system.advance(30_000);
    for (const job of held) a.report(job.id, 1, 'completed', { exitCode: 0 });
    await settle();
    const [all] = (await rig.scheduler.bidding.record(rig.ref('a'))).summaries;
    expect(all).toMatchObject({ shapeClass: '', jobs: 12, coverageP50: 0, coverageP90: 0 });
    expect(all!.bias).toBeGreaterThan(1_700);
    expect(all!.costRatio).toBeCloseTo(0.5, 1);
    expect(all!.correction).toMatch(/later than it says/);
    await rig.restart();
    expect((await rig.scheduler.bidding.record(rig.ref('a'))).summaries[0]).toMatchObject({
      jobs: 12,
      bias: all!.bias,
    });
    const { decision } = await submitted();
    expect(decision.candidates[0]).toMatchObject({ cluster: 'a' });
  });

  test('an optimist is discounted: the honest one gets the next job', async () => {
    const a = await bidder('a', () => yes(5), 50);
    const b = await bidder('b', () => yes(300), 50);
    for (let i = 0; i < 20; i++) {
      const { job } = await submitted({ cores: 4 }, { candidates: ['a'] });
      await settle();
      a.report(job.id, 1, 'accepted');
    }
    for (let i = 0; i < 60; i++) {
      a.heartbeat();
      b.heartbeat();
      await rig.system.advance(10_000);
    }
    for (const job of await rig.store.jobs.atCluster(rig.ref('a'), ['accepted'])) a.report(job.id, 1, 'running');
    await settle();
    const { job, decision } = await submitted();
    expect(decision.candidates[0]!.offer!.correction).toMatch(/later than it says/);
    expect(job.cluster).toBe('b');
  });
});

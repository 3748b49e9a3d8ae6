/** A job that waits moves to a better bid, in one native queue at a time. */
import { afterEach, beforeEach, expect, test } from 'vitest';
import { coresJob } from '../../scheduler/testing/rig.ts';
import type { Submission } from '../../scheduler/scheduler.ts';
import type { JobRecord } from '../../store/store.ts';
import type { FakeAgent } from './testing/fake-agent.ts';
import { agentOf, open, rig, settle } from './testing/served.ts';

const MINUTE = 60;
let a: FakeAgent;
let b: FakeAgent;
/** Seconds until the start that each bids, and what it asks for it. */
let says: Record<'a' | 'b', { start: number; amount?: number }>;

async function bidder(name: 'a' | 'b', capacity = 10): Promise<FakeAgent> {
  await rig.cluster(name, 1, 4);
  const agent = agentOf(name, { capacity });
  agent.answer = () => {
    const { start, amount } = says[name];
    const cost = amount === undefined ? {} : { cost: { amount, currency: 'EUR', parts: [{ what: 'all', amount }] } };
    return {
      answer: { case: 'yes', value: { startP50: start, startP90: start, end: start + 60, expiresIn: 20, ...cost } },
    };
  };
  agent.connect({ bids: true });
  await settle();
  return agent;
}

async function submitted(more: Partial<Submission> = {}): Promise<JobRecord> {
  const { job } = await rig.submit(coresJob({ cores: 4 }), { policy: 'soonest', candidates: ['a', 'b'], ...more });
  await settle();
  return await rig.job(job.id);
}

async function pass(seconds: number): Promise<void> {
  for (let s = 0; s < seconds; s += 5) {
    a.heartbeat();
    b.heartbeat();
    await rig.system.advance(5_000);
  }
}

const withdrawn = (agent: FakeAgent): number =>
  agent.heard.filter(({ message }) => message?.case === 'withdraw').length;

beforeEach(async () => {
  // An agent without room leaves jobs lying: they are not to go elsewhere for that.
  await open({ settings: { rebid: true, refusalBackoff: 1, leftAfter: 100_000 } });
  says = { a: { start: 60 * MINUTE }, b: { start: 120 * MINUTE } };
});
afterEach(() => rig.close());

test('a job that nobody holds yet moves at once', async () => {
  a = await bidder('a', 0);
  b = await bidder('b');
  const job = await submitted();
  expect(job).toMatchObject({ cluster: 'a', state: 'assigned' });
  says.b.start = MINUTE;
  await pass(35);
  expect(await rig.job(job.id)).toMatchObject({ cluster: 'b', epoch: 2, state: 'received' });
  expect(a.starts()).toEqual([]);
  const [first] = await rig.store.jobs.attempts(job.id);
  expect(first).toMatchObject({ cluster: 'a', reason: { code: 'moved' } });
  expect(first!.reason.message).toMatch(/b would start it in 60 s instead of (59|60) min/);
});

test('one that an agent holds moves only once that agent has let go of it', async () => {
  a = await bidder('a');
  b = await bidder('b');
  const job = await submitted();
  a.report(job.id, 1, 'accepted');
  await settle();
  says.b.start = MINUTE;
  await pass(35);
  expect(withdrawn(a)).toBe(1);
  expect(await rig.job(job.id)).toMatchObject({ cluster: 'a', epoch: 1, state: 'accepted' });
  expect(b.starts()).toEqual([]);
  a.report(job.id, 1, 'pending', { reason: { code: 'moved', message: 'taken out of the queue' } });
  await settle();
  await pass(5);
  expect(await rig.job(job.id)).toMatchObject({ cluster: 'b', epoch: 2, state: 'received' });
  expect(b.starts()).toEqual([{ jobId: job.id, epoch: '2' }]);
});

test('one that has started meanwhile stays', async () => {
  a = await bidder('a');
  b = await bidder('b');
  const job = await submitted();
  a.report(job.id, 1, 'accepted');
  await settle();
  says.b.start = MINUTE;
  await pass(35);
  expect(withdrawn(a)).toBe(1);
  a.report(job.id, 1, 'running');
  await settle();
  await pass(120);
  expect(withdrawn(a)).toBe(1);
  expect(await rig.job(job.id)).toMatchObject({ cluster: 'a', epoch: 1, state: 'running' });
});

test('little gain moves nothing, and after a move it rests', async () => {
  a = await bidder('a', 0);
  b = await bidder('b', 0);
  const job = await submitted();
  says.b.start = 55 * MINUTE;
  await pass(65);
  expect((await rig.job(job.id)).cluster).toBe('a');
  says.b.start = 30 * MINUTE;
  await pass(35);
  expect((await rig.job(job.id)).cluster).toBe('b');
  says.a.start = 0;
  await pass(300);
  expect(await rig.job(job.id)).toMatchObject({ cluster: 'b', epoch: 2 });
  await pass(400);
  expect(await rig.job(job.id)).toMatchObject({ cluster: 'a', epoch: 3 });
});

test('better is what the job’s policy prefers: the cheapest moves for money, not for time', async () => {
  says = { a: { start: 60 * MINUTE, amount: 10 }, b: { start: 120 * MINUTE, amount: 20 } };
  a = await bidder('a', 0);
  b = await bidder('b', 0);
  const job = await submitted({ policy: 'cheapest' });
  expect(job.cluster).toBe('a');
  says.b = { start: 0, amount: 20 };
  await pass(65);
  expect((await rig.job(job.id)).cluster).toBe('a');
  says.b = { start: 180 * MINUTE, amount: 9 };
  await pass(65);
  expect((await rig.job(job.id)).cluster).toBe('a');
  says.b = { start: 180 * MINUTE, amount: 5 };
  await pass(65);
  expect((await rig.job(job.id)).cluster).toBe('b');
});

test('a job whose submit says no stays, whatever the server says; and after a restart those that may still move', async () => {
  a = await bidder('a', 0);
  b = await bidder('b', 0);
  const stays = await submitted({ bidding: { ask: null, withinMs: null, rebid: false } });
  const moves = await submitted();
  expect([stays.cluster, moves.cluster]).toEqual(['a', 'a']);
  says.b.start = MINUTE;
  await pass(35);
  expect((await rig.job(stays.id)).cluster).toBe('a');
  expect((await rig.job(moves.id)).cluster).toBe('b');
});

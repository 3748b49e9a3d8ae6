/** Bids of a queue: what runs and waits before the job, by walltimes and by what jobs really took; and the price. */
import { expect, test } from 'vitest';
import { readTariff } from '../../core/bid/tariff-file.ts';
import { simulatedSystem } from '../../system/simulated.ts';
import { jobspecOf } from '../testing/jobspec.ts';
import { ownQueue } from '../runners/own-queue.ts';
import { keyText, type NativeJob, type NativeStatus, type Order, type Runner } from '../runners/runner.ts';
import type { AgentBid } from './bidder.ts';
import { bidderFor } from './bidders.ts';

const HOUR = 3600;
const system = simulatedSystem();
const now = system.clock.now();

/** A cluster of one node with 4 cores, whose queue is what a test says. */
function cluster(jobs: NativeJob[], coming: readonly Order[] = [], gives?: number) {
  const watchers: ((job: NativeJob) => void)[] = [];
  const runner = {
    queue: {
      ...ownQueue({
        totals: [
          { type: 'cluster', total: 1 },
          { type: 'node', total: 1 },
          { type: 'core', total: 4 },
        ],
        jobs: async () => jobs,
        refusal: (jobspec) => (jobspec.includes('gpu') ? { code: 'never_fits', message: 'no gpu' } : null),
        clock: system.clock,
      }),
      ...(gives === undefined ? {} : { timeOf: async () => gives }),
    },
    find: async () => jobs,
    watch(changed: (job: NativeJob) => void) {
      watchers.push(changed);
      return () => void watchers.splice(watchers.indexOf(changed), 1);
    },
  } as unknown as Runner;
  const tariff = readTariff('{currency: EUR, perHour: {core: 0.5}, minimum: 0.75}');
  const bidder = bidderFor('process', { runner, tariff, coming: () => coming, system })!;
  return { bidder, watchers, told: (job: NativeJob) => watchers.forEach((watcher) => watcher(job)) };
}

function order(jobId: string, cores: number, walltime: number, priority = 0): Order {
  return { jobId, epoch: 1, name: '', owner: '', jobspec: jobspecOf('true', cores), walltime, priority };
}

function job(of: Order, status: Partial<NativeStatus>): NativeJob {
  const waits = { state: 'accepted', acceptedAt: now, startedAt: null, endedAt: null, end: null } as const;
  return { jobId: of.jobId, epoch: of.epoch, nativeId: keyText(of), order: of, status: { ...waits, ...status } };
}

const runs = (of: Order, secondsAgo: number): NativeJob =>
  job(of, { state: 'running', startedAt: now - secondsAgo * 1000 });
const question = (cores: number, walltime = HOUR, priority = 0) => ({
  shape: '',
  jobspec: jobspecOf('true', cores),
  walltime,
  priority,
});
const start = (bid: AgentBid): number => {
  if (bid.kind === 'no') throw new Error('it said no');
  return bid.estimate.startP50;
};

test('an idle cluster starts it at once; the price is by cores and hours, at least the minimum', async () => {
  const { bidder } = cluster([]);
  const bid = await bidder.bid(question(4));
  expect(bid).toMatchObject({ kind: 'yes', estimate: { cost: { amount: 2, currency: 'EUR' } } });
  expect(start(bid)).toBeLessThan(5);
  const small = await bidder.bid(question(1, 60));
  expect(small).toMatchObject({ estimate: { cost: { amount: 0.75 } } });
});

test('it starts after what runs has run the rest of its walltime, and what waits before it has run', async () => {
  const running = runs(order('1', 4, HOUR), 600);
  const waiting = job(order('2', 4, 2 * HOUR), {});
  expect(start(await cluster([running]).bidder.bid(question(1)))).toBeCloseTo(3000, -1);
  expect(start(await cluster([running, waiting]).bidder.bid(question(1)))).toBeCloseTo(3000 + 2 * HOUR, -1);
  // What is on its way here counts as well; what comes behind it by priority does not.
  const coming = [order('3', 4, HOUR), order('2', 4, 2 * HOUR)];
  expect(start(await cluster([running, waiting], coming).bidder.bid(question(1)))).toBeCloseTo(3000 + 3 * HOUR, -1);
  expect(start(await cluster([running, waiting], coming).bidder.bid(question(1, HOUR, 5)))).toBeCloseTo(3000, -1);
});

test('a half of the cluster is free for half of a job', async () => {
  const { bidder } = cluster([runs(order('1', 2, HOUR), 0)]);
  expect(start(await bidder.bid(question(2)))).toBeLessThan(5);
  expect(start(await bidder.bid(question(3)))).toBeCloseTo(HOUR, -1);
});

test('it learns that jobs take less than they ask for', async () => {
  const { bidder, told } = cluster([runs(order('1', 4, HOUR), 0)]);
  for (let i = 0; i < 40; i++) {
    const end = { outcome: 'completed', reason: { code: 'exit', message: '' }, exitCode: 0, signal: null } as const;
    const ended = job(order(`${100 + i}`, 1, HOUR), { state: 'ended', startedAt: now - 360_000, endedAt: now, end });
    told(ended);
    told(ended);
  }
  expect(start(await bidder.bid(question(4)))).toBeCloseTo(360, -2);
});

test('a job that asks for no time is bid for, charged and learned from by what its queue gives it', async () => {
  const coming = [order('2', 4, HOUR)];
  const { bidder, told } = cluster([], coming, 4 * HOUR);
  const bid = await bidder.bid(question(4));
  if (bid.kind === 'no') throw new Error('it said no');
  expect(bid.estimate.cost).toMatchObject({ amount: 8 });
  expect(bid.estimate.end - bid.estimate.startP50).toBeCloseTo(4 * HOUR, 5);
  expect(start(bid)).toBeCloseTo(4 * HOUR, -1);
  for (let i = 0; i < 40; i++) {
    const end = { outcome: 'completed', reason: { code: 'exit', message: '' }, exitCode: 0, signal: null } as const;
    told(job(order(`${i}`, 1, HOUR), { state: 'ended', startedAt: now - 2 * HOUR * 1000, endedAt: now, end }));
  }
  // Half of what it gives, not twice what Rainbow would.
  expect(start(await bidder.bid(question(4)))).toBeCloseTo(2 * HOUR, -2);
});

test('a no is for what will never run here', async () => {
  const { bidder, watchers } = cluster([]);
  const bid = await bidder.bid({ ...question(1), jobspec: '{"gpu": 1}' });
  expect(bid).toEqual({ kind: 'no', reason: { code: 'never_fits', message: 'no gpu' } });
  bidder.close();
  expect(watchers).toEqual([]);
});

test('a runner without a queue to look into, or without a bidder, does not bid', () => {
  const parts = { runner: {} as Runner, tariff: null, coming: () => [], system };
  expect(bidderFor('process', parts)).toBeNull();
  expect(bidderFor('constructor', parts)).toBeNull();
});

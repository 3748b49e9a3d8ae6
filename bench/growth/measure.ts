/** What is asked of a store of any size, and how long one of it takes. */
import assert from 'node:assert/strict';
import type { NewJob, Store } from '../../src/store/store.ts';
import { BEGAN, JOBSPEC, type Size } from './fill.ts';

export interface Step {
  readonly name: string;
  /** Times in a round. */
  readonly times: number;
  /** Before each round; not timed. */
  prepare?(store: Store, number: number): Promise<unknown>;
  run(store: Store, size: Size, number: number): Promise<unknown>;
}

export const CLAIM = 'claim one of a long queue';
const CLAIMS = 200;

const C1 = { name: 'c1', id: 1 };
let keys = 0;

function newJob(number: number): NewJob {
  keys += 1;
  return {
    name: 'new',
    owner: `owner${number % 100}`,
    jobspec: JOBSPEC,
    candidates: [C1],
    policy: 'random',
    policyOptions: {},
    priority: 0,
    walltime: 60,
    onClusterLoss: 'wait',
    idempotencyKey: `key ${process.pid} ${keys}`,
    at: BEGAN,
    outcome: { state: 'assigned', reason: { code: 'selected', message: '' }, cluster: C1, allocation: null },
    decision: '{"policy":"random"}',
  };
}

const full = (found: readonly unknown[], count: number): void => assert.equal(found.length, count);

export const STEPS: readonly Step[] = [
  {
    name: 'submit, 16 at once',
    times: 10,
    async run(store, _size, number) {
      const all = await Promise.all(Array.from({ length: 16 }, (_, more) => store.jobs.submit(newJob(number + more))));
      assert.ok(all.every(({ created }) => created));
    },
  },
  {
    name: CLAIM,
    // Enough for a 99th percentile; what a round takes away is put there before.
    times: CLAIMS,
    prepare: (store, number) =>
      Promise.all(Array.from({ length: CLAIMS }, (_, more) => store.jobs.submit(newJob(number + more)))),
    run: async (store) => full(await store.jobs.receive(C1, 1, null, BEGAN), 1),
  },
  {
    name: 'one job by its id',
    times: 40,
    run: async (store, { jobs }, number) =>
      assert.ok((await store.jobs.get(String(1 + ((number * 7919) % (jobs / 2))))) !== null),
  },
  {
    name: 'page of an owner, newest',
    times: 20,
    run: async (store, _size, number) =>
      store.jobs.list({ owner: `owner${number % 100}`, limit: 10 }).then((found) => full(found, 10)),
  },
  {
    name: 'page in the middle, everybody',
    times: 20,
    run: async (store, { jobs }) => full(await store.jobs.list({ after: String(jobs / 2), limit: 50 }), 50),
  },
  {
    name: 'page of a state at a cluster',
    times: 20,
    run: async (store) => full(await store.jobs.list({ cluster: 'c1', states: ['failed'], limit: 10 }), 10),
  },
  {
    name: 'page by end',
    times: 20,
    run: async (store) => full(await store.jobs.list({ sort: 'ended', limit: 50 }), 50),
  },
  {
    name: 'first of those that wait',
    times: 10,
    run: async (store) => full(await store.jobs.pending(100), 100),
  },
  {
    name: 'events from the middle',
    times: 10,
    run: async (store, { jobs }) => full(await store.events.after(jobs, 256), 256),
  },
  {
    name: 'newest events of an owner',
    times: 20,
    run: async (store, { jobs, owners }, number) => {
      const owner = `owner${number % owners}`;
      const found = await store.events.after(jobs * 3 - 3 * owners, 256, { owner });
      assert.ok(found.length >= 3);
    },
  },
  {
    name: 'events of a job',
    times: 20,
    run: async (store, { jobs }) => full(await store.events.after(0, 256, { jobId: String(jobs / 2) }), 3),
  },
  {
    name: 'prune ten',
    times: 2,
    run: async (store) =>
      assert.equal(await store.retention.prune({ endedBefore: Number.MAX_SAFE_INTEGER, keep: null }, 10), 10),
  },
];

/** Milliseconds of each. */
export async function timed(step: Step, store: Store, size: Size, round: number): Promise<readonly number[]> {
  const times: number[] = [];
  await step.prepare?.(store, round * step.times);
  for (let number = 0; number < step.times; number++) {
    const began = performance.now();
    await step.run(store, size, round * step.times + number);
    times.push(performance.now() - began);
  }
  return times;
}

export function median(values: readonly number[]): number {
  return percentile(values, 0.5);
}

export function percentile(values: readonly number[], share: number): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length * share)] ?? Number.NaN;
}

/** Whatever is asked in whatever order, what must hold holds. */
import assert from 'node:assert/strict';
import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { DEBITED_STATES, isAllowed, isFinal, JOB_STATES, type JobState } from '../../core/job/state.ts';
import type { AttemptRecord, EventRecord, JobRecord, Store } from '../store.ts';
import { assignedTo, because, named, register, submit, type Open } from './fixtures.ts';
import { caseSeed } from '../../core/translate/testing/cases.ts';

type Act =
  | { readonly act: 'submit'; readonly cluster: 'red' | 'blue' | null }
  | {
      readonly act: 'move';
      readonly job: number;
      readonly to: JobState;
      readonly from: readonly JobState[];
      readonly late: number;
    }
  | { readonly act: 'receive'; readonly cluster: 'red' | 'blue'; readonly limit: number }
  | { readonly act: 'expire' }
  | { readonly act: 'cancel'; readonly job: number }
  | { readonly act: 'delete'; readonly cluster: 'red' | 'blue' };

const cluster = fc.constantFrom('red' as const, 'blue' as const);
const job = fc.integer({ min: 1, max: 6 });
const acts: fc.Arbitrary<Act> = fc.oneof(
  { weight: 3, arbitrary: fc.record({ act: fc.constant('submit' as const), cluster: fc.option(cluster) }) },
  {
    weight: 12,
    arbitrary: fc.record({
      act: fc.constant('move' as const),
      job,
      to: fc.constantFrom(...JOB_STATES),
      from: fc.oneof(
        { weight: 4, arbitrary: fc.constant(JOB_STATES) },
        { weight: 1, arbitrary: fc.subarray([...JOB_STATES]) },
      ),
      // How far the writer's epoch is behind.
      late: fc.oneof(
        { weight: 4, arbitrary: fc.constant(0) },
        { weight: 1, arbitrary: fc.integer({ min: -1, max: 2 }) },
      ),
    }),
  },
  {
    weight: 3,
    arbitrary: fc.record({ act: fc.constant('receive' as const), cluster, limit: fc.integer({ min: 0, max: 3 }) }),
  },
  { weight: 1, arbitrary: fc.record({ act: fc.constant('expire' as const) }) },
  { weight: 1, arbitrary: fc.record({ act: fc.constant('cancel' as const), job }) },
  { weight: 1, arbitrary: fc.record({ act: fc.constant('delete' as const), cluster }) },
);

async function perform(store: Store, act: Act, at: number): Promise<void> {
  switch (act.act) {
    case 'submit':
      await submit(
        store,
        act.cluster === null ? { at } : { at, outcome: assignedTo(await named(store, act.cluster), '[]') },
      );
      return;
    case 'move': {
      const now = await store.jobs.get(String(act.job));
      if (now === null) return;
      const epoch = now.epoch - act.late;
      const result = await store.jobs.transition({
        id: now.id,
        from: act.from,
        epoch,
        to: act.to,
        reason: because('moved'),
        at,
        cluster: await named(store, 'red'),
      });
      assert.equal(result.done, act.late === 0 && act.from.includes(now.state) && isAllowed(now.state, act.to));
      return;
    }
    case 'receive': {
      for (const received of await store.jobs.receive(await named(store, act.cluster), act.limit, at + 3, at)) {
        assert.deepEqual([received.state, received.cluster], ['received', act.cluster]);
      }
      return;
    }
    case 'expire':
      await store.jobs.returnExpired(at, 9);
      return;
    case 'cancel':
      await store.jobs.requestCancel(String(act.job), because('user'), at);
      return;
    case 'delete':
      await store.clusters.delete(act.cluster, at);
      await register(store, act.cluster, at);
  }
}

/** The events of a job tell its whole life, move by move, and end where it is. */
function checkLife(now: JobRecord, events: readonly EventRecord[]): void {
  let state: JobState | null = null;
  let epoch = 1;
  for (const event of events) {
    if (event.kind === 'cancel_requested') continue;
    const to = event.kind as JobState;
    assert.ok(state === null ? to === 'pending' : isAllowed(state, to), `${state} to ${to}`);
    if (state !== null && to === 'pending') epoch += 1;
    assert.equal(event.epoch, epoch);
    state = to;
  }
  assert.deepEqual([now.state, now.epoch], [state, epoch]);
}

/** A place in the table means what it says; what has ended stays as it is. */
function checkJob(now: JobRecord, ended: ReadonlyMap<string, JobRecord>): void {
  const before = ended.get(now.id);
  if (before !== undefined) assert.deepEqual(now, before);
  assert.equal(now.endedAt !== null, isFinal(now.state));
  if (now.state === 'pending') {
    assert.deepEqual([now.cluster, now.clusterId, now.allocation, now.nativeId], [null, null, null, null]);
  }
  if (DEBITED_STATES.some((debited) => debited === now.state)) assert.notEqual(now.clusterId, null);
}

/** Attempts are numbered by epoch; all but the current one are closed. */
function checkAttempts(now: JobRecord, attempts: readonly AttemptRecord[]): void {
  assert.deepEqual(
    attempts.map(({ epoch }) => epoch),
    Array.from({ length: now.epoch }, (_, n) => n + 1),
  );
  assert.equal(attempts.at(-1)?.state, now.state);
  assert.ok(attempts.slice(0, -1).every(({ endedAt }) => endedAt !== null));
}

async function checkSequence(store: Store, sequence: readonly Act[]): Promise<void> {
  await register(store, 'red');
  await register(store, 'blue');
  // 1. After every act.
  const ended = new Map<string, JobRecord>();
  for (const [step, act] of sequence.entries()) {
    await perform(store, act, 10_000 + step);
    for (const now of await store.jobs.list({ limit: 99 })) {
      checkJob(now, ended);
      if (isFinal(now.state)) ended.set(now.id, now);
    }
  }
  // 2. The whole story, at the end.
  const all = await store.events.after(0, 9999);
  assert.ok(all.every(({ seq }, index) => seq > (all[index - 1]?.seq ?? 0)));
  for (const now of await store.jobs.list({ limit: 99 })) {
    const own = await store.events.after(0, 9999, { jobId: now.id });
    assert.deepEqual(
      own,
      all.filter(({ jobId }) => jobId === now.id),
    );
    checkLife(now, own);
    checkAttempts(now, await store.jobs.attempts(now.id));
  }
}

export function propertyConformance(open: Open, numRuns: number): void {
  describe('properties', () => {
    test('random acts keep what must hold', async () => {
      const property = fc.asyncProperty(fc.array(acts, { minLength: 10, maxLength: 60 }), async (sequence) => {
        const store = await open();
        try {
          await checkSequence(store, sequence);
        } finally {
          await store.close();
        }
      });
      await expect(fc.assert(property, { numRuns, seed: caseSeed })).resolves.toBeUndefined();
    });
  });
}

/** Conditional writes: the state table, the epoch, attempts. */
import { describe, expect, test } from 'vitest';
import { isAllowed, isFinal, JOB_STATES, type JobState } from '../../core/job/state.ts';
import type { JobRecord, Store } from '../store.ts';
import {
  assignedTo,
  because,
  change,
  errorFrom,
  GONE,
  moved,
  opened,
  register,
  submit,
  type Open,
} from './fixtures.ts';

/** How a job comes to each state. */
const WAYS: Readonly<Record<JobState, readonly JobState[]>> = {
  pending: [],
  assigned: ['assigned'],
  received: ['assigned', 'received'],
  accepted: ['assigned', 'received', 'accepted'],
  running: ['assigned', 'received', 'accepted', 'running'],
  unknown: ['assigned', 'received', 'unknown'],
  completed: ['assigned', 'received', 'accepted', 'completed'],
  failed: ['assigned', 'received', 'accepted', 'failed'],
  canceled: ['canceled'],
  rejected: ['rejected'],
};

async function jobIn(store: Store, state: JobState): Promise<JobRecord> {
  return moved(store, await submit(store), ...WAYS[state]);
}

export function transitionConformance(open: Open): void {
  describe('transition', () => {
    test('only what the table allows happens; the rest changes nothing', async () => {
      const store = await opened(open);
      const red = await register(store, 'red');
      for (const from of JOB_STATES) {
        for (const to of JOB_STATES) {
          const job = await jobIn(store, from);
          const last = await store.events.last();
          const result = await store.jobs.transition(change(job, to, { cluster: red }));
          expect([from, to, result.done]).toEqual([from, to, isAllowed(from, to)]);
          const now = await store.jobs.get(job.id);
          expect(result.job).toEqual(now);
          expect(await store.events.last()).toBe(result.done ? last + 1 : last);
          const epoch = to === 'pending' ? job.epoch + 1 : job.epoch;
          expect(now).toMatchObject(result.done ? { state: to, epoch } : job);
          expect(now?.endedAt !== null).toBe(isFinal(result.done ? to : from));
        }
      }
    });

    test('a wrong epoch or state loses the race and is told what is there', async () => {
      const store = await opened(open);
      await register(store, 'red');
      const job = await jobIn(store, 'received');
      for (const stale of [
        change(job, 'accepted', { epoch: job.epoch + 1 }),
        change(job, 'accepted', { epoch: 0 }),
        change(job, 'accepted', { from: ['assigned'] }),
        change(job, 'accepted', { from: [] }),
      ]) {
        expect(await store.jobs.transition(stale)).toEqual({ done: false, job });
      }
      const result = await store.jobs.transition(change(job, 'accepted', { from: ['assigned', 'received'] }));
      expect(result.done).toBe(true);
    });

    test('what the agent reports is kept', async () => {
      const store = await opened(open);
      await register(store, 'red');
      const received = await jobIn(store, 'received');
      const accepted = await store.jobs.transition(
        change(received, 'accepted', { nativeId: 'f1', acceptedAt: 3100.7, reason: because('in_native_queue') }),
      );
      expect(accepted.job).toMatchObject({ nativeId: 'f1', acceptedAt: 3100, startedAt: null, leaseExpiresAt: null });
      const running = await store.jobs.transition(change(accepted.job!, 'running', { startedAt: 3200 }));
      expect(running.job).toMatchObject({ nativeId: 'f1', acceptedAt: 3100, startedAt: 3200 });
      const failed = await store.jobs.transition(
        change(running.job!, 'failed', { exitCode: 3, endedAt: 3300, reason: because('exit', 'exit code 3') }),
      );
      expect(failed.job).toMatchObject({
        state: 'failed',
        exitCode: 3,
        signal: null,
        startedAt: 3200,
        endedAt: 3300,
        reason: because('exit', 'exit code 3'),
        cluster: 'red',
      });
      expect(await store.jobs.get(received.id)).toEqual(failed.job);
      expect((await store.events.after(0, 99, { jobId: received.id })).at(-1)).toMatchObject({
        kind: 'failed',
        cluster: 'red',
        detail: { exitCode: 3, signal: null },
      });
    });

    test('exit code 0 is an exit code', async () => {
      const store = await opened(open);
      await register(store, 'red');
      const running = await jobIn(store, 'running');
      const done = await store.jobs.transition(change(running, 'completed', { exitCode: 0 }));
      expect(done.job?.exitCode).toBe(0);
      expect((await store.jobs.get(running.id))?.exitCode).toBe(0);
    });

    test('a way back to pending closes the attempt and opens the next', async () => {
      const store = await opened(open);
      const red = await register(store, 'red');
      const job = await submit(store, { outcome: assignedTo(red, '["n1"]') });
      const [received] = await store.jobs.receive(red, 1, 2900, 2100);
      const accepted = await store.jobs.transition(change(received!, 'accepted', { nativeId: '77', acceptedAt: 2200 }));
      const running = await store.jobs.transition(change(accepted.job!, 'running', { startedAt: 2300 }));
      const back = await store.jobs.transition(
        change(running.job!, 'pending', {
          reason: because('retry', 'exit code 9'),
          exitCode: 9,
          endedAt: 2400,
          decision: '{"retry":1}',
          at: 2500,
        }),
      );
      expect(back.job).toEqual({
        ...job,
        state: 'pending',
        reason: because('retry', 'exit code 9'),
        epoch: 2,
        cluster: null,
        clusterId: null,
        assignedAt: null,
        allocation: null,
      });
      expect(await store.jobs.attempts(job.id)).toEqual([
        {
          epoch: 1,
          cluster: 'red',
          nativeId: '77',
          state: 'running',
          reason: because('retry', 'exit code 9'),
          assignedAt: 2000,
          receivedAt: 2100,
          acceptedAt: 2200,
          startedAt: 2300,
          endedAt: 2400,
          exitCode: 9,
          signal: null,
        },
        {
          epoch: 2,
          cluster: null,
          nativeId: null,
          state: 'pending',
          reason: because('retry', 'exit code 9'),
          assignedAt: null,
          receivedAt: null,
          acceptedAt: null,
          startedAt: null,
          endedAt: null,
          exitCode: null,
          signal: null,
        },
      ]);
      expect((await store.jobs.decisions(job.id)).map(({ epoch }) => epoch)).toEqual([2]);

      // The holder of the first epoch is fenced; the second runs its own way.
      expect((await store.jobs.transition(change(running.job!, 'completed'))).done).toBe(false);
      const second = await store.jobs.transition(
        change(back.job!, 'assigned', { cluster: red, allocation: '["n2"]', decision: '{"second":1}' }),
      );
      expect(second.job).toMatchObject({ epoch: 2, clusterId: red.id, allocation: '["n2"]', nativeId: null });
      expect((await store.jobs.decisions(job.id)).map(({ decision }) => decision)).toEqual([
        '{"retry":1}',
        '{"second":1}',
      ]);
    });

    test('a cluster that is gone is a lost race; none at all is a fault of the caller', async () => {
      const store = await opened(open);
      const job = await submit(store);
      expect(await store.jobs.transition(change(job, 'assigned', { cluster: GONE }))).toEqual({ done: false, job });
      expect((await errorFrom(store.jobs.transition(change(job, 'assigned')))).code).toBe('internal');
      expect(await store.jobs.get(job.id)).toEqual(job);
    });
  });
}

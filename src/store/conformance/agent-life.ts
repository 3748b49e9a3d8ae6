/** Retries, attempts beside each other, jobs that are left lying, clusters that are gone. */
import { describe, expect, test } from 'vitest';
import { WAITS } from '../../core/job/waits.ts';
import type { Outrun } from '../store.ts';
import {
  assignedTo,
  because,
  change,
  GONE,
  moved,
  newJob,
  opened,
  register,
  SECRET,
  submit,
  type Open,
} from './fixtures.ts';

export function agentLifeConformance(open: Open): void {
  describe('handling', () => {
    test('what is asked for comes back as it was, nothing as nothing', async () => {
      const store = await opened(open);
      const retry = { limit: 3, on: ['exit:1', 'node_failure'], where: 'elsewhere', delay: 2.5 } as const;
      const handling = { retry, returnAfter: 60, outputCap: 4096 };
      const some = await submit(store, { handling });
      const none = await submit(store);
      expect(some.handling).toEqual(handling);
      expect((await store.jobs.get(some.id))?.handling).toEqual(handling);
      expect((await store.jobs.get(none.id))?.handling).toEqual({});
    });
  });

  describe('an attempt that failed and is tried again', () => {
    test('keeps how it failed; the job says why it is pending', async () => {
      const store = await opened(open);
      const red = await register(store, 'red');
      const job = await moved(
        store,
        await submit(store, { outcome: assignedTo(red) }),
        'received',
        'accepted',
        'running',
      );
      const attempt = { state: 'failed', reason: because('exit', 'task 0 exited with 1') } as const;
      const result = await store.jobs.transition(
        change(job, 'pending', { reason: because('retry', '1 of 3'), attempt, exitCode: 1, endedAt: 2999 }),
      );
      expect(result.job).toMatchObject({ state: 'pending', epoch: 2, reason: { code: 'retry' }, exitCode: null });
      expect(await store.jobs.attempts(job.id)).toMatchObject([
        { epoch: 1, state: 'failed', reason: attempt.reason, exitCode: 1, endedAt: 2999, cluster: 'red' },
        { epoch: 2, state: 'pending', reason: { code: 'retry' } },
      ]);
    });
  });

  describe('an attempt that was duplicated', () => {
    const ends = (id: string, more: Partial<Outrun> = {}): Outrun => ({
      id,
      epoch: 2,
      attempt: 1,
      to: 'completed',
      reason: because('exit'),
      at: 5000,
      endedAt: 4999.5,
      exitCode: 0,
      ...more,
    });

    test('ends the job when it ends first; the one beside it is closed', async () => {
      const store = await opened(open);
      const red = await register(store, 'red');
      const blue = await register(store, 'blue');
      const first = await moved(
        store,
        await submit(store, { outcome: assignedTo(red) }),
        'received',
        'accepted',
        'unknown',
      );
      const again = await store.jobs.transition(change(first, 'pending', { reason: because('duplicated') }));
      const there = await store.jobs.transition(change(again.job!, 'assigned', { cluster: blue, allocation: 'x' }));
      expect((await store.jobs.outrun(ends(first.id, { epoch: 1 }))).done).toBe(false);
      expect((await store.jobs.outrun(ends(first.id, { attempt: 2 }))).done).toBe(false);
      expect((await store.jobs.outrun(ends(first.id, { attempt: 0 }))).done).toBe(false);
      const result = await store.jobs.outrun(ends(first.id));
      expect(result).toMatchObject({
        done: true,
        job: { state: 'completed', epoch: 2, endedBy: 1, cluster: 'red', exitCode: 0, endedAt: 4999 },
      });
      expect(await store.jobs.get(first.id)).toEqual(result.job);
      expect(await store.jobs.attempts(first.id)).toMatchObject([
        { epoch: 1, state: 'completed', cluster: 'red', exitCode: 0 },
        { epoch: 2, state: there.job!.state, cluster: 'blue', reason: { code: 'duplicated' } },
      ]);
      expect((await store.jobs.outrun(ends(first.id))).done, 'only once').toBe(false);
      const last = (await store.events.after(0, 99)).at(-1);
      expect(last).toMatchObject({ kind: 'completed', epoch: 2, cluster: 'red', detail: { attempt: 1 } });
    });

    test('ends it for its array, and for those that depend on it', async () => {
      const store = await opened(open);
      const red = await register(store, 'red');
      const waiting = {
        waits: WAITS.dependency,
        outcome: { state: 'pending', reason: because('dependency') },
      } as const;
      const pending = { state: 'pending', reason: because('submitted') } as const;
      // 1. A job of its own, and a task that the next of its array waits for.
      const alone = await submit(store, { outcome: assignedTo(red) });
      const { array } = await store.arrays.submit({
        ...newJob(),
        indices: '0-1',
        tasks: [0, 1],
        mostAtOnce: 1,
        outcome: pending,
      });
      const [task, next] = await store.jobs.list({ array: array!.id, oldestFirst: true, limit: 9 });
      const dependent = await submit(store, { ...waiting, dependencies: [{ kind: 'afterok', on: alone.id }] });
      // 2. Each is duplicated, and its first attempt ends it.
      for (const job of [alone, task!]) {
        const before = job.state === 'pending' ? await moved(store, job, 'assigned') : job;
        const lost = await moved(store, before, 'received', 'accepted', 'unknown');
        await store.jobs.transition(change(lost, 'pending', { reason: because('duplicated') }));
        expect((await store.jobs.outrun(ends(job.id))).done).toBe(true);
      }
      expect(await store.arrays.get(array!.id)).toMatchObject({ counts: { completed: 1, pending: 1 }, exitCode: 0 });
      expect(await store.jobs.get(next!.id)).toMatchObject({ waits: 0 });
      expect(await store.jobs.settleDependencies(9, 6000)).toEqual({ released: 1, canceled: 0 });
      expect(await store.jobs.get(dependent.id)).toMatchObject({ state: 'pending', waits: 0 });
    });

    test('one that was not duplicated ends nothing, nor any after the end', async () => {
      const store = await opened(open);
      await register(store, 'red');
      const held = await moved(store, await submit(store), 'assigned', 'received', 'accepted');
      const requeued = await store.jobs.transition(change(held, 'pending', { reason: because('requeued') }));
      expect((await store.jobs.outrun(ends(held.id))).done).toBe(false);
      expect(await store.jobs.attempts(held.id)).toHaveLength(2);
      await store.jobs.transition(change(requeued.job!, 'canceled'));
      expect((await store.jobs.outrun(ends(held.id))).done).toBe(false);
      expect(await store.jobs.outrun(ends('77'))).toEqual({ done: false, job: null });
    });
  });

  describe('jobs that are left lying', () => {
    test('say so once, until they are taken or their time is over', async () => {
      const store = await opened(open);
      const red = await register(store, 'red');
      for (const priority of [0, 5, 0]) await submit(store, { priority, outcome: assignedTo(red) });
      expect((await store.jobs.assigned(red, 2)).map(({ id }) => id)).toEqual(['2', '1']);
      expect(await store.jobs.assigned(GONE, 2)).toEqual([]);
      const leave = (id: string, until: number, epoch = 1) => ({ id, epoch, message: 'too large', until });
      const before = await store.events.last();
      const left = await store.jobs.leave(
        [leave('1', 9000.5), leave('2', 8000), leave('3', 7000, 2), leave('9', 1)],
        4000,
      );
      expect(left.map(({ id, state, reason, leftUntil }) => [id, state, reason.code, leftUntil])).toEqual([
        ['1', 'assigned', 'left', 9000],
        ['2', 'assigned', 'left', 8000],
      ]);
      expect(await store.jobs.get('1')).toEqual(left[0]);
      await store.jobs.leave([leave('1', 9500)], 4001);
      expect((await store.events.after(before, 9)).map(({ kind, jobId }) => [kind, jobId])).toEqual([
        ['left', '1'],
        ['left', '2'],
      ]);
      expect((await store.jobs.leftOver(9000, 9)).map(({ id }) => id)).toEqual(['2', '1']);
      expect((await store.jobs.leftOver(8999, 9)).map(({ id }) => id)).toEqual(['2']);
      const taken = await store.jobs.receiveThese(
        red,
        [
          { id: '2', epoch: 1 },
          { id: '3', epoch: 7 },
        ],
        5000,
      );
      expect(taken).toMatchObject([{ id: '2', state: 'received', leftUntil: null, receivedAt: 5000 }]);
      expect(await store.jobs.receiveThese(red, [{ id: '2', epoch: 1 }], 5000)).toEqual([]);
      expect(await store.jobs.receiveThese(GONE, [{ id: '1', epoch: 1 }], 5000)).toEqual([]);
      expect((await store.jobs.leftOver(9999, 9)).map(({ id }) => id)).toEqual(['1']);
      const [one] = await store.jobs.leftOver(9999, 9);
      const back = await store.jobs.transition(change(one!, 'pending', { reason: because('left') }));
      expect(back.job).toMatchObject({ state: 'pending', leftUntil: null });
      expect(await store.jobs.leftOver(9999, 9)).toEqual([]);
    });

    test('one whose cancel was asked for is neither shown nor taken', async () => {
      const store = await opened(open);
      const red = await register(store, 'red');
      const { id } = await submit(store, { outcome: assignedTo(red) });
      await store.jobs.requestCancel(id, because('user'), 3000);
      expect(await store.jobs.assigned(red, 9)).toEqual([]);
      expect(await store.jobs.receiveThese(red, [{ id, epoch: 1 }], 3000)).toEqual([]);
    });
  });

  describe('a cluster that was deleted', () => {
    test('is remembered with its secret, whoever has its name now', async () => {
      const store = await opened(open);
      const other = new Uint8Array(32).fill(1);
      await register(store, 'red');
      expect(await store.clusters.wasDeleted('red', SECRET)).toBe(false);
      await store.clusters.delete('red', 5000);
      expect(await store.clusters.wasDeleted('red', SECRET)).toBe(true);
      expect(await store.clusters.wasDeleted('red', other)).toBe(false);
      expect(await store.clusters.wasDeleted('blue', SECRET)).toBe(false);
      await register(store, 'red');
      expect(await store.clusters.wasDeleted('red', SECRET)).toBe(true);
      await store.clusters.delete('red', 6000);
    });
  });
}

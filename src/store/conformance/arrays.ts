/** Arrays: one id, many tasks, one jobspec; at most so many at once; counted where they end. */
import { describe, expect, test } from 'vitest';
import { WAITS } from '../../core/job/waits.ts';
import type { ArrayRecord, JobRecord, NewArray, Store } from '../store.ts';
import { because, change, moved, newJob, opened, register, submit, type Open } from './fixtures.ts';

export function newArray(tasks: readonly number[], changes: Partial<NewArray> = {}): NewArray {
  const { outcome: _, ...job } = newJob({ jobspec: 'the one' });
  const outcome = { state: 'pending', reason: because('submitted') } as const;
  return { ...job, indices: '0-9', tasks, mostAtOnce: null, outcome, ...changes };
}

async function submitted(
  store: Store,
  tasks: readonly number[],
  changes: Partial<NewArray> = {},
): Promise<ArrayRecord> {
  const { array } = await store.arrays.submit(newArray(tasks, changes));
  if (array === null) throw new Error('no array');
  return array;
}

function tasksOf(store: Store, array: ArrayRecord): Promise<readonly JobRecord[]> {
  return store.jobs.list({ array: array.id, oldestFirst: true, limit: 1000 });
}

const RUN = ['assigned', 'received', 'accepted', 'running'] as const;

export function arrayConformance(open: Open): void {
  describe('arrays', () => {
    test('what the image needs is kept once, and is that of each task', async () => {
      const store = await opened(open);
      const array = await submitted(store, [1, 2], { image: '{"needs":null}' });
      expect((await tasksOf(store, array)).map(({ image }) => image)).toEqual(['{"needs":null}', '{"needs":null}']);
      const job = await submit(store, { image: '{"source":"none"}' });
      expect(job.image).toBe('{"source":"none"}');
      expect((await store.jobs.get(job.id))?.image).toBe('{"source":"none"}');
      expect((await store.jobs.get((await submit(store)).id))?.image).toBeNull();
    });

    test('one id, tasks with ids of their own, one jobspec, one event', async () => {
      const store = await opened(open);
      const before = await submit(store);
      const array = await submitted(store, [3, 5, 8], { name: 'many', at: 2500 });
      expect(array).toEqual({
        id: '2',
        name: 'many',
        owner: 'user:ada',
        indices: '0-9',
        mostAtOnce: null,
        tasks: 3,
        leastIndex: 3,
        mostIndex: 8,
        priority: 0,
        submittedAt: 2500,
        endedAt: null,
        counts: { pending: 3 },
        exitCode: null,
        cancelRequestedAt: null,
      });
      const tasks = await tasksOf(store, array);
      expect(tasks.map(({ array: at, jobspec, candidates }) => [at?.index, jobspec, candidates.length])).toEqual([
        [3, 'the one', 2],
        [5, 'the one', 2],
        [8, 'the one', 2],
      ]);
      expect(new Set([before.id, array.id, ...tasks.map(({ id }) => id)]).size).toBe(5);
      expect(await store.jobs.get(array.id)).toBeNull();
      expect(await store.jobs.pending(9)).toEqual([before, ...tasks]);
      expect(await store.events.after(1, 9)).toMatchObject([
        { jobId: array.id, arrayId: array.id, kind: 'pending', detail: { tasks: 3, indices: '0-9' } },
      ]);
      // The next job's number is none of theirs.
      expect(Number((await submit(store)).id)).toBeGreaterThan(Number(tasks.at(-1)?.id));
    });

    test('the first of all may be an array', async () => {
      const store = await opened(open);
      const array = await submitted(store, [0, 1]);
      expect((await tasksOf(store, array)).map(({ id }) => Number(id) > Number(array.id))).toEqual([true, true]);
    });

    test('a repeated key gives the same array; a key of a job gives that job', async () => {
      const store = await opened(open);
      const array = await submitted(store, [0, 1], { idempotencyKey: 'k' });
      expect(await store.arrays.submit(newArray([7], { idempotencyKey: 'k' }))).toEqual({
        array,
        job: null,
        created: false,
      });
      expect(await store.jobs.submit(newJob({ idempotencyKey: 'k' }))).toMatchObject({
        created: false,
        job: { array: { id: array.id, index: 0, count: 2, least: 0, most: 1 } },
      });
      const job = await submit(store, { idempotencyKey: 'j' });
      expect(await store.arrays.submit(newArray([7], { idempotencyKey: 'j' }))).toEqual({
        array: null,
        job,
        created: false,
      });
    });

    test('lists show arrays beside jobs, tasks only where their array is asked for', async () => {
      const store = await opened(open);
      const red = await register(store, 'red');
      const one = await submit(store);
      const array = await submitted(store, [0, 1]);
      const other = await submitted(store, [0], { owner: 'user:bob', name: 'b' });
      const ids = (found: readonly { id: string }[]) => found.map(({ id }) => id);
      expect(ids(await store.jobs.list({ limit: 9 }))).toEqual([one.id]);
      expect(ids(await store.arrays.list({ limit: 9 }))).toEqual([other.id, array.id]);
      expect(ids(await store.arrays.list({ owner: 'user:ada', limit: 9 }))).toEqual([array.id]);
      expect(ids(await store.arrays.list({ limit: 9, after: other.id }))).toEqual([array.id]);
      expect(ids(await store.arrays.list({ limit: 9, states: ['running'] }))).toEqual([]);
      const [task] = await tasksOf(store, array);
      await moved(store, task!, ...RUN);
      expect(ids(await store.arrays.list({ limit: 9, states: ['running', 'unknown'], cluster: 'red' }))).toEqual([
        array.id,
      ]);
      const held = await store.jobs.debited(red);
      expect(ids(held)).toEqual([task!.id]);
      expect(await store.jobs.get(task!.id)).toMatchObject(held[0]!);
      expect(ids(await store.jobs.list({ array: array.id, indices: [1], limit: 9 }))).toHaveLength(1);
      expect(ids(await store.jobs.list({ array: array.id, owner: 'user:bob', limit: 9 }))).toEqual([]);
    });

    test('ends are counted, the array ends with the last, and its events are those of all tasks', async () => {
      const store = await opened(open);
      await register(store, 'red');
      const array = await submitted(store, [0, 1, 2]);
      const tasks = await tasksOf(store, array);
      await moved(store, tasks[0]!, ...RUN, 'completed');
      const running = await moved(store, tasks[1]!, ...RUN);
      await store.jobs.transition({
        id: running.id,
        from: ['running'],
        epoch: 1,
        to: 'failed',
        reason: because('exit'),
        at: 5000,
        endedAt: 5000,
        exitCode: 3,
      });
      expect(await store.arrays.get(array.id)).toMatchObject({
        endedAt: null,
        exitCode: 3,
        counts: { completed: 1, failed: 1, pending: 1 },
      });
      await store.jobs.transition({
        id: tasks[2]!.id,
        from: ['pending'],
        epoch: 1,
        to: 'canceled',
        reason: because('user'),
        at: 6000,
      });
      expect(await store.arrays.get(array.id)).toMatchObject({
        endedAt: 6000,
        counts: { completed: 1, failed: 1, canceled: 1 },
      });
      const events = await store.events.after(0, 50, { arrayId: array.id });
      expect(new Set(events.map(({ jobId }) => jobId))).toEqual(new Set([array.id, ...tasks.map(({ id }) => id)]));
      expect(events.at(-1)).toMatchObject({ jobId: array.id, kind: 'failed' });
    });

    test('at most so many at once: an end lets the next go, the end of one that waited does not', async () => {
      const store = await opened(open);
      await register(store, 'red');
      const array = await submitted(store, [0, 1, 2, 3, 4], { mostAtOnce: 2 });
      const tasks = await tasksOf(store, array);
      const ready = async () => (await store.jobs.pending(9)).map(({ array: at }) => at?.index);
      expect(tasks.map(({ waits, reason }) => [waits, reason.code])).toEqual([
        [0, 'submitted'],
        [0, 'submitted'],
        [WAITS.array, 'array_limit'],
        [WAITS.array, 'array_limit'],
        [WAITS.array, 'array_limit'],
      ]);
      await moved(store, tasks[3]!, 'canceled');
      expect(await ready()).toEqual([0, 1]);
      await moved(store, tasks[0]!, ...RUN, 'failed');
      expect(await ready()).toEqual([1, 2]);
      // One that goes back to pending keeps its place.
      await moved(store, tasks[1]!, 'assigned', 'pending');
      expect(await ready()).toEqual([1, 2]);
      await store.arrays.requestCancel(array.id, because('user'), 9000);
      await moved(store, tasks[2]!, 'canceled');
      expect(await ready()).toEqual([1]);
    });

    test('a place that falls free is not lost where its next owner is changed in the same moment', async () => {
      const store = await opened(open);
      await register(store, 'red');
      const array = await submitted(store, [0, 1, 2], { mostAtOnce: 1 });
      const [first, second, third] = await tasksOf(store, array);
      const running = await moved(store, first!, ...RUN);
      // Together: they may share a commit.
      await Promise.all([
        store.jobs.transition(change(running, 'completed')),
        store.jobs.hold(second!.id, because('held'), 4000),
      ]);
      expect(await store.jobs.get(second!.id)).toMatchObject({ waits: WAITS.held });
      await store.jobs.release(second!.id, 5000);
      const next = await moved(store, second!, ...RUN);
      await Promise.all([
        store.jobs.transition(change(next, 'completed')),
        store.jobs.transition(change(third!, 'canceled')),
      ]);
      expect(await store.arrays.get(array.id)).toMatchObject({ counts: { completed: 2, canceled: 1 } });
    });

    test('a place that is given and given up in the same moment goes on', async () => {
      const store = await opened(open);
      await register(store, 'red');
      const array = await submitted(store, [0, 1, 2], { mostAtOnce: 1 });
      const [first, second, third] = await tasksOf(store, array);
      const running = await moved(store, first!, ...RUN);
      await Promise.all([
        store.jobs.transition(change(running, 'completed')),
        store.jobs.transition(change(second!, 'canceled')),
      ]);
      expect((await store.jobs.pending(9)).map(({ id }) => id)).toEqual([third!.id]);
    });

    test('a cancel is asked for once and lists what is to be ended', async () => {
      const store = await opened(open);
      const array = await submitted(store, [0, 1]);
      expect(await store.arrays.toCancel(array.id, 9)).toBeNull();
      expect(await store.arrays.requestCancel(array.id, because('user', 'why'), 4000)).toMatchObject({
        cancelRequestedAt: 4000,
      });
      expect(await store.arrays.requestCancel(array.id, because('user'), 5000)).toMatchObject({
        cancelRequestedAt: 4000,
      });
      expect(await store.arrays.canceling(9)).toEqual([array.id]);
      const found = await store.arrays.toCancel(array.id, 9);
      expect([found?.reason, found?.tasks.length]).toEqual([because('user', 'why'), 2]);
      for (const task of found?.tasks ?? []) await moved(store, task, 'canceled');
      expect(await store.arrays.canceling(9)).toEqual([]);
      expect(await store.arrays.requestCancel('99', because('user'), 1)).toBeNull();
    });

    test('hold and release are of all pending tasks; what else they wait for stays', async () => {
      const store = await opened(open);
      const array = await submitted(store, [0, 1, 2], { mostAtOnce: 1 });
      await store.arrays.hold(array.id, because('held'), 4000);
      expect((await tasksOf(store, array)).map(({ waits, reason }) => [waits, reason.code])).toEqual([
        [WAITS.held, 'held'],
        [WAITS.held | WAITS.array, 'held'],
        [WAITS.held | WAITS.array, 'held'],
      ]);
      await store.arrays.release(array.id, 5000);
      expect((await tasksOf(store, array)).map(({ waits, reason }) => [waits, reason.code])).toEqual([
        [0, 'submitted'],
        [WAITS.array, 'array_limit'],
        [WAITS.array, 'array_limit'],
      ]);
    });

    test('what changes nothing tells nothing, least of all after the end', async () => {
      const store = await opened(open);
      const other = await submit(store);
      const array = await submitted(store, [0], {
        waits: WAITS.dependency,
        outcome: { state: 'pending', reason: because('dependency') },
        dependencies: [{ kind: 'afterany', on: other.id }],
      });
      const [task] = await tasksOf(store, array);
      for (const at of [4000, 4001]) await store.arrays.hold(array.id, because('held'), at);
      for (const at of [5000, 5001]) await store.arrays.release(array.id, at);
      await moved(store, task!, 'canceled');
      await store.arrays.hold(array.id, because('held'), 6000);
      await moved(store, other, 'canceled');
      while ((await store.jobs.settleDependencies(9, 7000)) !== null);
      const events = await store.events.after(0, 50, { arrayId: array.id });
      expect(events.filter(({ jobId }) => jobId === array.id).map(({ kind, at }) => [kind, at])).toEqual([
        ['pending', 2000],
        ['reason', 4000],
        ['reason', 5000],
        ['canceled', 3000],
      ]);
    });

    test('depends and is depended on as a whole', async () => {
      const store = await opened(open);
      await register(store, 'red');
      const first = await submitted(store, [0, 1]);
      const waiting = {
        waits: WAITS.dependency,
        outcome: { state: 'pending', reason: because('dependency') },
      } as const;
      const on = (kind: 'afterok' | 'afterany') => [{ kind, on: first.id }] as const;
      const ok = await submit(store, { ...waiting, dependencies: on('afterok') });
      const any = await submitted(store, [0, 1, 2], { ...waiting, dependencies: on('afterany'), mostAtOnce: 2 });
      const never = await submitted(store, [0, 1], { ...waiting, dependencies: on('afterok') });
      const tasks = await tasksOf(store, first);
      await moved(store, tasks[0]!, ...RUN, 'failed');
      // It can never be ok any more, though a task of it has not ended.
      expect(await store.jobs.settleDependencies(9, 4000)).toEqual({ released: 0, canceled: 2 });
      expect(await store.jobs.get(ok.id)).toMatchObject({ state: 'canceled', reason: { code: 'dependency' } });
      expect(await store.arrays.toCancel(never.id, 9)).toMatchObject({ reason: { code: 'dependency' } });
      await moved(store, tasks[1]!, ...RUN, 'completed');
      expect(await store.jobs.settleDependencies(9, 5000)).toEqual({ released: 1, canceled: 0 });
      expect((await tasksOf(store, any)).map(({ waits }) => waits)).toEqual([0, 0, WAITS.array]);
    });
  });
}

/** What waits for a start (`after`), and for those of its own name (`singleton`). */
import { describe, expect, test } from 'vitest';
import { isoOf } from '../../core/iso-time.ts';
import { WAITS, type Dependency } from '../../core/job/waits.ts';
import type { ArrayRecord, JobId, JobRecord, NewJob, Store } from '../store.ts';
import { newArray } from './arrays.ts';
import { because, change, moved, newJob, opened, register, submit, type Open } from './fixtures.ts';

const RUN = ['assigned', 'received', 'accepted', 'running'] as const;
const ALONE: Dependency = { kind: 'singleton', on: '' };
const MINUTE = 60_000;

function after(on: JobId, minutes = 0): Dependency {
  return minutes === 0 ? { kind: 'after', on } : { kind: 'after', on, minutes };
}

function waiting(...dependencies: readonly Dependency[]): Partial<NewJob> & Pick<NewJob, 'waits' | 'dependencies'> {
  return { waits: WAITS.dependency, outcome: { state: 'pending', reason: because('dependency') }, dependencies };
}

async function arrayOf(store: Store, tasks: number, changes: Partial<NewJob> = {}): Promise<ArrayRecord> {
  const outcome = { state: 'pending', reason: because('submitted') } as const;
  const indices = Array.from({ length: tasks }, (_, index) => index);
  const { array } = await store.arrays.submit({ ...newArray(indices), ...changes, outcome });
  return array!;
}

const tasksOf = (store: Store, { id }: ArrayRecord): Promise<readonly JobRecord[]> =>
  store.jobs.list({ array: id, oldestFirst: true, limit: 100 });

/** Everything that is marked is looked at; whether this one waits on. */
async function waitsOn(store: Store, { id }: { readonly id: JobId }, at = 4000): Promise<boolean> {
  while ((await store.jobs.settleDependencies(9, at)) !== null);
  const job = (await store.jobs.get(id)) ?? (await store.jobs.list({ array: id, limit: 1 }))[0];
  return (job!.waits & WAITS.dependency) !== 0;
}

export function startAndNameConformance(open: Open): void {
  describe('after', () => {
    test('is met by what runs, has run, or has ended', async () => {
      const store = await opened(open);
      await register(store, 'red');
      for (const states of [
        RUN,
        ['canceled'],
        // Nobody saw it run.
        ['assigned', 'received', 'accepted', 'completed'],
        [...RUN, 'pending'],
      ] as const) {
        const first = await submit(store);
        const second = await submit(store, waiting(after(first.id)));
        expect(await waitsOn(store, second)).toBe(true);
        expect(await store.jobs.get(second.id)).toMatchObject({ reason: { message: `waits for after:${first.id}` } });
        await moved(store, first, ...states);
        expect((await store.jobs.pending(99)).map(({ id }) => id)).not.toContain(second.id);
        expect(await waitsOn(store, second)).toBe(false);
        expect(await store.jobs.get(second.id)).toMatchObject({ waits: 0, reason: { code: 'submitted' } });
        // Who comes later is told the same.
        const third = await submit(store, waiting(after(first.id)));
        expect(await waitsOn(store, third)).toBe(false);
        expect(await store.jobs.dependencies(third.id)).toEqual([after(first.id)]);
      }
    });

    test('is not met by what is only on its way', async () => {
      const store = await opened(open);
      await register(store, 'red');
      const first = await moved(store, await submit(store), 'assigned', 'received', 'accepted');
      const second = await submit(store, waiting(after(first.id)));
      expect(await waitsOn(store, second)).toBe(true);
      await moved(store, first, 'pending');
      expect(await waitsOn(store, second)).toBe(true);
    });

    test('minutes later: counted from the first start, and from the latest of several', async () => {
      const store = await opened(open);
      await register(store, 'red');
      const [a, b] = [await submit(store), await submit(store)];
      const job = await submit(store, waiting(after(a.id, 2), after(b.id, 1)));
      const array = await arrayOf(store, 2, waiting(after(a.id, 2)));
      const held = await submit(store, { ...waiting(after(a.id, 2)), beginAt: 10 * MINUTE });
      await store.jobs.hold(held.id, because('held'), 2500);
      let running = await moved(store, a, 'assigned', 'received', 'accepted');
      running = (await store.jobs.transition(change(running, 'running', { startedAt: 5000 }))).job!;
      // Another attempt of it does not count.
      running = await moved(store, running, 'pending', 'assigned', 'received', 'accepted');
      await store.jobs.transition(change(running, 'running', { startedAt: 90_000 }));
      expect(await waitsOn(store, job)).toBe(true);
      await store.jobs.transition(
        change(await moved(store, b, 'assigned', 'received', 'accepted'), 'running', { startedAt: 70_000 }),
      );
      expect(await waitsOn(store, job, 100_000)).toBe(false);
      const at = 70_000 + MINUTE;
      const reason = { code: 'begin', message: `not before ${isoOf(at)}` };
      expect(await store.jobs.get(job.id)).toMatchObject({ waits: WAITS.begin, beginAt: at, reason });
      const events = await store.events.after(0, 99, { jobId: job.id });
      expect(events.at(-1)).toMatchObject({ kind: 'reason', reason });
      const begins = (await tasksOf(store, array)).map(({ waits, beginAt }) => [waits, beginAt]);
      expect(begins).toEqual([5000, 5000].map((began) => [WAITS.begin, began + 2 * MINUTE]));
      expect(await store.jobs.get(held.id)).toMatchObject({ waits: WAITS.held | WAITS.begin, beginAt: 10 * MINUTE });
      expect(await store.jobs.releaseBegun(at - 1, 9)).toBe(2);
      expect(await store.jobs.releaseBegun(at, 9)).toBe(1);
      expect(await store.jobs.get(job.id)).toMatchObject({ waits: 0, reason: { code: 'submitted' } });
      // Long ago: nothing is left to wait for.
      const late = await submit(store, waiting(after(a.id, 2)));
      expect(await waitsOn(store, late, 10 * MINUTE)).toBe(false);
      expect(await store.jobs.get(late.id)).toMatchObject({ waits: 0, beginAt: null });
    });

    test('a job that is let go by hand still waits its minutes', async () => {
      const store = await opened(open);
      await register(store, 'red');
      const first = await moved(store, await submit(store), ...RUN);
      const job = await submit(store, waiting(after(first.id, 1)));
      await store.jobs.hold(job.id, because('held'), 2500);
      await store.jobs.release(job.id, 2600);
      await waitsOn(store, job);
      expect(await store.jobs.get(job.id)).toMatchObject({ waits: WAITS.begin });
    });

    test('an array has begun when all of its tasks have, however they did', async () => {
      const store = await opened(open);
      await register(store, 'red');
      const array = await arrayOf(store, 4);
      const job = await submit(store, waiting(after(array.id)));
      const [a, b, c, d] = await tasksOf(store, array);
      await moved(store, a!, ...RUN, 'failed');
      await moved(store, b!, ...RUN, 'pending');
      await moved(store, c!, ...RUN);
      const next = await submit(store, waiting(after(array.id, 10)));
      expect([await waitsOn(store, job), await waitsOn(store, next)]).toEqual([true, true]);
      // Not the first that is lost, and not the last that ends.
      await moved(store, d!, 'canceled');
      expect([await waitsOn(store, job), await waitsOn(store, next)]).toEqual([false, false]);
      expect(await store.jobs.get(next.id)).toMatchObject({ waits: WAITS.begin });
    });

    test('two last tasks that begin at once let it go', async () => {
      const store = await opened(open);
      await register(store, 'red');
      const array = await arrayOf(store, 2);
      const job = await submit(store, waiting(after(array.id)));
      const tasks = await tasksOf(store, array);
      const accepted = await Promise.all(tasks.map((task) => moved(store, task, 'assigned', 'received', 'accepted')));
      await Promise.all(accepted.map((task) => store.jobs.transition(change(task, 'running'))));
      expect(await waitsOn(store, job)).toBe(false);
    });

    test('what it waits for is kept, and then may go', async () => {
      const store = await opened(open);
      await register(store, 'red');
      const [gone, open_] = [await moved(store, await submit(store), 'canceled'), await submit(store)];
      const job = await submit(store, waiting(after(gone.id), after(open_.id)));
      expect(await waitsOn(store, job)).toBe(true);
      expect(await store.retention.prune({ endedBefore: 1e9, keep: null }, 9)).toBe(0);
      await moved(store, open_, 'canceled');
      await waitsOn(store, job);
      await moved(store, (await store.jobs.get(job.id))!, 'canceled');
      expect(await store.retention.prune({ endedBefore: 1e9, keep: null }, 9)).toBe(3);
    });
  });

  describe('singleton', () => {
    const named = (name: string, owner = 'user:ada'): Partial<NewJob> => ({ name, owner });
    const alone = (name: string, ...more: readonly Dependency[]): Partial<NewJob> => ({
      ...named(name),
      ...waiting(ALONE, ...more),
    });

    test('nothing of its name in the way: it is to be decided at once', async () => {
      const store = await opened(open);
      await register(store, 'red');
      await submit(store, named('other'));
      await submit(store, named('train', 'user:bob'));
      await moved(store, await submit(store, named('train')), ...RUN, 'failed');
      const job = await submit(store, alone('train'));
      expect(job.waits).toBe(WAITS.dependency | WAITS.settle);
      expect(await waitsOn(store, job)).toBe(false);
      expect(await store.jobs.get(job.id)).toMatchObject({ waits: 0, reason: { code: 'submitted' } });
      expect(await store.jobs.dependencies(job.id)).toEqual([ALONE]);
    });

    test('one at a time, in their order, however they end; one that is tried again makes no room', async () => {
      const store = await opened(open);
      await register(store, 'red');
      const first = await submit(store, named('train'));
      const row = [await submit(store, alone('train')), await submit(store, alone('train'))] as const;
      expect([await waitsOn(store, row[0]), await waitsOn(store, row[1])]).toEqual([true, true]);
      const message = `waits for singleton (job ${row[0].id} has its name)`;
      expect(await store.jobs.get(row[1].id)).toMatchObject({ reason: { code: 'dependency', message } });
      expect(await store.jobs.dependencies(row[1].id)).toEqual([ALONE]);
      const again = await moved(store, first, ...RUN, 'pending');
      expect(await waitsOn(store, row[0])).toBe(true);
      await moved(store, again, ...RUN, 'failed');
      expect([await waitsOn(store, row[0]), await waitsOn(store, row[1])]).toEqual([false, true]);
      await moved(store, (await store.jobs.get(row[0].id))!, ...RUN, 'completed');
      expect(await waitsOn(store, row[1])).toBe(false);
    });

    test('the one before it is canceled while the first still runs: it waits for the first', async () => {
      const store = await opened(open);
      await register(store, 'red');
      const first = await moved(store, await submit(store, named('train')), ...RUN);
      const [second, third] = [await submit(store, alone('train')), await submit(store, alone('train'))];
      expect(await waitsOn(store, third)).toBe(true);
      await moved(store, second, 'canceled');
      expect(await waitsOn(store, third)).toBe(true);
      expect((await store.jobs.get(third.id))?.reason.message).toContain(`job ${first.id} `);
      await moved(store, first, 'completed');
      expect(await waitsOn(store, third)).toBe(false);
    });

    test('what came later counts once it is at a cluster, and not before', async () => {
      const store = await opened(open);
      await register(store, 'red');
      const first = await moved(store, await submit(store, named('train')), ...RUN);
      const job = await submit(store, alone('train'));
      const later = await submit(store, named('train'));
      await submit(store, named('train'));
      expect(await waitsOn(store, job)).toBe(true);
      const there = await moved(store, later, 'assigned');
      await moved(store, first, 'completed');
      expect(await waitsOn(store, job)).toBe(true);
      await moved(store, there, 'canceled');
      expect(await waitsOn(store, job)).toBe(false);
    });

    test('what came later and is given back is in the way no more, a task of an array too', async () => {
      const store = await opened(open);
      await register(store, 'red');
      const first = await moved(store, await submit(store, named('train')), ...RUN);
      const job = await submit(store, alone('train'));
      const array = await arrayOf(store, 2, named('train'));
      const [task] = await tasksOf(store, array);
      const later = await moved(store, await submit(store, named('train')), ...RUN);
      const there = await moved(store, task!, ...RUN);
      await moved(store, first, 'completed');
      expect(await waitsOn(store, job)).toBe(true);
      await moved(store, later, 'pending');
      expect(await waitsOn(store, job)).toBe(true);
      expect((await store.jobs.get(job.id))?.reason.message).toContain(`job ${array.id} `);
      await moved(store, there, 'pending');
      expect(await waitsOn(store, job)).toBe(false);
    });

    test('beside other dependencies: looked at again when those are met', async () => {
      const store = await opened(open);
      await register(store, 'red');
      const other = await submit(store, named('other'));
      const job = await submit(store, alone('train', { kind: 'afterok', on: other.id }));
      expect(await waitsOn(store, job)).toBe(true);
      const later = await moved(store, await submit(store, named('train')), ...RUN);
      await moved(store, other, ...RUN, 'completed');
      expect(await waitsOn(store, job)).toBe(true);
      await moved(store, later, 'completed');
      expect(await waitsOn(store, job)).toBe(false);
    });

    test('arrays: in the way as a whole, and waiting as a whole', async () => {
      const store = await opened(open);
      await register(store, 'red');
      const array = await arrayOf(store, 2, named('train'));
      const job = await submit(store, alone('train'));
      const second = await arrayOf(store, 2, alone('train'));
      expect([await waitsOn(store, job), await waitsOn(store, second)]).toEqual([true, true]);
      const tasks = await tasksOf(store, array);
      await moved(store, tasks[0]!, ...RUN, 'failed');
      expect(await waitsOn(store, job)).toBe(true);
      await moved(store, tasks[1]!, 'canceled');
      expect([await waitsOn(store, job), await waitsOn(store, second)]).toEqual([false, true]);
      await moved(store, (await store.jobs.get(job.id))!, 'canceled');
      expect(await waitsOn(store, second)).toBe(false);
      // One that came later is in the way once a task of it is at a cluster.
      const late = await submit(store, alone('late', { kind: 'afterok', on: (await submit(store)).id }));
      const [task] = await tasksOf(store, await arrayOf(store, 2, named('late')));
      await moved(store, task!, 'assigned');
      await waitsOn(store, late);
      expect((await store.jobs.get(late.id))?.reason.message).toContain(
        `singleton (job ${task!.array!.id} has its name)`,
      );
    });

    test('submitted at one moment, one of them is first', async () => {
      const store = await opened(open);
      const jobs = await Promise.all(
        Array.from({ length: 8 }, (_, n) =>
          store.jobs.submit(newJob({ ...alone('train'), idempotencyKey: `alone-${n}` })),
        ),
      );
      const waits = await Promise.all(jobs.map(({ job }) => waitsOn(store, job)));
      expect(waits.filter((each) => !each)).toHaveLength(1);
    });

    test('a held one is in the way too; letting go the next does not pass it', async () => {
      const store = await opened(open);
      const held = await submit(store, alone('train'));
      const next = await submit(store, alone('train'));
      await store.jobs.hold(held.id, because('held'), 2500);
      await store.jobs.hold(next.id, because('held'), 2500);
      await store.jobs.release(next.id, 2600);
      expect(await waitsOn(store, next)).toBe(true);
      await moved(store, (await store.jobs.get(held.id))!, 'canceled');
      expect(await waitsOn(store, next)).toBe(false);
    });

    test('what has not ended is counted, as far as is asked for', async () => {
      const store = await opened(open);
      await register(store, 'red');
      await moved(store, await submit(store), ...RUN, 'completed');
      await moved(store, await submit(store), ...RUN);
      for (let n = 0; n < 3; n++) await submit(store);
      await arrayOf(store, 2);
      expect([await store.jobs.unended('user:ada', 9), await store.jobs.unended('user:ada', 2)]).toEqual([4, 2]);
      expect(await store.jobs.unended('user:bob', 9)).toBe(0);
    });
  });
}

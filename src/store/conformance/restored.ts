/** Jobs of a store that was put back: taken as the cluster that has them says, and only by one that may. */
import { describe, expect, test } from 'vitest';
import { WAITS, type DependencyKind } from '../../core/job/waits.ts';
import type { JobRecord, NewJob, Store } from '../store.ts';
import { newArray } from './arrays.ts';
import { because, change, GONE, moved, newJob, opened, register, submit, type Open } from './fixtures.ts';

export function restoredConformance(open: Open): void {
  describe('a job of a store that was put back', () => {
    /** As src/store/upkeep/rewind.ts leaves it. */
    const held = async (store: Store, job?: JobRecord): Promise<JobRecord> => {
      const made = job ?? (await submit(store, { waits: WAITS.dependency | WAITS.array }));
      return (await store.jobs.hold(made.id, because('restored'), 3000))!;
    };

    test('is received where it is, waits for nothing more, and keeps what was lost as attempts', async () => {
      const store = await opened(open);
      const red = await register(store, 'red');
      const job = await held(store);
      const result = await store.jobs.adopt({ id: job.id, epoch: 4, cluster: red, at: 5000 });
      const adopted = { state: 'received', epoch: 4, cluster: 'red', clusterId: red.id, waits: 0, receivedAt: 5000 };
      expect(result).toMatchObject({
        done: true,
        job: { ...adopted, reason: { code: 'agent_back' }, allocation: null },
      });
      expect(await store.jobs.get(job.id)).toEqual(result.job);
      expect(await store.jobs.attempts(job.id)).toMatchObject([
        ...[1, 2, 3].map((epoch) => ({ epoch, cluster: null, reason: { code: 'restored' } })),
        { epoch: 4, cluster: 'red', state: 'received' },
      ]);
      const told = (await store.events.after(0, 99, { jobId: job.id })).at(-1);
      expect(told).toMatchObject({ kind: 'received', epoch: 4, cluster: 'red' });
      expect(await moved(store, result.job!, 'accepted', 'running', 'completed')).toMatchObject({ state: 'completed' });
    });

    test('also under the epoch that it has, and where another cluster was said to have it', async () => {
      const store = await opened(open);
      const red = await register(store, 'red');
      const blue = await register(store, 'blue');
      const first = await held(store);
      expect(await store.jobs.adopt({ id: first.id, epoch: 1, cluster: blue, at: 5 })).toMatchObject({
        done: true,
        job: { epoch: 1, cluster: 'blue' },
      });
      const running = await moved(store, await submit(store), 'assigned', 'received', 'accepted', 'running');
      const unknown = await store.jobs.transition(change(running, 'unknown', { reason: because('restored') }));
      expect(unknown.done).toBe(true);
      // Where it is anyway, an ordinary report says how it stands.
      const there = { id: running.id, epoch: 1, cluster: red, at: 5 };
      expect(await store.jobs.adopt(there)).toMatchObject({ done: false });
      expect(await store.jobs.adopt({ ...there, cluster: blue })).toMatchObject({
        done: true,
        job: { cluster: 'blue' },
      });
    });

    test('is not for a cluster that it may not use, an older epoch, one far ahead, or one that is gone', async () => {
      const store = await opened(open);
      await register(store, 'red');
      const other = await register(store, 'other');
      const blue = await register(store, 'blue');
      const job = await held(store, (await store.jobs.submit(newJob({ candidates: [blue, GONE] }))).job);
      const at = 5;
      for (const wrong of [
        { cluster: other, epoch: 1 },
        { cluster: GONE, epoch: 1 },
        { cluster: blue, epoch: 0 },
        { cluster: blue, epoch: 5000 },
      ]) {
        expect(await store.jobs.adopt({ id: job.id, at, ...wrong })).toEqual({ done: false, job });
      }
      expect(await store.jobs.adopt({ id: '999', epoch: 1, cluster: blue, at })).toEqual({ done: false, job: null });
      // Nor of a job that nobody put back, or that was let go.
      const plain = await submit(store, { waits: WAITS.held });
      expect(await store.jobs.adopt({ id: plain.id, epoch: 1, cluster: blue, at })).toMatchObject({ done: false });
      await store.jobs.release(job.id, 6);
      expect(await store.jobs.adopt({ id: job.id, epoch: 1, cluster: blue, at })).toMatchObject({ done: false });
    });

    describe('is not ended by anybody', () => {
      const restored = (store: Store, changes: Partial<NewJob>): Promise<JobRecord> =>
        submit(store, changes).then((job) => held(store, job));
      const after = (kind: DependencyKind, on: string) => ({
        waits: WAITS.dependency,
        dependencies: [{ kind, on }],
      });
      /** As an agent's that does not have it any more. */
      const lost = async (store: Store, job: JobRecord): Promise<void> => {
        const running = await moved(store, job, 'assigned', 'received', 'accepted', 'running');
        const how = { reason: because('restored'), at: 4000, endedAt: 4000 };
        expect(await store.jobs.transition(change(running, 'failed', how))).toMatchObject({ done: true });
      };

      test.each(['failed', 'completed', 'lost'] as const)('because what it depends on is %s', async (end) => {
        const store = await opened(open);
        const red = await register(store, 'red');
        const first = await submit(store);
        const kind = end === 'completed' ? 'afternotok' : 'afterok';
        const here = await restored(store, after(kind, first.id));
        const there = await restored(store, after(kind, first.id));
        if (end === 'lost') await lost(store, first);
        else await moved(store, first, 'assigned', 'received', 'accepted', 'running', end);
        expect(await store.jobs.settleDependencies(9, 5000)).toEqual({ released: 0, canceled: 0 });
        expect(await store.jobs.settleDependencies(9, 5000)).toBeNull();
        expect(await store.jobs.get(here.id)).toMatchObject({ state: 'pending', reason: { code: 'restored' } });
        // Its agent has it: it goes on.
        const adopted = await store.jobs.adopt({ id: there.id, epoch: 1, cluster: red, at: 6000 });
        expect(adopted).toMatchObject({ done: true, job: { state: 'received', waits: 0 } });
        // Nobody has it: what it depends on counts once a person lets it go.
        await store.jobs.release(here.id, 7000);
        const settled = await store.jobs.settleDependencies(9, 7000);
        expect(settled).toEqual(end === 'lost' ? null : { released: 0, canceled: 1 });
        expect(await store.jobs.get(here.id)).toMatchObject(
          end === 'lost' ? { state: 'pending', waits: 0 } : { state: 'canceled' },
        );
      });

      test('an end of which nobody knows how it was holds those that ask for it, and lets the others go', async () => {
        const store = await opened(open);
        await register(store, 'red');
        const first = await submit(store);
        const asks = [
          await submit(store, after('afterok', first.id)),
          await submit(store, after('afternotok', first.id)),
        ];
        const any = await submit(store, after('afterany', first.id));
        await lost(store, first);
        const late = await submit(store, after('afterok', first.id));
        expect(await store.jobs.settleDependencies(9, 5000)).toEqual({ released: 1, canceled: 0 });
        expect(await store.jobs.get(any.id)).toMatchObject({ state: 'pending', waits: 0 });
        for (const { id } of [...asks, late]) {
          const reason = { code: 'restored', message: expect.stringContaining(`how job ${first.id} ended was lost`) };
          expect(await store.jobs.get(id)).toMatchObject({ state: 'pending', waits: WAITS.held, reason });
          expect(await store.jobs.release(id, 6000)).toMatchObject({ waits: 0 });
        }
      });

      test('nor are tasks of an array, until all are released or one of them is found', async () => {
        const store = await opened(open);
        const red = await register(store, 'red');
        const first = await submit(store);
        const arrays: string[] = [];
        for (const _ of [0, 1, 2]) {
          const { array } = await store.arrays.submit(newArray([0, 1], after('afterok', first.id)));
          arrays.push(array!.id);
          await store.arrays.hold(array!.id, because('restored'), 3000);
        }
        const tasks = (at: number) => store.jobs.list({ array: arrays[at]!, oldestFirst: true, limit: 9 });
        await moved(store, first, 'canceled');
        expect(await store.jobs.settleDependencies(9, 5000)).toEqual({ released: 0, canceled: 0 });
        // One is released alone: it is canceled, and the other stays.
        await store.jobs.release((await tasks(0))[0]!.id, 6000);
        await store.jobs.settleDependencies(9, 6000);
        expect((await tasks(0)).map(({ state }) => state)).toEqual(['canceled', 'pending']);
        // One runs: it was met, for all of them.
        await store.jobs.adopt({ id: (await tasks(1))[0]!.id, epoch: 1, cluster: red, at: 6000 });
        const [running, other] = await tasks(1);
        expect(running).toMatchObject({ state: 'received', waits: 0 });
        expect(other).toMatchObject({ state: 'pending', waits: WAITS.held, reason: { code: 'restored' } });
        // All are released: nothing keeps them from what they depend on.
        await store.arrays.release(arrays[2]!, 6000);
        expect(await store.jobs.settleDependencies(9, 7000)).toMatchObject({ canceled: 1 });
      });

      test('because of a time by which it was to start, until it is released', async () => {
        const store = await opened(open);
        const red = await register(store, 'red');
        const here = await restored(store, { startBefore: 4000, startBy: 4000 });
        const there = await restored(store, { startBefore: 4000, startBy: 4000 });
        const overdue = async () => (await store.jobs.overdue(9000, 9)).map(({ id }) => id);
        expect(await overdue()).toEqual([]);
        const adopted = await store.jobs.adopt({ id: there.id, epoch: 1, cluster: red, at: 6000 });
        if (!adopted.done) throw new Error('it was not adopted');
        expect(await overdue()).toEqual([]);
        // Its agent's word that it runs comes in two steps.
        const started = change(adopted.job, 'accepted', { reason: because('in_native_queue'), startedAt: 3500 });
        await store.jobs.transition(started);
        expect(await overdue()).toEqual([]);
        await store.jobs.release(here.id, 7000);
        expect(await overdue()).toEqual([here.id]);
      });
    });
  });
}

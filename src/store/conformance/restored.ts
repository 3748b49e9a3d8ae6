/** Jobs of a store that was put back: taken as the cluster that has them says, and only by one that may. */
import { describe, expect, test } from 'vitest';
import { WAITS } from '../../core/job/waits.ts';
import type { JobRecord, Store } from '../store.ts';
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
  });
}

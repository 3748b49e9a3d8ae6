/** Leases: receive and their end by time. */
import { describe, expect, test } from 'vitest';
import { assignedTo, because, change, GONE, opened, register, submit, type Open } from './fixtures.ts';

export function receiveConformance(open: Open): void {
  describe('receive', () => {
    test('gives the cluster its own jobs, highest priority first, then lowest id, once', async () => {
      const store = await opened(open);
      const red = await register(store, 'red');
      const blue = await register(store, 'blue');
      for (const priority of [0, 5, 0, 7]) await submit(store, { priority, outcome: assignedTo(red) });
      await submit(store, { priority: 99, outcome: assignedTo(blue) });
      await submit(store, { priority: 99 });
      const first = await store.jobs.receive(red, 3, 9000, 3000);
      expect(first.map(({ id }) => id)).toEqual(['4', '2', '1']);
      expect(first[0]).toMatchObject({
        state: 'received',
        reason: { code: 'leased' },
        epoch: 1,
        receivedAt: 3000,
        leaseExpiresAt: 9000,
      });
      expect(await store.jobs.get('4')).toEqual(first[0]);
      expect((await store.jobs.receive(red, Infinity, null, 3001)).map(({ id }) => id)).toEqual(['3']);
      expect(await store.jobs.receive(red, 9, null, 3002)).toEqual([]);
      expect(await store.jobs.receive(blue, 0, null, 3002)).toEqual([]);
      expect(await store.jobs.receive(GONE, 9, null, 3002)).toEqual([]);
    });

    test('a job whose cancel was asked for is not handed out', async () => {
      const store = await opened(open);
      const red = await register(store, 'red');
      const job = await submit(store, { outcome: assignedTo(red) });
      await store.jobs.requestCancel(job.id, because('user'), 2500);
      expect(await store.jobs.receive(red, 9, null, 3000)).toEqual([]);
      const canceled = await store.jobs.transition(change(job, 'canceled'));
      expect(canceled.job).toMatchObject({ state: 'canceled', cancelRequestedAt: 2500 });
    });

    test('a lease that is over returns, under the next epoch; one without an end does not', async () => {
      const store = await opened(open);
      const red = await register(store, 'red');
      for (let n = 0; n < 4; n++) await submit(store, { outcome: assignedTo(red, '[]') });
      await store.jobs.receive(red, 1, null, 3000);
      const [accepted] = await store.jobs.receive(red, 1, 4000, 3000);
      await store.jobs.receive(red, 1, 4001, 3000);
      await store.jobs.receive(red, 1, 4000, 3000);
      await store.jobs.transition(change(accepted!, 'accepted'));

      expect(await store.jobs.returnExpired(3999, 9)).toEqual([]);
      const returned = await store.jobs.returnExpired(4000, 9);
      expect(returned.map(({ id }) => id)).toEqual(['4']);
      expect(returned[0]).toMatchObject({
        state: 'pending',
        epoch: 2,
        reason: { code: 'lease_expired' },
        cluster: null,
        leaseExpiresAt: null,
        receivedAt: null,
        allocation: null,
      });
      expect(await store.jobs.get('4')).toEqual(returned[0]);
      expect((await store.jobs.attempts('4'))[0]).toMatchObject({ state: 'received', cluster: 'red', endedAt: 4000 });
      expect((await store.jobs.returnExpired(9999, 0)).length).toBe(0);
      expect((await store.jobs.returnExpired(9999, 9)).map(({ id }) => id)).toEqual(['3']);
      expect(await store.jobs.returnExpired(9999, 9)).toEqual([]);
    });
  });
}

/** Many callers at once. */
import { describe, expect, test } from 'vitest';
import {
  assignedTo,
  because,
  change,
  errorFrom,
  GONE,
  newJob,
  opened,
  register,
  submit,
  type Open,
} from './fixtures.ts';

export function concurrencyConformance(open: Open): void {
  describe('many callers', () => {
    test('256 submits at once each get an id of their own', async () => {
      const store = await opened(open);
      const red = await register(store, 'red');
      const submitted = await Promise.all(
        Array.from({ length: 256 }, (_, n) =>
          store.jobs.submit(newJob({ name: `job ${n}`, outcome: assignedTo(red) })),
        ),
      );
      const ids = submitted.map(({ job }) => Number(job.id)).toSorted((a, b) => a - b);
      expect(ids).toEqual(Array.from({ length: 256 }, (_, n) => n + 1));
      for (const { job } of submitted) expect(await store.jobs.get(job.id)).toEqual(job);
    });

    test('one that fails takes no other with it', async () => {
      const store = await opened(open);
      await register(store, 'red');
      const results = await Promise.allSettled(
        Array.from({ length: 60 }, (_, n) =>
          n % 3 === 1
            ? store.jobs.submit(newJob({ outcome: assignedTo(GONE) }))
            : n % 3 === 2
              ? register(store, 'red')
              : store.jobs.submit(newJob()),
        ),
      );
      expect(results.map(({ status }) => status)).toEqual(
        Array.from({ length: 60 }, (_, n) => (n % 3 === 0 ? 'fulfilled' : 'rejected')),
      );
      expect(await store.jobs.list({ limit: 99 })).toHaveLength(20);
      expect(await store.clusters.list()).toHaveLength(1);
    });

    test('receivers at once get disjoint jobs, and all of them', async () => {
      const store = await opened(open);
      const red = await register(store, 'red');
      await Promise.all(Array.from({ length: 200 }, () => submit(store, { outcome: assignedTo(red) })));
      const received = await Promise.all(Array.from({ length: 50 }, () => store.jobs.receive(red, 5, 9000, 3000)));
      const ids = received.flat().map(({ id }) => id);
      expect(ids).toHaveLength(200);
      expect(new Set(ids).size).toBe(200);
    });

    test('one key submitted by many at once makes one job', async () => {
      const store = await opened(open);
      const results = await Promise.all(
        Array.from({ length: 100 }, (_, n) => store.jobs.submit(newJob({ idempotencyKey: `key ${n % 4}` }))),
      );
      expect(results.filter(({ created }) => created)).toHaveLength(4);
      expect(new Set(results.map(({ job }) => job.id)).size).toBe(4);
      expect(await store.jobs.list({ limit: 99 })).toHaveLength(4);
    });

    test('of many changes from one state, one is done', async () => {
      const store = await opened(open);
      const red = await register(store, 'red');
      const job = await submit(store);
      const results = await Promise.all(
        Array.from({ length: 30 }, (_, n) =>
          store.jobs.transition(change(job, n % 2 === 0 ? 'assigned' : 'canceled', { cluster: red })),
        ),
      );
      expect(results.filter(({ done }) => done)).toHaveLength(1);
    });

    test('one name registered by many at once makes one cluster', async () => {
      const store = await opened(open);
      const results = await Promise.allSettled(Array.from({ length: 20 }, () => register(store, 'red')));
      expect(results.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
    });

    test('numbers at a cluster have no holes and no twins', async () => {
      const store = await opened(open);
      const red = await register(store, 'red');
      for (let n = 0; n < 10; n++) await submit(store);
      const numbers = await Promise.all(
        Array.from({ length: 40 }, (_, n) => store.jobs.numberAt(red, String(1 + (n % 10)))),
      );
      expect([...new Set(numbers)].toSorted((a, b) => a - b)).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 10]);
    });

    test('a caller reads what it wrote, without waiting for the answer', async () => {
      const store = await opened(open);
      for (let n = 1; n <= 20; n++) {
        const writing = store.jobs.submit(newJob());
        const reading = store.jobs.get(String(n));
        expect((await reading)?.id).toBe((await writing).job.id);
      }
    });

    test('after close every call is unavailable, and what was under way is done', async () => {
      const store = await open();
      const writing = Array.from({ length: 20 }, () => submit(store));
      const closing = store.close();
      expect(await Promise.all(writing)).toHaveLength(20);
      expect((await errorFrom(store.jobs.get('1'))).code).toBe('unavailable');
      expect((await errorFrom(store.jobs.requestCancel('1', because('user'), 1))).code).toBe('unavailable');
      await closing;
      await store.close();
      expect((await errorFrom(submit(store))).code).toBe('unavailable');
    });
  });
}

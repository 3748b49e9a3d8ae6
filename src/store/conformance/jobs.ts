/** Jobs: submit, read, list, numbers, cancel. */
import { describe, expect, test } from 'vitest';
import type { JobFilter } from '../store.ts';
import {
  assignedTo,
  because,
  change,
  errorFrom,
  GONE,
  HOSTILE,
  moved,
  newJob,
  opened,
  register,
  submit,
  type Open,
} from './fixtures.ts';

export function jobConformance(open: Open): void {
  describe('submit', () => {
    test('ids count from 1, and a job is read back whole', async () => {
      const store = await opened(open);
      const red = await register(store, 'red');
      const { job, created } = await store.jobs.submit(
        newJob({
          outcome: assignedTo(red, '["n1"]'),
          decision: '{"chosen":"red"}',
          priority: -3,
          walltime: 1.5,
          onClusterLoss: 'requeue',
          policyOptions: { a: '1', b: '' },
        }),
      );
      expect(created).toBe(true);
      expect(job).toEqual({
        id: '1',
        name: 'train',
        owner: 'user:ada',
        state: 'assigned',
        reason: because('selected'),
        epoch: 1,
        cluster: 'red',
        clusterId: red.id,
        nativeId: null,
        exitCode: null,
        signal: null,
        submittedAt: 2000,
        assignedAt: 2000,
        receivedAt: null,
        acceptedAt: null,
        startedAt: null,
        endedAt: null,
        leaseExpiresAt: null,
        leftUntil: null,
        endedBy: null,
        handling: {},
        cancelRequestedAt: null,
        priority: -3,
        walltime: 1.5,
        onClusterLoss: 'requeue',
        candidates: [
          { name: 'red', id: 1 },
          { name: 'blue', id: 2 },
        ],
        policy: 'random',
        policyOptions: { a: '1', b: '' },
        jobspec: 'version: 1\n',
        bidding: null,
        image: null,
        allocation: '["n1"]',
        waits: 0,
        beginAt: null,
        startBefore: null,
        deadline: null,
        startBy: null,
        array: null,
        dependedOn: false,
        cancelCode: null,
        cancelMessage: null,
        overcommit: null,
        later: null,
        question: null,
      });
      expect(await store.jobs.get('1')).toEqual(job);
      expect(await store.jobs.decisions('1')).toEqual([{ epoch: 1, at: 2000, decision: '{"chosen":"red"}' }]);
      expect((await submit(store)).id).toBe('2');
      expect((await submit(store)).id).toBe('3');
    });

    test('a rejected job is stored with its reason, and has ended', async () => {
      const store = await opened(open);
      const reason = because('never_fits', 'no cluster has a gpu');
      const job = await submit(store, { outcome: { state: 'rejected', reason } });
      expect(job).toMatchObject({ state: 'rejected', reason, endedAt: 2000, cluster: null });
      expect(await store.jobs.get(job.id)).toEqual(job);
      expect((await store.events.after(0, 9)).map(({ kind }) => kind)).toEqual(['pending', 'rejected']);
    });

    test('the same owner and key give the earlier job, whatever else is different', async () => {
      const store = await opened(open);
      const red = await register(store, 'red');
      const first = await store.jobs.submit(newJob({ idempotencyKey: 'k', outcome: assignedTo(red) }));
      const last = await store.events.last();
      const again = await store.jobs.submit(newJob({ idempotencyKey: 'k', name: 'other', outcome: assignedTo(GONE) }));
      expect(again).toEqual({ job: first.job, created: false });
      expect(await store.events.last()).toBe(last);
      expect(await store.jobs.submitted('user:ada', 'k')).toEqual(first.job);
      expect(await store.jobs.submitted('user:bob', 'k')).toBeNull();
      const other = await store.jobs.submit(newJob({ idempotencyKey: 'k', owner: 'user:bob' }));
      expect(other.created).toBe(true);
      expect((await store.jobs.submit(newJob({ idempotencyKey: 'K' }))).created).toBe(true);
      expect((await store.jobs.submit(newJob())).created).toBe(true);
      expect((await store.jobs.submit(newJob())).created).toBe(true);
    });

    test('a job assigned to a cluster that is gone is not stored', async () => {
      const store = await opened(open);
      const error = await errorFrom(store.jobs.submit(newJob({ outcome: assignedTo(GONE) })));
      expect(error.code).toBe('aborted');
      expect(await store.jobs.list({ limit: 9 })).toEqual([]);
      expect(await store.events.last()).toBe(0);
      expect((await submit(store)).id).toBe('1');
    });

    test('texts come back byte for byte', async () => {
      const store = await opened(open);
      // What is looked up has a length that every engine can index; what is only kept may be long.
      for (const text of [...HOSTILE, '🌈'.repeat(256)]) {
        const job = await submit(store, {
          name: text,
          owner: text,
          jobspec: text,
          policy: text,
          candidates: [{ name: text, id: 7 }],
          policyOptions: { [text]: text },
          idempotencyKey: text,
          decision: text,
          outcome: { state: 'pending', reason: because('held', text) },
        });
        const read = await store.jobs.get(job.id);
        expect(read).toMatchObject({
          name: text,
          owner: text,
          jobspec: text,
          policy: text,
          candidates: [{ name: text, id: 7 }],
        });
        expect(read?.reason.message).toBe(text);
        expect(Object.entries(read?.policyOptions ?? {})).toEqual([[text, text]]);
        expect((await store.jobs.decisions(job.id))[0]?.decision).toBe(text);
        expect((await store.jobs.list({ owner: text, limit: 9 })).map(({ id }) => id)).toEqual([job.id]);
        expect((await store.jobs.list({ name: text, limit: 9 })).map(({ id }) => id)).toEqual([job.id]);
        expect(await store.jobs.submit(newJob({ owner: text, idempotencyKey: text }))).toMatchObject({
          created: false,
        });
      }
      const long = 'x'.repeat(300_000);
      const job = await submit(store, {
        name: long,
        jobspec: long,
        decision: long,
        outcome: { state: 'pending', reason: because('held', long) },
      });
      expect(await store.jobs.get(job.id)).toMatchObject({ name: long, jobspec: long, reason: { message: long } });
    });

    test('a NUL character is kept, or refused without a trace', async () => {
      const store = await opened(open);
      const [before, jobWithNul, after] = await Promise.allSettled([
        submit(store),
        submit(store, { jobspec: 'a\0b', idempotencyKey: 'k' }),
        submit(store),
      ]);
      const kept = jobWithNul.status === 'fulfilled' ? jobWithNul.value.jobspec : jobWithNul.reason.code;
      expect([before.status, kept, after.status]).toEqual([
        'fulfilled',
        store.kind === 'postgres' ? 'invalid_input' : 'a\0b',
        'fulfilled',
      ]);
      const again = await store.jobs.submit(newJob({ idempotencyKey: 'k' }));
      expect(again.created).toBe(store.kind === 'postgres');
      expect(await store.jobs.list({ limit: 9 })).toHaveLength(3);
    });

    test('ids that are none find nothing', async () => {
      const store = await opened(open);
      await submit(store);
      for (const id of [
        '',
        '0',
        '01',
        '-1',
        '1.0',
        '1e0',
        ' 1',
        'x',
        '9223372036854775807',
        '9223372036854775808',
        '9'.repeat(40),
      ]) {
        expect(await store.jobs.get(id)).toBeNull();
        expect(await store.jobs.attempts(id)).toEqual([]);
        expect(await store.jobs.decisions(id)).toEqual([]);
        expect(await store.jobs.requestCancel(id, because('user'), 1)).toBeNull();
        const result = await store.jobs.transition({
          id,
          from: ['pending'],
          epoch: 1,
          to: 'canceled',
          reason: because('user'),
          at: 1,
        });
        expect(result).toEqual({ done: false, job: null });
        expect(await store.events.after(0, 9, { jobId: id })).toEqual([]);
        expect((await store.output.read(id, 1, 0, 9)).chunks).toEqual([]);
        expect((await errorFrom(store.output.append(id, 1, [], 9))).code).toBe('not_found');
      }
    });
  });

  describe('list', () => {
    test('filters, orders and pages by id', async () => {
      const store = await opened(open);
      const red = await register(store, 'red');
      const blue = await register(store, 'blue');
      // Ids 1 to 12: owners ada and bob in turn; every third at red, then one at blue, then pending.
      for (let n = 1; n <= 12; n++) {
        await submit(store, {
          owner: n % 2 === 1 ? 'ada' : 'bob',
          name: n <= 6 ? 'early' : 'late',
          outcome: n % 3 === 0 ? { state: 'pending', reason: because('held') } : assignedTo(n % 3 === 1 ? red : blue),
        });
      }
      await moved(store, (await store.jobs.get('1'))!, 'received', 'accepted', 'completed');
      const ids = async (filter: Partial<JobFilter>): Promise<string> =>
        (await store.jobs.list({ limit: 100, ...filter })).map(({ id }) => id).join(' ');

      expect(await ids({})).toBe('12 11 10 9 8 7 6 5 4 3 2 1');
      expect(await ids({ oldestFirst: true, limit: 3 })).toBe('1 2 3');
      expect(await ids({ owner: 'ada' })).toBe('11 9 7 5 3 1');
      expect(await ids({ owner: 'nobody' })).toBe('');
      expect(await ids({ cluster: 'red' })).toBe('10 7 4 1');
      expect(await ids({ states: ['completed', 'pending'] })).toBe('12 9 6 3 1');
      expect(await ids({ states: ['completed', 'completed'] })).toBe('1');
      expect(await ids({ states: [] })).toBe('');
      expect(await ids({ name: 'late', owner: 'bob', states: ['assigned'], cluster: 'red' })).toBe('10');
      expect(await ids({ limit: 0 })).toBe('');
      expect(await ids({ after: 'x' })).toBe('');

      // Pages, in both orders, with every filter, put together again.
      for (const filter of [{}, { owner: 'bob' }, { cluster: 'red' }, { states: ['assigned', 'completed'] as const }]) {
        for (const oldestFirst of [true, false]) {
          const paged: string[] = [];
          for (let after: string | undefined; ;) {
            const page = await store.jobs.list({
              ...filter,
              oldestFirst,
              limit: 2,
              ...(after === undefined ? {} : { after }),
            });
            if (page.length === 0) break;
            paged.push(...page.map(({ id }) => id));
            after = paged.at(-1);
          }
          expect(paged.join(' ')).toBe(await ids({ ...filter, oldestFirst }));
        }
      }
    });

    test('pending: highest priority first, then lowest id', async () => {
      const store = await opened(open);
      for (const priority of [0, 5, -1, 5, 0]) await submit(store, { priority });
      await submit(store, { priority: 9, outcome: { state: 'rejected', reason: because('never_fits') } });
      expect((await store.jobs.pending(9)).map(({ id }) => id)).toEqual(['2', '4', '1', '5', '3']);
      expect((await store.jobs.pending(2)).map(({ id }) => id)).toEqual(['2', '4']);
      expect(await store.jobs.pending(Infinity)).toHaveLength(5);
    });

    test('counts and jobs per cluster', async () => {
      const store = await opened(open);
      const red = await register(store, 'red');
      const blue = await register(store, 'blue');
      await register(store, 'idle');
      for (let n = 1; n <= 11; n++) await submit(store, { outcome: assignedTo(n <= 10 ? red : blue) });
      await submit(store);
      await moved(store, (await store.jobs.get('3'))!, 'received', 'accepted', 'running');
      await moved(store, (await store.jobs.get('4'))!, 'received', 'accepted', 'failed');
      const counts = await store.jobs.countsByCluster();
      expect(counts.get('red')).toEqual({ assigned: 8, running: 1 });
      expect(counts.get('blue')).toEqual({ assigned: 1 });
      expect(counts.get('idle') ?? {}).toEqual({});
      expect((await store.jobs.atCluster(red, ['assigned', 'running'])).map(({ id }) => id)).toEqual([
        '1',
        '2',
        '3',
        '5',
        '6',
        '7',
        '8',
        '9',
        '10',
      ]);
      expect((await store.jobs.atCluster(red, ['failed'])).map(({ id }) => id)).toEqual(['4']);
      expect(await store.jobs.atCluster(red, [])).toEqual([]);
      expect(await store.jobs.atCluster(GONE, ['assigned'])).toEqual([]);
    });

    test('what is taken of a cluster: jobs that are there and have not ended, as they are read one by one', async () => {
      const store = await opened(open);
      const red = await register(store, 'red');
      const outcome = assignedTo(red, '["n1"]');
      for (const jobspec of ['a', 'b', 'a', 'a']) {
        await submit(store, { outcome, jobspec, image: jobspec === 'b' ? '{"cpu":1}' : null });
      }
      await submit(store, {
        outcome: assignedTo(red),
        bidding: { ask: true, withinMs: null, rebid: true },
        priority: 7,
      });
      await submit(store, { outcome: assignedTo(await register(store, 'blue')) });
      await submit(store);
      await moved(store, (await store.jobs.get('3'))!, 'received', 'accepted', 'running');
      await moved(store, (await store.jobs.get('4'))!, 'received', 'accepted', 'failed');
      const found = (await store.jobs.debited(red)).toSorted((a, b) => (a.id < b.id ? -1 : 1));
      const read = await store.jobs.many(['1', '2', '3', '5']);
      expect(read.map(({ state }) => state)).toEqual(['assigned', 'assigned', 'running', 'assigned']);
      expect(read).toMatchObject(found);
      expect(await store.jobs.debited(GONE)).toEqual([]);
      expect(await store.jobs.debited({ ...red, id: red.id + 99 })).toEqual([]);
    });
  });

  describe('numbers at a cluster', () => {
    test('count from 1 at each cluster, and stay', async () => {
      const store = await opened(open);
      const red = await register(store, 'red');
      const blue = await register(store, 'blue');
      for (let n = 0; n < 3; n++) await submit(store);
      expect(await store.jobs.numberAt(red, '3')).toBe(1);
      expect(await store.jobs.numberAt(red, '1')).toBe(2);
      expect(await store.jobs.numberAt(blue, '2')).toBe(1);
      expect(await store.jobs.numberAt(red, '3')).toBe(1);
      const found = await store.jobs.byNumbers(red, [2, 1, 99, 1, -1, 1.5]);
      expect([...found].map(([number, { id }]) => [number, id])).toEqual([
        [2, '1'],
        [1, '3'],
      ]);
      expect((await store.jobs.byNumbers(GONE, [1])).size).toBe(0);
      expect((await errorFrom(store.jobs.numberAt(GONE, '1'))).code).toBe('not_found');
      expect((await errorFrom(store.jobs.numberAt(red, '99'))).code).toBe('not_found');
    });
  });

  describe('cancel', () => {
    test('is recorded once, and not where the job has ended', async () => {
      const store = await opened(open);
      const job = await submit(store);
      const asked = await store.jobs.requestCancel(job.id, because('user', 'wrong input'), 4000);
      expect(asked).toEqual({ ...job, cancelRequestedAt: 4000, cancelCode: 'user', cancelMessage: 'wrong input' });
      expect(await store.jobs.requestCancel(job.id, because('user'), 5000)).toEqual(asked);
      expect(await store.jobs.get(job.id)).toEqual(asked);
      const events = await store.events.after(0, 9);
      expect(events.map(({ kind }) => kind)).toEqual(['pending', 'cancel_requested']);
      expect(events[1]?.reason).toEqual(because('user', 'wrong input'));

      const canceled = await store.jobs.transition(change(asked!, 'canceled', { reason: because('user') }));
      expect(canceled.done).toBe(true);
      const last = await store.events.last();
      const late = await submit(store, { outcome: { state: 'rejected', reason: because('never_fits') } });
      expect(await store.jobs.requestCancel(late.id, because('user'), 6000)).toEqual(late);
      expect(await store.events.last()).toBe(last + 2);
    });
  });
}

/** What pending jobs wait for: dependencies, holds, times; and reasons that change while a job stays where it is. */
import { describe, expect, test } from 'vitest';
import { WAITS, type DependencyKind } from '../../core/job/waits.ts';
import type { JobId, JobRecord, Store } from '../store.ts';
import { because, change, errorFrom, moved, named, newJob, opened, register, submit, type Open } from './fixtures.ts';

function dependent(store: Store, kind: DependencyKind, ...on: JobId[]): Promise<JobRecord> {
  return submit(store, {
    waits: WAITS.dependency,
    outcome: { state: 'pending', reason: because('dependency') },
    dependencies: on.map((id) => ({ kind, on: id })),
  });
}

async function ended(store: Store, job: JobRecord, how: 'completed' | 'failed' | 'canceled'): Promise<JobRecord> {
  if (how === 'canceled') return moved(store, job, 'canceled');
  return moved(store, job, 'assigned', 'received', 'accepted', 'running', how);
}

export function lifecycleConformance(open: Open): void {
  describe('what waits', () => {
    test('is not decided, nor assigned', async () => {
      const store = await opened(open);
      await register(store, 'red');
      const job = await submit(store, { waits: WAITS.held, outcome: { state: 'pending', reason: because('held') } });
      const free = await submit(store);
      expect((await store.jobs.pending(10)).map(({ id }) => id)).toEqual([free.id]);
      const late = await store.jobs.transition(change(job, 'assigned', { cluster: await named(store, 'red') }));
      expect(late).toMatchObject({ done: false, job: { state: 'pending', waits: WAITS.held } });
    });

    test('questions whose answer is known are passed over where the job says so already', async () => {
      const store = await opened(open);
      const nothing = because('nothing_free', 'red is busy');
      const waiting = (question: string | null, reason = nothing) =>
        submit(store, { question, outcome: { state: 'pending', reason } });
      const jobs = [
        await waiting('q'),
        await waiting('q', because('submitted')),
        await waiting('q', because('nothing_free', 'blue is busy')),
        await waiting('other'),
        await waiting(null),
      ];
      const left = async (...known: { question: string; reason: typeof nothing }[]) =>
        (await store.jobs.pending(9, null, known)).map(({ id }) => jobs.findIndex((job) => job.id === id));
      expect(await left({ question: 'q', reason: nothing })).toEqual([1, 2, 3, 4]);
      expect(await left()).toEqual([0, 1, 2, 3, 4]);
      const place = { priority: 0, id: jobs[1]!.id };
      const behind = await store.jobs.pending(9, place, [{ question: 'other', reason: nothing }]);
      expect(behind.map(({ id }) => id)).toEqual([jobs[2]!.id, jobs[4]!.id]);
    });

    test('an end is not lost on who is held in the same moment', async () => {
      const store = await opened(open);
      await register(store, 'red');
      const job = await moved(store, await submit(store), 'assigned', 'received', 'accepted', 'running');
      const after = await dependent(store, 'afterok', job.id);
      // Together: they may share a commit.
      await Promise.all([
        store.jobs.transition(change(job, 'completed')),
        store.jobs.hold(after.id, because('held'), 4000),
      ]);
      expect(await store.jobs.settleDependencies(9, 5000)).toEqual({ released: 1, canceled: 0 });
      expect(await store.jobs.get(after.id)).toMatchObject({ waits: WAITS.held });
    });

    test('hold and release: pending jobs only, once each, and a reason with every change', async () => {
      const store = await opened(open);
      const job = await submit(store);
      const held = await store.jobs.hold(job.id, because('held', 'later'), 4000);
      expect(held).toMatchObject({ waits: WAITS.held, reason: { code: 'held', message: 'later' } });
      expect(await store.jobs.hold(job.id, because('held', 'again'), 5000)).toEqual(held);
      expect(await store.jobs.pending(9)).toEqual([]);
      const free = await store.jobs.release(job.id, 6000);
      expect(free).toMatchObject({ waits: 0, reason: { code: 'submitted' } });
      expect(await store.jobs.release(job.id, 7000)).toEqual(free);
      const events = await store.events.after(0, 9, { jobId: job.id });
      expect(events.map(({ kind, at, reason }) => [kind, at, reason?.code])).toEqual([
        ['pending', 2000, 'submitted'],
        ['reason', 4000, 'held'],
        ['reason', 6000, 'submitted'],
      ]);
      const gone = await moved(store, job, 'canceled');
      expect(await store.jobs.hold(job.id, because('held'), 9000)).toEqual(gone);
      expect(await store.jobs.hold('77', because('held'), 9000)).toBeNull();
    });

    test('another reason is written once, and only under the epoch that it was found for', async () => {
      const store = await opened(open);
      const job = await submit(store);
      const nothing = because('nothing_free', 'red can hold it');
      expect(await store.jobs.changeReason(job.id, 1, nothing, 3000)).toMatchObject({ reason: nothing, epoch: 1 });
      expect(await store.jobs.changeReason(job.id, 1, nothing, 4000)).toBeNull();
      expect(await store.jobs.changeReason(job.id, 2, because('submitted'), 4000)).toBeNull();
      expect(await store.events.after(1, 9, { jobId: job.id })).toMatchObject([
        { kind: 'reason', reason: nothing, at: 3000 },
      ]);
      const held = await store.jobs.hold(job.id, because('held'), 4500);
      expect(await store.jobs.changeReason(job.id, 1, nothing, 4600), 'held meanwhile').toBeNull();
      expect(await store.jobs.get(job.id)).toEqual(held);
      await moved(store, job, 'canceled');
      expect(await store.jobs.changeReason(job.id, 1, because('submitted'), 5000)).toBeNull();
    });

    test('why it waits in its cluster’s own queue is a reason of its own, of an accepted job alone', async () => {
      const store = await opened(open);
      await register(store, 'red');
      const job = await moved(store, await submit(store), 'assigned', 'received', 'accepted');
      const waits = because('in_native_queue', 'Slurm: Resources');
      expect(await store.jobs.changeReason(job.id, 1, because('nothing_free'), 3000)).toBeNull();
      expect(await store.jobs.changeReason(job.id, 1, waits, 3000)).toEqual({ ...job, reason: waits });
      expect(await store.jobs.changeReason(job.id, 1, waits, 4000), 'as before').toBeNull();
      expect((await store.events.after(0, 99, { jobId: job.id })).at(-1)).toMatchObject({
        kind: 'reason',
        cluster: 'red',
        reason: waits,
        at: 3000,
      });
      await moved(store, job, 'running');
      expect(await store.jobs.changeReason(job.id, 1, because('in_native_queue', 'late'), 5000)).toBeNull();
    });

    test('a time lets it go when it has come, and no sooner', async () => {
      const store = await opened(open);
      const outcome = { state: 'pending', reason: because('begin') } as const;
      const job = await submit(store, { waits: WAITS.begin, beginAt: 5000, outcome });
      const held = await submit(store, { waits: WAITS.begin | WAITS.held, beginAt: 5000, outcome });
      expect(await store.jobs.releaseBegun(4999, 9)).toBe(0);
      expect(await store.jobs.releaseBegun(5000, 9)).toBe(2);
      expect(await store.jobs.releaseBegun(5000, 9)).toBe(0);
      expect((await store.jobs.pending(9)).map(({ id }) => id)).toEqual([job.id]);
      expect(await store.jobs.get(held.id)).toMatchObject({ waits: WAITS.held, beginAt: 5000 });
    });

    test('what is overdue: not started in time, or running past its deadline', async () => {
      const store = await opened(open);
      await register(store, 'red');
      const early = await submit(store, { startBefore: 4000, startBy: 4000 });
      const tight = await submit(store, { deadline: 10_000, startBy: 6000 });
      const long = await moved(
        store,
        await submit(store, { deadline: 9000, walltime: 1 }),
        'assigned',
        'received',
        'accepted',
        'running',
      );
      await submit(store);
      const overdue = async (at: number) => (await store.jobs.overdue(at, 9)).map(({ id }) => id);
      expect(await overdue(4000)).toEqual([]);
      expect(await overdue(4001)).toEqual([early.id]);
      expect(await overdue(6001)).toEqual([early.id, tight.id]);
      expect(await overdue(9000)).toEqual([early.id, tight.id, long.id]);
      await store.jobs.requestCancel(long.id, because('deadline'), 9000);
      expect(await overdue(9001)).toEqual([early.id, tight.id]);
      expect(await store.jobs.get(long.id)).toMatchObject({ cancelCode: 'deadline' });
    });
  });

  describe('dependencies', () => {
    test.each([
      ['afterok', 'completed', 'released'],
      ['afterok', 'failed', 'canceled'],
      ['afterok', 'canceled', 'canceled'],
      ['afterany', 'completed', 'released'],
      ['afterany', 'failed', 'released'],
      ['afternotok', 'completed', 'canceled'],
      ['afternotok', 'failed', 'released'],
    ] as const)('%s of a job that ended as %s: %s', async (kind, how, outcome) => {
      const store = await opened(open);
      await register(store, 'red');
      const first = await submit(store);
      const second = await dependent(store, kind, first.id);
      expect(await store.jobs.get(first.id)).toMatchObject({ dependedOn: true });
      expect(await store.jobs.settleDependencies(9, 3000)).toBeNull();
      await ended(store, first, how);
      expect((await store.jobs.pending(9)).map(({ id }) => id)).toEqual([]);
      expect(await store.jobs.settleDependencies(9, 4000)).toEqual({ released: 0, canceled: 0, [outcome]: 1 });
      expect(await store.jobs.settleDependencies(9, 5000)).toBeNull();
      const found = await store.jobs.get(second.id);
      const told = [
        found?.state,
        found?.reason.code,
        found?.endedAt,
        found?.reason.message.includes(`job ${first.id} `),
      ];
      const [released, canceled] = [
        ['pending', 'submitted', null, false],
        ['canceled', 'dependency', 4000, true],
      ];
      expect(told).toEqual(outcome === 'released' ? released : canceled);
      expect(await store.jobs.dependencies(second.id)).toEqual([{ kind, on: first.id }]);
    });

    test('all of several have to end; the reason says which are left; a held job stays held', async () => {
      const store = await opened(open);
      await register(store, 'red');
      const [a, b] = [await submit(store), await submit(store)];
      const job = await dependent(store, 'afterok', a.id, b.id);
      await store.jobs.hold(job.id, because('held'), 2500);
      const other = await dependent(store, 'afterok', a.id, b.id);
      await ended(store, a, 'completed');
      await store.jobs.settleDependencies(9, 3000);
      expect(await store.jobs.get(other.id)).toMatchObject({
        reason: { code: 'dependency', message: `waits for afterok:${b.id}` },
      });
      await ended(store, b, 'completed');
      await store.jobs.settleDependencies(9, 4000);
      expect(await store.jobs.get(job.id)).toMatchObject({ waits: WAITS.held, reason: { code: 'held' } });
      expect(await store.jobs.get(other.id)).toMatchObject({ waits: 0 });
    });

    test('one that ended before the submit was stored is looked at all the same; one that is not there refuses', async () => {
      const store = await opened(open);
      await register(store, 'red');
      const first = await ended(store, await submit(store), 'completed');
      const late = await dependent(store, 'afterok', first.id);
      expect(late.waits).toBe(WAITS.dependency | WAITS.settle);
      expect(await store.jobs.settleDependencies(9, 3000)).toEqual({ released: 1, canceled: 0 });
      expect(
        await errorFrom(store.jobs.submit(newJob({ dependencies: [{ kind: 'afterok', on: '99' }] }))),
      ).toMatchObject({
        code: 'not_found',
      });
      const keyed = newJob({ idempotencyKey: 'k', dependencies: [{ kind: 'afterok', on: first.id }] });
      const { job } = await store.jobs.submit(keyed);
      expect(await store.jobs.submit(keyed)).toMatchObject({ created: false, job: { id: job.id } });
    });

    test('a chain of 1,000 that broke at its head ends a bounded number at a time', async () => {
      const store = await opened(open);
      const chain = [await submit(store)];
      for (let n = 1; n < 1000; n++) chain.push(await dependent(store, 'afterok', chain[n - 1]!.id));
      await moved(store, chain[0]!, 'canceled');
      expect(await store.jobs.settleDependencies(400, 3000)).toEqual({ released: 0, canceled: 400 });
      expect(await store.jobs.get(chain[401]!.id)).toMatchObject({ state: 'pending' });
      await store.jobs.settleDependencies(5000, 3000);
      expect(await store.jobs.get(chain[999]!.id)).toMatchObject({ state: 'canceled', reason: { code: 'dependency' } });
    });
  });
}

/** Retention: what ended goes, oldest first, in small steps, with all that hangs on it; nothing else does. */
import { describe, expect, test } from 'vitest';
import { WAITS } from '../../core/job/waits.ts';
import type { JobRecord, Store } from '../store.ts';
import { because, change, newJob, opened, register, submit, type Open } from './fixtures.ts';

async function endedAt(store: Store, at: number): Promise<JobRecord> {
  const result = await store.jobs.transition(
    change(await submit(store, { decision: '{}' }), 'canceled', { at, endedAt: at }),
  );
  return result.job as JobRecord;
}

export function retentionConformance(open: Open): void {
  describe('retention', () => {
    test('by age: with decisions, attempts, output and events; the number of the last event is kept', async () => {
      const store = await opened(open);
      await register(store, 'red');
      const old = await endedAt(store, 3000);
      const young = await endedAt(store, 5000);
      const alive = await submit(store);
      const data = new Uint8Array([1]);
      await store.output.append(old.id, 1, [{ task: 0, stream: 'stdout', offset: 0, data, at: 1 }], 9);
      const last = (await store.events.after(0, 50, { jobId: old.id })).at(-1)?.seq;
      expect(await store.retention.prunedEvents()).toBe(0);
      expect(await store.retention.prune({ endedBefore: 4000, keep: null }, 9)).toBe(1);
      expect(await store.retention.prune({ endedBefore: 4000, keep: null }, 9)).toBe(0);
      expect(await store.jobs.get(old.id)).toBeNull();
      expect(await store.jobs.decisions(old.id)).toEqual([]);
      expect(await store.events.after(0, 50, { jobId: old.id })).toEqual([]);
      expect((await store.output.read(old.id, 1, 0, 9)).chunks).toEqual([]);
      expect(await store.retention.prunedEvents()).toBe(last);
      expect((await store.jobs.list({ limit: 9 })).map(({ id }) => id)).toEqual([alive.id, young.id]);
      expect([await store.retention.wasGiven(old.id), await store.retention.wasGiven('99')]).toEqual([true, false]);
      expect(await submit(store)).not.toMatchObject({ id: old.id });
    });

    test('by number, in steps', async () => {
      const store = await opened(open);
      for (let n = 0; n < 6; n++) await endedAt(store, 3000 + n);
      const rule = { endedBefore: null, keep: 2 };
      const steps = [
        await store.retention.prune(rule, 3),
        await store.retention.prune(rule, 3),
        await store.retention.prune(rule, 3),
      ];
      expect(steps).toEqual([3, 1, 0]);
      expect((await store.jobs.list({ limit: 9, sort: 'ended' })).map((job) => job.endedAt)).toEqual([3005, 3004]);
    });

    test('an array goes when all of it has ended, tasks first', async () => {
      const store = await opened(open);
      const { outcome: _, ...job } = newJob();
      const outcome = { state: 'pending', reason: because('submitted') } as const;
      const more = { indices: '0-3', tasks: [0, 1, 2, 3], mostAtOnce: null, outcome };
      const { array } = await store.arrays.submit({ ...job, ...more });
      const tasks = await store.jobs.list({ array: array!.id, limit: 9 });
      for (const task of tasks.slice(1)) await store.jobs.transition(change(task, 'canceled', { at: 10, endedAt: 10 }));
      const rule = { endedBefore: 9000, keep: null };
      expect(await store.retention.prune(rule, 9)).toBe(0);
      await store.jobs.transition(change(tasks[0]!, 'canceled', { at: 20, endedAt: 20 }));
      expect(await store.retention.prune(rule, 3)).toBe(3);
      expect(await store.retention.prune(rule, 3)).toBe(2);
      expect(await store.arrays.get(array!.id)).toBeNull();
      expect(await store.events.after(0, 50)).toEqual([]);
    });

    test('what a pending job still depends on stays', async () => {
      const store = await opened(open);
      const first = await submit(store);
      await submit(store, { waits: WAITS.dependency, dependencies: [{ kind: 'afterany', on: first.id }] });
      await store.jobs.transition(change(first, 'canceled', { at: 10, endedAt: 10 }));
      const rule = { endedBefore: 9000, keep: null };
      expect(await store.retention.prune(rule, 9)).toBe(0);
    });
  });

  describe('lists in other orders', () => {
    test('by end and by priority, page by page, whatever comes in between', async () => {
      const store = await opened(open);
      const ends = [3000, 3002, 3001, 3002];
      for (const at of ends) await endedAt(store, at);
      const seen: (number | null)[] = [];
      let last: JobRecord | undefined;
      for (let page = 0; page < 4; page++) {
        const behind = last === undefined ? {} : { after: last.id, afterKey: last.endedAt ?? 0 };
        [last] = await store.jobs.list({ sort: 'ended', limit: 1, owner: 'user:ada', ...behind });
        seen.push(last?.endedAt ?? null);
        await endedAt(store, 9000 + page);
      }
      expect(seen).toEqual([3002, 3002, 3001, 3000]);

      for (const priority of [1, -5, 7, 1]) await submit(store, { priority });
      const first = await store.jobs.list({ sort: 'priority', limit: 2 });
      const edge = first.at(-1)!;
      await submit(store, { priority: 9 });
      const next = await store.jobs.list({ sort: 'priority', limit: 9, after: edge.id, afterKey: edge.priority });
      expect([...first, ...next].map(({ priority }) => priority)).toEqual([7, 1, 1, -5]);
      const since = await store.jobs.list({ since: 2000, until: 2001, states: ['pending'], limit: 99 });
      expect(since).toHaveLength(5);
      expect(await store.jobs.list({ since: 2001, limit: 9 })).toEqual([]);
    });
  });
}

/** Events: numbered in commit order, one per change, told after the commit. */
import { describe, expect, test, vi } from 'vitest';
import { assignedTo, because, moved, opened, register, submit, TOKEN, type Open } from './fixtures.ts';
import { untilHolds } from '../../system/testing/until.ts';

export function eventConformance(open: Open): void {
  describe('events', () => {
    test('every change has one, in order, with what it was', async () => {
      const store = await opened(open);
      expect(await store.events.last()).toBe(0);
      const red = await register(store, 'red', 1);
      await store.clusters.replaceGraph('red', 'x', [], 2);
      await store.clusters.putSubsystem('red', 'io', 'x', false, 3);
      await store.clusters.putSubsystem('red', 'io', 'x', true, 4);
      await store.clusters.deleteSubsystem('red', 'io', 5);
      await store.clusters.mergeState('red', { a: 1 }, 6);
      await store.groups.create({ name: 'g', tokenHash: TOKEN, clusters: ['red'], at: 7 });
      await store.groups.update('g', [], 8);
      await store.groups.delete('g', 9);
      const job = await submit(store, { outcome: assignedTo(red), at: 10 });
      await store.clusters.delete('red', 11);

      const events = await store.events.after(0, 99);
      expect(events.map(({ subject, kind }) => `${subject} ${kind}`)).toEqual([
        'cluster registered',
        'cluster replaced',
        'cluster subsystem_registered',
        'cluster subsystem_replaced',
        'cluster subsystem_deleted',
        'cluster state_updated',
        'group created',
        'group updated',
        'group deleted',
        'job pending',
        'job assigned',
        'job pending',
        'cluster deleted',
      ]);
      expect(events.map(({ at }) => at)).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 10, 11, 11]);
      for (const [index, event] of events.entries()) expect(event.seq > (events[index - 1]?.seq ?? 0)).toBe(true);
      expect(events[2]).toMatchObject({
        cluster: 'red',
        detail: { subsystem: 'io' },
        jobId: null,
        owner: null,
        reason: null,
      });
      expect(events[6]?.detail).toEqual({ group: 'g', clusters: ['red'] });
      expect(events[10]).toMatchObject({
        jobId: job.id,
        owner: 'user:ada',
        cluster: 'red',
        epoch: 1,
        reason: because('selected'),
      });
      expect(events[11]).toMatchObject({
        jobId: job.id,
        cluster: 'red',
        epoch: 2,
        reason: { code: 'cluster_deleted' },
      });
      expect(await store.events.last()).toBe(events.at(-1)?.seq);
    });

    test('resume after a number, by page, by job, by owner', async () => {
      const store = await opened(open);
      const red = await register(store, 'red');
      const ada = await submit(store, { owner: 'ada', outcome: assignedTo(red) });
      const bob = await submit(store, { owner: 'bob' });
      await moved(store, ada, 'received');
      const all = await store.events.after(0, 99);
      const seqs = (events: readonly { seq: number }[]): number[] => events.map(({ seq }) => seq);
      expect(seqs(await store.events.after(all[1]!.seq, 2))).toEqual([all[2]!.seq, all[3]!.seq]);
      expect(await store.events.after(all.at(-1)!.seq, 99)).toEqual([]);
      expect(await store.events.after(0, 0)).toEqual([]);
      expect(await store.events.after(0, 99, { jobId: ada.id })).toEqual(all.filter(({ jobId }) => jobId === ada.id));
      expect(await store.events.after(0, 99, { owner: 'bob' })).toEqual(all.filter(({ owner }) => owner === 'bob'));
      expect(await store.events.after(0, 99, { owner: 'bob', jobId: ada.id })).toEqual([]);
      expect(await store.events.after(0, 99, { owner: 'bob', jobId: bob.id })).toHaveLength(1);
    });

    test('listeners hear of the newest after its commit, until they leave', async () => {
      const store = await opened(open);
      const heard: number[] = [];
      const readable: Promise<number>[] = [];
      const stop = store.events.subscribe((seq) => {
        heard.push(seq);
        readable.push(store.events.last());
      });
      const other = vi.fn<(seq: number) => void>();
      const stopOther = store.events.subscribe(other);
      await submit(store);
      await untilHolds(() => expect(heard.at(-1)).toBe(1));
      expect(await readable[0]).toBeGreaterThanOrEqual(1);
      stopOther();
      await Promise.all([submit(store), submit(store), submit(store)]);
      await untilHolds(() => expect(heard.at(-1)).toBe(4));
      expect(heard).toEqual(heard.toSorted((a, b) => a - b));
      expect(other).toHaveBeenCalledTimes(1);

      // A call that wrote nothing tells nobody.
      const before = heard.length;
      await store.settings.setOnce('a', 'b');
      await store.jobs.get('1');
      await submit(store);
      await untilHolds(() => expect(heard.at(-1)).toBe(5));
      expect(heard.length).toBe(before + 1);
      stop();
      stop();
      await submit(store);
      await store.events.last();
      expect(heard.at(-1)).toBe(5);
    });
  });
}

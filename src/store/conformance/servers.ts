/** Servers on one store: liveness, streams and their fence, letters, reports of what is free, claims of pending jobs. */
import { describe, expect, test } from 'vitest';
import type { AgentInstance } from '../store.ts';
import { assignedTo, because, errorFrom, GONE, opened, register, submit, type Open } from './fixtures.ts';

const INSTANCE: AgentInstance = { id: 'i', startedAt: 5, runner: 'process', version: '1', runAs: 'single-user' };
const AGES = { alive: 60_000, forgotten: 600_000 };

export function serverConformance(open: Open): void {
  describe('servers', () => {
    test('those that said so lately are alive; one that ended is not', async () => {
      const { servers } = await opened(open);
      const at = 1_000_000;
      await servers.beat({ id: 'b', name: 'north', version: '1' }, AGES, at);
      const both = await servers.beat({ id: 'a', name: 'north', version: '1' }, AGES, at + 1);
      expect(both.alive).toEqual(['a', 'b']);
      expect((await servers.beat({ id: 'b', name: 'north', version: '1' }, AGES, at + 2)).alive).toEqual(['a', 'b']);
      await servers.end('a');
      const last = await servers.beat({ id: 'b', name: 'north', version: '1' }, AGES, at + 3);
      expect(last.alive).toEqual(['b']);
      expect(last.now).toBeGreaterThanOrEqual(at);
    });

    test('letters come once, in their order, to whom they are for', async () => {
      const { servers } = await opened(open);
      const at = 1;
      for (const body of ['one', 'two', 'three']) await servers.send('a', body, at);
      await servers.send('b', 'other', at);
      expect((await servers.take('a')).map(({ body }) => body)).toEqual(['one', 'two', 'three']);
      expect(await servers.take('a')).toEqual([]);
      await servers.end('b');
      expect(await servers.take('b')).toEqual([]);
    });

    test('the newest stream of a cluster counts: an older one receives nothing, reports nothing and ends nothing', async () => {
      const store = await opened(open);
      const { servers } = store;
      const red = await register(store, 'red');
      const job = await submit(store, { outcome: assignedTo(red) });
      const claim = (stream: string, server: string) => ({ stream, server, bids: true });
      expect(await servers.claimStream(red, INSTANCE, claim('s1', 'a'), 10)).toBe(true);
      expect(await servers.claimStream(red, INSTANCE, claim('s2', 'b'), 11)).toBe(true);
      const refused = await errorFrom(store.jobs.receive(red, 9, null, 12, 's1'));
      expect(refused.code).toBe('aborted');
      const these = [{ id: job.id, epoch: 1 }];
      expect((await errorFrom(store.jobs.receiveThese(red, these, 12, 's1'))).code).toBe('aborted');
      expect(await servers.keepFree(red, 's1', { graphVersion: 1, report: 'old' })).toBeNull();
      await servers.releaseStream(red, 's1');
      expect(await servers.keepFree(red, 's2', { graphVersion: 1, report: 'new' })).toBe(1);
      expect(await servers.keepFree(red, 's2', { graphVersion: 1, report: 'newer' })).toBe(2);
      expect(await servers.free(red)).toEqual({ number: 2, graphVersion: 1, report: 'newer' });
      expect(await servers.standings()).toEqual([
        { name: 'red', id: red.id, lastSeenAt: 11, stream: claim('s2', 'b'), free: 2 },
      ]);
      expect(await store.jobs.receive(red, 9, null, 13, 's2')).toHaveLength(1);
      await servers.releaseStream(red, 's2');
      expect((await servers.standings())[0]?.stream).toBeNull();
    });

    test('how clusters stand is read in pages by their ids, or of some', async () => {
      const { servers, ...store } = await opened(open);
      const names = ['red', 'blue', 'green'];
      const clusters = [];
      for (const name of names) clusters.push(await register({ ...store, servers }, name));
      const ids = clusters.map(({ id }) => id);
      expect((await servers.standings()).map(({ name }) => name)).toEqual(names);
      expect((await servers.standings(0, 2)).map(({ id }) => id)).toEqual(ids.slice(0, 2));
      expect((await servers.standings(ids[1], 2)).map(({ name }) => name)).toEqual(['green']);
      const some = await servers.standingsOf([ids[2]!, 999_999, ids[0]!]);
      expect(some.map(({ name }) => name).toSorted()).toEqual(['green', 'red']);
      expect(await servers.standingsOf([])).toEqual([]);
      expect(await servers.now(5)).toBeGreaterThanOrEqual(5);
    });

    test('an older instance claims no stream; a server that ended holds none; a deleted cluster has none', async () => {
      const store = await opened(open);
      const { servers } = store;
      const red = await register(store, 'red');
      const claim = { server: 'a', stream: 's', bids: false };
      expect(await servers.claimStream(red, INSTANCE, claim, 10)).toBe(true);
      const older = { ...INSTANCE, startedAt: 4 };
      expect(await servers.claimStream(red, older, { ...claim, stream: 't' }, 10)).toBe(false);
      expect((await servers.standings())[0]?.stream).toEqual(claim);
      await servers.end('a');
      expect((await servers.standings())[0]?.stream).toBeNull();
      expect((await errorFrom(servers.claimStream(GONE, INSTANCE, claim, 10))).code).toBe('not_found');
      await store.clusters.delete('red', 20);
      expect(await servers.standings()).toEqual([]);
      expect(await servers.free(red)).toBeNull();
    });

    test('what one server has claimed no other is given, until that is over; in the order of deciding', async () => {
      const store = await opened(open);
      const { servers } = store;
      const jobs = [];
      for (const priority of [0, 5, 0]) jobs.push(await submit(store, { priority, question: `q${priority}` }));
      const ids = (found: readonly { id: string }[]): string[] => found.map(({ id }) => id);
      const [low, high, last] = ids(jobs) as [string, string, string];
      const of = (server: string, within = 60_000) => ({ server, within });
      const at = 1_000;
      expect(ids(await servers.claimPending(of('a'), 2, null, [], at))).toEqual([high, low]);
      expect(ids(await servers.claimPending(of('b'), 9, null, [], at))).toEqual([last]);
      expect(ids(await servers.claimPending(of('a'), 9, null, [], at))).toEqual([high, low]);
      expect(ids(await servers.claimPending(of('a'), 9, { priority: 5, id: high }, [], at))).toEqual([low]);
      const known = [{ question: 'q5', reason: because('submitted') }];
      expect(ids(await servers.claimPending(of('a'), 9, null, known, at))).toEqual([low]);
      // Claimed for no time: free again at once.
      await servers.claimPending(of('a', 0), 9, null, [], at);
      expect(ids(await servers.claimPending(of('b'), 9, null, [], at))).toEqual([high, low, last]);
    });

    test('what others wrote is never one’s own', async () => {
      const store = await opened(open);
      await register(store, 'red');
      const found = await store.servers.others(0, 100);
      expect(found).toEqual({ events: [], upTo: expect.any(Number) as unknown, more: false, missed: false });
      expect(await store.servers.newest()).toBeGreaterThan(0);
    });

    test('many jobs at once: those that are there', async () => {
      const store = await opened(open);
      const jobs = [await submit(store), await submit(store), await submit(store)];
      const asked = [...jobs.map(({ id }) => id), '99', 'x'];
      expect(await store.jobs.many(asked)).toEqual(jobs);
      expect(await store.jobs.many([])).toEqual([]);
    });
  });
}

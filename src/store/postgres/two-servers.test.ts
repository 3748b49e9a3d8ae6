/** Two stores on one database, as two servers have them. */
import { afterAll, describe, expect, onTestFinished, test, vi } from 'vitest';
import { skipWithout } from '../../../test/needs.ts';
import { realSystem } from '../../system/real.ts';
import { WAITS } from '../../core/job/waits.ts';
import { assignedTo, because, change, named, newJob, register, submit } from '../conformance/fixtures.ts';
import { openStore } from '../open.ts';
import type { EventRecord, JobRecord, Store } from '../store.ts';
import { storeOver } from '../store-over-engine.ts';
import { localPostgres } from '../testing/postgres.ts';
import { startProxy } from '../testing/proxy.ts';
import { openPoolEngine } from './pool-engine.ts';
import { untilHolds } from '../../system/testing/until.ts';

const { postgres, missing } = await localPostgres();
afterAll(() => postgres?.remove());

async function openTwo(): Promise<{ url: string; one: Store; two: Store; both: readonly [Store, Store] }> {
  const url = await postgres!.newDatabase();
  const both = [await openStore(url, realSystem), await openStore(url, realSystem)] as const;
  onTestFinished(async () => {
    await Promise.all(both.map((store) => store.close()));
  });
  return { url, one: both[0], two: both[1], both };
}

/** As a watcher does: woken by news, reads on from where it was. */
function watch(store: Store): { readonly seen: EventRecord[]; readonly caughtUpTo: (seq: number) => Promise<void> } {
  const seen: EventRecord[] = [];
  let reading = Promise.resolve();
  const readOn = async (): Promise<void> => {
    for (;;) {
      const more = await store.events.after(seen.at(-1)?.seq ?? 0, 50);
      if (more.length === 0) return;
      seen.push(...more);
    }
  };
  onTestFinished(
    store.events.subscribe(() => {
      // News may come as the test ends and its stores are closed: what was not read is missed below, if it matters.
      reading = reading.then(readOn).catch(() => undefined);
    }),
  );
  return { seen, caughtUpTo: (seq) => untilHolds(() => expect(seen.at(-1)?.seq).toBe(seq)) };
}

describe.skipIf(skipWithout('postgres', missing))('two servers on one database', () => {
  test('what one has answered the other reads', async () => {
    const { one, two } = await openTwo();
    const red = await register(one, 'red');
    for (let n = 0; n < 50; n++) {
      const [writer, reader] = n % 2 === 0 ? [one, two] : [two, one];
      const job = await submit(writer, { outcome: assignedTo(red) });
      expect(await reader.jobs.get(job.id)).toEqual(job);
    }
  });

  test('receivers get disjoint jobs, and all of them', async () => {
    const { one, both } = await openTwo();
    const red = await register(one, 'red');
    await Promise.all(Array.from({ length: 400 }, () => submit(one, { outcome: assignedTo(red) })));
    const received: string[] = [];
    const receive = async (store: Store): Promise<void> => {
      // Jobs that the other is just taking are skipped, so an empty answer is not yet the end.
      while (received.length < 400) {
        for (const { id } of await store.jobs.receive(red, 3, null, 3000)) received.push(id);
      }
    };
    await Promise.all(both.flatMap((store) => Array.from({ length: 8 }, () => receive(store))));
    expect(received).toHaveLength(400);
    expect(new Set(received).size).toBe(400);
  });

  test('one key submitted on both at once makes one job, and both answer it', async () => {
    const { one, two, both } = await openTwo();
    for (let round = 0; round < 10; round++) {
      const results = await Promise.all(
        both.flatMap((store) =>
          Array.from({ length: 40 }, (_, n) => store.jobs.submit(newJob({ idempotencyKey: `${round} ${n % 20}` }))),
        ),
      );
      expect(results.filter(({ created }) => created)).toHaveLength(20);
      expect(new Set(results.map(({ job }) => job.id)).size).toBe(20);
    }
    const stored = await one.jobs.list({ limit: 999 });
    expect(stored).toHaveLength(200);
    expect(await two.jobs.list({ limit: 999 })).toEqual(stored);
  });

  test('singletons submitted and looked at on both at once: one at a time, none is forgotten', async () => {
    const { one, both } = await openTwo();
    const alone = newJob({
      waits: WAITS.dependency,
      outcome: { state: 'pending', reason: because('dependency') },
      dependencies: [{ kind: 'singleton', on: '' }],
    });
    const look = async (store: Store): Promise<void> => {
      while ((await store.jobs.settleDependencies(3, 3000)) !== null);
    };
    const jobs = await Promise.all(
      both.flatMap((store) =>
        Array.from({ length: 4 }, async () => {
          const { job } = await store.jobs.submit(alone);
          await look(store);
          return job;
        }),
      ),
    );
    for (let left = jobs.length; left > 0; left--) {
      // What one holds the other passes over, so each looks once more when both are through.
      await Promise.all(both.map(look));
      await look(one);
      const free = await one.jobs.pending(99);
      expect(free).toHaveLength(1);
      await Promise.all([one.jobs.transition(change(free[0]!, 'canceled')), ...both.map(look)]);
    }
  });

  test('of many changes from one state, one is done', async () => {
    const { one, both } = await openTwo();
    const red = await register(one, 'red');
    const jobs = await Promise.all(Array.from({ length: 20 }, () => submit(one)));
    const done = await Promise.all(
      both.flatMap((store) =>
        // Each in its own order, so that batches meet.
        (store === one ? jobs : jobs.toReversed()).flatMap((job) =>
          (['assigned', 'canceled'] as const).map((to) => store.jobs.transition(change(job, to, { cluster: red }))),
        ),
      ),
    );
    expect(done.filter((result) => result.done)).toHaveLength(20);
    const events = await one.events.after(0, 999);
    expect(events.filter(({ kind }) => kind === 'assigned' || kind === 'canceled')).toHaveLength(20);
  });

  test('a job that moves while its cluster is deleted is not lost', async () => {
    const { one, two } = await openTwo();
    for (let round = 0; round < 10; round++) {
      const red = await register(one, 'red');
      const jobs = await Promise.all(Array.from({ length: 10 }, () => submit(one, { outcome: assignedTo(red) })));
      const [deleted, late] = await Promise.all([
        one.clusters.delete('red', 5000),
        // Too late, some of them.
        Promise.allSettled(Array.from({ length: 5 }, () => submit(two, { outcome: assignedTo(red) }))),
        two.jobs.receive(red, 5, null, 4000),
        ...jobs.map((job) => two.jobs.transition(change(job, 'received', { at: 4000 }))),
      ]);
      const codes = late.map((result) =>
        result.status === 'fulfilled' ? null : (result.reason as Error & { code: string }).code,
      );
      expect(codes.filter((code) => code !== null && code !== 'aborted')).toEqual([]);
      const moved = [...deleted.returned, ...deleted.canceled];
      for (const job of await two.jobs.list({ limit: 999 })) {
        expect(['pending', 'canceled']).toContain(job.state);
        expect(job.clusterId === null || job.state === 'canceled').toBe(true);
      }
      expect(moved).toEqual(expect.arrayContaining(jobs.map(({ id }) => id)));
    }
  });

  test('who has not seen an event before it was deleted learns that it missed some; whoever has seen it does not', async () => {
    const { one, two } = await openTwo();
    const from = await two.servers.newest();
    expect(await two.servers.others(from, 10)).toMatchObject({ events: [], missed: false });
    // Deleted, with younger ones behind it and without.
    for (const later of [1, 0]) {
      const seen = await two.servers.newest();
      const job = await submit(one);
      await one.jobs.transition(change(job, 'canceled', { at: 2, endedAt: 2 }));
      const { upTo } = await two.servers.others(seen, 10);
      expect(await one.retention.prune({ endedBefore: null, keep: 0 }, 10)).toBe(1);
      for (let n = 0; n < later; n++) await submit(one);
      expect(await two.servers.others(seen, 10)).toMatchObject({ missed: true });
      expect(await two.servers.others(upTo, 10)).toMatchObject({ missed: false });
      expect(await two.servers.others(await two.servers.newest(), 10)).toMatchObject({ events: [], missed: false });
      // Who wrote them need not be told.
      expect(await one.servers.others(seen, 10)).toMatchObject({ events: [], missed: false });
    }
  });

  test('names, groups and numbers are given once', async () => {
    const { one, both } = await openTwo();
    const registered = await Promise.allSettled(
      both.flatMap((store) => Array.from({ length: 10 }, (_, n) => register(store, `c${n}`))),
    );
    expect(registered.filter(({ status }) => status === 'fulfilled')).toHaveLength(10);
    expect(
      registered.flatMap((result) => (result.status === 'rejected' ? [(result.reason as { code: string }).code] : [])),
    ).toEqual(Array.from({ length: 10 }, () => 'already_exists'));

    for (let n = 0; n < 10; n++) await submit(one);
    const c1 = await named(one, 'c1');
    const numbers = await Promise.all(
      both.flatMap((store) => Array.from({ length: 20 }, (_, n) => store.jobs.numberAt(c1, String(1 + (n % 10))))),
    );
    expect([...new Set(numbers)].toSorted((a, b) => a - b)).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 10]);
    const set = await Promise.all(both.map((store, n) => store.settings.setOnce('secret', `${n}`)));
    expect(new Set(set).size).toBe(1);
  });

  test('watchers of either miss no event and see none twice, in one order', async () => {
    const { one, two, both } = await openTwo();
    const red = await register(one, 'red');
    const watchers = both.map(watch);
    const life = async (store: Store): Promise<void> => {
      let job: JobRecord = await submit(store, { outcome: assignedTo(red) });
      for (const to of ['received', 'accepted', 'running', 'completed'] as const) {
        const result = await store.jobs.transition(change(job, to));
        if (result.done) job = result.job;
      }
    };
    await Promise.all(both.flatMap((store) => Array.from({ length: 60 }, () => life(store))));
    const last = await one.events.last();
    expect(last).toBe(1 + 120 * 6);
    for (const { seen, caughtUpTo } of watchers) {
      await caughtUpTo(last);
      // No gap that fills later, none twice.
      expect(seen.map(({ seq }) => seq)).toEqual(Array.from({ length: last }, (_, n) => n + 1));
    }
    expect(watchers[1]?.seen).toEqual(watchers[0]?.seen);
    expect(await two.events.last()).toBe(last);
  });

  test('output that one takes wakes the listeners of the other, of that job alone', async () => {
    const { one, two } = await openTwo();
    const red = await register(one, 'red');
    const [a, b] = [await submit(one, { outcome: assignedTo(red) }), await submit(one)];
    const [ofA, ofB] = [vi.fn<() => void>(), vi.fn<() => void>()];
    two.output.subscribe(a.id, ofA);
    two.output.subscribe(b.id, ofB);
    await one.output.append(a.id, 1, [{ task: 0, stream: 'stdout', offset: 0, data: new Uint8Array(3), at: 1 }], 99);
    await untilHolds(() => expect(ofA).toHaveBeenCalledTimes(1));
    await one.output.append(b.id, 1, [{ task: 0, stream: 'stdout', offset: 0, data: new Uint8Array(3), at: 1 }], 99);
    await untilHolds(() => expect(ofB).toHaveBeenCalledTimes(1));
    expect(ofA).toHaveBeenCalledTimes(1);
  });

  test('where notifications do not arrive, the poll finds what is new', async () => {
    const { url, one } = await openTwo();
    await register(one, 'red');
    const job = await submit(one);
    const proxy = await startProxy(postgres!.port);
    proxy.fault = 'deaf';
    const deaf = storeOver(await openPoolEngine(proxy.through(url), realSystem, { pollEvery: 50 }), 'postgres');
    onTestFinished(async () => {
      await deaf.close();
      await proxy.close();
    });
    const heard: number[] = [];
    deaf.events.subscribe((seq) => heard.push(seq));
    const output = vi.fn<() => void>();
    deaf.output.subscribe(job.id, output);
    await one.jobs.requestCancel(job.id, because('user'), 5);
    await untilHolds(async () => expect(heard.at(-1)).toBe(await one.events.last()));
    await one.output.append(job.id, 1, [{ task: 0, stream: 'stdout', offset: 0, data: new Uint8Array(1), at: 1 }], 9);
    const calls = output.mock.calls.length;
    await untilHolds(() => expect(output.mock.calls.length).toBeGreaterThan(calls));
  });
});

/** The engine when the database goes away, hangs or refuses, and comes back. */
import { afterAll, describe, expect, onTestFinished, test } from 'vitest';
import { skipWithout } from '../../../test/needs.ts';
import { realSystem } from '../../system/real.ts';
import { errorFrom, newJob, register, submit } from '../conformance/fixtures.ts';
import type { Engine } from '../engine.ts';
import { storeOver } from '../store-over-engine.ts';
import type { Store } from '../store.ts';
import { localPostgres } from '../testing/postgres.ts';
import { startProxy, type Proxy } from '../testing/proxy.ts';
import { openPoolEngine, type EngineOptions } from './pool-engine.ts';
import { untilHolds } from '../../system/testing/until.ts';

const { postgres, missing } = await localPostgres();
afterAll(() => postgres?.remove());

interface Opened {
  readonly url: string;
  readonly engine: Engine;
  readonly store: Store;
  readonly proxy: Proxy;
}

/** By way of a network that can fail. */
async function open(options: EngineOptions = { pollEvery: 50 }): Promise<Opened> {
  const url = await postgres!.newDatabase();
  const proxy = await startProxy(postgres!.port);
  const engine = await openPoolEngine(proxy.through(url), realSystem, options);
  const store = storeOver(engine, 'postgres');
  onTestFinished(async () => {
    proxy.fault = 'none';
    await store.close();
    await proxy.close();
  });
  return { url, engine, store, proxy };
}

const served = (store: Store): Promise<unknown> => untilHolds(() => submit(store));

describe.skipIf(skipWithout('postgres', missing))('the engine over connections', () => {
  test('calls beyond the limit are refused at once; the others are served', async () => {
    const { engine } = await open({ waitingLimit: 50 });
    const results = await Promise.allSettled(
      Array.from({ length: 60 }, (_, n) => engine.call('setSettingOnce', [`key ${n}`, 'x'])),
    );
    expect(results.filter(({ status }) => status === 'fulfilled')).toHaveLength(50);
    expect(results[59]).toMatchObject({ status: 'rejected', reason: { code: 'resource_exhausted' } });
    expect(await engine.call('setSettingOnce', ['later', 'y'])).toBe('y');
  });

  test('calls that gather share commits', async () => {
    const { url, engine } = await open();
    const database = await postgres!.connect(url);
    const commits = async (): Promise<number> => {
      await database.command('SELECT pg_stat_force_next_flush()');
      const [row] = await database.query({
        sql: 'SELECT xact_commit FROM pg_stat_database WHERE datname = current_database()',
        values: [],
      });
      return Number(row?.['xact_commit']);
    };
    const before = await commits();
    await Promise.all(Array.from({ length: 400 }, (_, n) => engine.call('setSettingOnce', [`key ${n}`, 'x'])));
    await untilHolds(async () => expect(await commits()).toBeGreaterThan(before));
    expect((await commits()) - before).toBeLessThan(60);
    await database.close();
  });

  test('an operation that is none, or a value that is none, fails alone', async () => {
    const { engine } = await open();
    const unsendable = {
      toPostgres(): never {
        throw new Error('no value at all');
      },
    } as unknown as string;
    const results = await Promise.allSettled([
      engine.call('toString' as 'lastEvent', []),
      engine.call('setSettingOnce', ['good', 'y']),
      engine.call('getSetting', [unsendable]),
      engine.call('setSettingOnce', ['bad', unsendable]),
      engine.call('eventsAfter', ['x' as unknown as number, 5]),
      engine.call('lastEvent', []),
    ]);
    expect(results.map(({ status }) => status)).toEqual([
      'rejected',
      'fulfilled',
      'rejected',
      'rejected',
      'rejected',
      'fulfilled',
    ]);
  });

  test('while the database is away calls fail at once with what to do; it comes back, and so do they', async () => {
    const { store, proxy } = await open();
    await register(store, 'red');
    const kept = await submit(store, { idempotencyKey: 'kept' });
    const heard: number[] = [];
    store.events.subscribe((seq) => heard.push(seq));
    for (const end of [() => postgres!.stop(), () => postgres!.kill()]) {
      await end();
      await untilHolds(async () => expect((await errorFrom(store.events.last())).code).toBe('unavailable'));
      const began = performance.now();
      const failures = await Promise.all([
        errorFrom(submit(store)),
        errorFrom(store.jobs.get(kept.id)),
        ...Array.from({ length: 100 }, () => errorFrom(submit(store))),
      ]);
      expect(performance.now() - began).toBeLessThan(30_000);
      for (const { code, message } of failures) {
        expect([code, message]).toEqual(['unavailable', expect.stringContaining('ask again')]);
        expect(message).not.toContain('127.0.0.1');
      }
      await postgres!.start();
      await served(store);
      expect((await store.jobs.submit(newJob({ idempotencyKey: 'kept' }))).job.id).toBe(kept.id);
      // News as well, without anybody calling.
      await untilHolds(async () => expect(heard.at(-1)).toBe(await store.events.last()));
    }
    expect(proxy.fault).toBe('none');
  });

  test('where a network swallows everything, what waits fails in time and the rest at once; it comes back, and so do they', async () => {
    const answerWithin = 2_000;
    const { store, proxy } = await open({ pollEvery: 50, answerWithin });
    await register(store, 'red');
    const heard: number[] = [];
    store.events.subscribe((seq) => heard.push(seq));
    const before = await submit(store);
    proxy.fault = 'frozen';
    const began = performance.now();
    const waiting = await Promise.all([errorFrom(submit(store)), errorFrom(store.jobs.get(before.id))]);
    expect(performance.now() - began).toBeLessThan(60_000);
    expect(waiting.map(({ code }) => code)).toEqual(['unavailable', 'unavailable']);
    const since = performance.now();
    const failures = await Promise.all(Array.from({ length: 100 }, () => errorFrom(submit(store))));
    // Sooner than one that waits for its answer.
    expect(performance.now() - since).toBeLessThan(answerWithin);
    for (const { message } of failures) expect(message).toContain('ask again');
    proxy.fault = 'none';
    await served(store);
    expect((await store.jobs.get(before.id))?.id).toBe(before.id);
    await untilHolds(async () => expect(heard.at(-1)).toBe(await store.events.last()));
  });

  test('a connection that breaks costs what was under way, and nothing that was answered', async () => {
    const { store, proxy } = await open();
    const answered: string[] = [];
    const refused: unknown[] = [];
    const stop = new AbortController();
    const caller = async (name: string): Promise<void> => {
      for (let n = 0; !stop.signal.aborted; n++) {
        const key = `${name} ${n}`;
        try {
          const { job } = await store.jobs.submit(newJob({ name: key, idempotencyKey: key }));
          answered.push(job.id);
        } catch (error) {
          refused.push((error as { code: string }).code);
        }
      }
    };
    const callers = Array.from({ length: 20 }, (_, n) => caller(`caller ${n}`));
    for (let cuts = 0; cuts < 5; cuts++) {
      const before = answered.length;
      await untilHolds(() => expect(answered.length).toBeGreaterThan(before + 50));
      proxy.cut();
    }
    stop.abort();
    await Promise.all(callers);
    await served(store);
    expect(new Set(refused)).toEqual(new Set(['unavailable']));
    const stored = new Set((await store.jobs.list({ limit: Infinity })).map(({ id }) => id));
    expect(answered.filter((id) => !stored.has(id))).toEqual([]);
    const events = await store.events.after(0, 1e6);
    expect(events.map(({ seq }) => seq)).toEqual(events.map((_, index) => index + 1));
    expect(events).toHaveLength(stored.size);
  });

  test('a commit whose answer is lost says that nobody knows; the same key finds what was done', async () => {
    const { store, proxy } = await open();
    proxy.fault = 'commit';
    const error = await errorFrom(submit(store, { idempotencyKey: 'k' }));
    expect(error).toMatchObject({ code: 'unavailable', message: expect.stringContaining('may have been done or not') });
    proxy.fault = 'none';
    const again = await untilHolds(() => store.jobs.submit(newJob({ idempotencyKey: 'k' })));
    expect(again).toMatchObject({ created: false, job: { id: '1' } });
  });

  test('a server that hangs in a transaction is cut off by the database, and its locks with it', async () => {
    const { url, store } = await open();
    const [row] = await (async () => {
      const other = await postgres!.connect(url);
      onTestFinished(() => other.close());
      return other.query({ sql: "SELECT current_setting('idle_in_transaction_session_timeout') AS limit", values: [] });
    })();
    expect(row).toEqual({ limit: '10s' });

    const hanging = await postgres!.connect(url);
    await hanging.command("SET idle_in_transaction_session_timeout = '300ms'");
    await hanging.command('BEGIN');
    await hanging.command('UPDATE event_counter SET last = last + 1');
    const began = performance.now();
    await submit(store);
    expect(performance.now() - began).toBeGreaterThan(100);
    expect(await store.events.last()).toBe(1);
    await expect(hanging.command('COMMIT')).rejects.toThrow(/connection/);
  });

  test('close does what was under way, even where the database hangs', async () => {
    const { store, engine, proxy } = await open();
    const writing = Array.from({ length: 20 }, () => submit(store));
    const closing = engine.close();
    expect(engine.close()).toBe(closing);
    await closing;
    expect(await Promise.all(writing)).toHaveLength(20);

    const other = storeOver(await openPoolEngine(proxy.through(await postgres!.newDatabase()), realSystem), 'postgres');
    await submit(other);
    proxy.fault = 'frozen';
    await other.close();
  });
});

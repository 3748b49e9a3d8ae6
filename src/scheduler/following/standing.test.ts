/** Standings of servers on one real database: who is first, and how what others changed comes in. */
import { afterAll, describe, expect, onTestFinished, test } from 'vitest';
import { skipWithout } from '../../../test/needs.ts';
import { register } from '../../store/conformance/fixtures.ts';
import { openStore } from '../../store/open.ts';
import type { Store } from '../../store/store.ts';
import { localPostgres } from '../../store/testing/postgres.ts';
import { startProxy } from '../../store/testing/proxy.ts';
import { realSystem } from '../../system/real.ts';
import { createStanding, type Standing } from './standing.ts';
import { untilHolds } from '../../system/testing/until.ts';

const { postgres, missing } = await localPostgres();
afterAll(() => postgres?.remove());

const INSTANCE = { id: 'i', startedAt: 5, runner: 'process', version: '1', runAs: 'single-user' } as const;
const silent = { debug: () => undefined, info: () => undefined, warn: () => undefined, error: () => undefined };

interface Opened {
  readonly store: Store;
  readonly standing: Standing;
  readonly gone: string[];
  readonly lost: string[];
  stop(): Promise<void>;
}

async function open(url: string): Promise<Opened> {
  const store = await openStore(url, realSystem);
  const gone: string[] = [];
  const lost: string[] = [];
  const standing = createStanding({
    store,
    system: realSystem,
    log: silent,
    server: { name: 'north', version: '1' },
    askTime: async (there) => void (await there()),
    looked: (looked) => Promise.resolve(void gone.push(...looked.gone.map(({ name }) => name))),
    lost: ({ name }) => void lost.push(name),
    forgotten: () => undefined,
    beaten: () => undefined,
  });
  await standing.start();
  let stopped: Promise<void> | null = null;
  const stop = (): Promise<void> => (stopped ??= standing.stop().then(() => store.close()));
  onTestFinished(stop);
  return { store, standing, gone, lost, stop };
}

describe.skipIf(skipWithout('postgres', missing))('standing among other servers', () => {
  test('one is first, as all agree; when it ends or dies, another', async () => {
    const url = await postgres!.newDatabase();
    const all = [await open(url), await open(url), await open(url)];
    const firsts = (of: readonly Opened[]): readonly Opened[] => of.filter(({ standing }) => standing.isFirst());
    await untilHolds(() => expect(all.map(({ standing }) => standing.others().length)).toEqual([2, 2, 2]));
    expect(firsts(all)).toHaveLength(1);
    await firsts(all)[0]!.stop();
    const left = all.filter(({ standing }) => !standing.isFirst());
    await untilHolds(() => expect(firsts(left)).toHaveLength(1));
    // Dead: it said nothing for as long as that takes.
    const [dead] = firsts(left);
    await untilHolds(async () => {
      const database = await postgres!.connect(url);
      const values = [dead!.standing.id];
      await database.query({ sql: 'UPDATE servers SET seen_at = seen_at - 60000 WHERE id = $1', values });
      await database.close();
      expect(left.find((each) => each !== dead)!.standing.isFirst()).toBe(true);
    });
  });

  test('a stream that another took, and a cluster that is gone, show by the notification, or without it by the next pages', async () => {
    const url = await postgres!.newDatabase();
    const proxy = await startProxy(postgres!.port);
    onTestFinished(() => proxy.close());
    const one = await open(url);
    const two = await open(proxy.through(url));
    await untilHolds(() => expect(one.standing.others()).toEqual([two.standing.id]));
    for (const fault of ['none', 'deaf'] as const) {
      proxy.fault = fault;
      const name = `red-${fault}`;
      const cluster = await register(one.store, name);
      expect(await one.standing.claim(cluster, INSTANCE, `${name} 1`, true)).toBe(true);
      await untilHolds(() => expect(two.standing.elsewhere(cluster)?.stream).toBe(`${name} 1`));
      expect(one.standing.elsewhere(cluster)).toBeNull();
      expect(await two.standing.claim(cluster, { ...INSTANCE, startedAt: 6 }, `${name} 2`, false)).toBe(true);
      expect(two.standing.elsewhere(cluster)).toBeNull();
      await untilHolds(() => expect(one.lost).toContain(name));
      expect(one.standing.holds(cluster, `${name} 1`)).toBe(false);
      expect(one.standing.elsewhere(cluster)?.stream).toBe(`${name} 2`);
      expect(two.standing.holds(cluster, `${name} 2`)).toBe(true);
      await one.store.clusters.delete(name, 9);
      await untilHolds(() => expect(two.gone).toContain(name));
      await untilHolds(() => expect(one.gone).toContain(name));
      expect(two.lost).toContain(name);
    }
  });
});

import { expect, test } from 'vitest';
import { openMemoryEngine } from './memory-engine.ts';

const bytes = new Uint8Array(32);
const cluster = (name: string) => ({ name, secretHash: bytes, tokenHash: bytes, graph: '{}', counts: [], at: 1 });

test('gathered calls share a commit; one that is refused takes no other with it', async () => {
  const flushes: (() => void)[] = [];
  const engine = openMemoryEngine(1, (flush) => void flushes.push(flush));
  const news: number[] = [];
  engine.onEvents((seq) => void news.push(seq));
  const calls = [
    engine.call('registerCluster', [cluster('red')]),
    engine.call('registerCluster', [cluster('red')]),
    engine.call('registerCluster', [cluster('blue')]),
    engine.call('listClusters', []),
  ];
  const outcomes = Promise.allSettled(calls);
  expect(flushes).toHaveLength(1);
  flushes[0]!();
  expect((await outcomes).map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled', 'fulfilled']);
  await expect(calls[3]).resolves.toMatchObject([{ name: 'blue' }, { name: 'red' }]);
  expect(news).toHaveLength(1);
  const later = engine.call('getCluster', ['red']);
  expect(flushes).toHaveLength(2);
  flushes[1]!();
  await expect(later).resolves.toMatchObject({ name: 'red' });
  await engine.close();
});

test('a close runs what waits, and refuses what comes after it', async () => {
  const flushes: (() => void)[] = [];
  const engine = openMemoryEngine(1, (flush) => void flushes.push(flush));
  const last = engine.call('registerCluster', [cluster('red')]);
  await engine.close();
  await expect(last).resolves.toMatchObject({ name: 'red' });
  await expect(engine.call('listClusters', [])).rejects.toMatchObject({ code: 'unavailable' });
  flushes[0]!();
});

test('without gathering a call is committed when it returns', async () => {
  const engine = openMemoryEngine(1);
  let newest = 0;
  engine.onEvents((seq) => (newest = seq));
  const registered = engine.call('registerCluster', [cluster('red')]);
  expect(newest).toBeGreaterThan(0);
  await registered;
  await engine.close();
});

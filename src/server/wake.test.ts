import { expect, test } from 'vitest';
import { createLatch } from './wake.ts';

test('a wake before the wait is not lost, and many are one', async () => {
  const stop = new AbortController();
  const latch = createLatch(stop.signal);
  latch.wake();
  latch.wake();
  await latch.wait();
  const order: string[] = [];
  const waiting = (async () => {
    await latch.wait();
    order.push('woken');
  })();
  await Promise.resolve();
  order.push('waits');
  latch.wake();
  await waiting;
  expect(order).toEqual(['waits', 'woken']);
});

test('an abort ends every wait, the present and the later ones', async () => {
  const stop = new AbortController();
  const latch = createLatch(stop.signal);
  const waiting = latch.wait();
  stop.abort();
  await expect(waiting).resolves.toBeUndefined();
  await expect(latch.wait()).resolves.toBeUndefined();
});

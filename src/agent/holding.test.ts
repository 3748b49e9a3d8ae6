import { expect, test } from 'vitest';
import { createHolding, newEntry } from './holding.ts';
import { memoryJournal } from './journal.ts';
import { silentLog } from './log.ts';
import { orderOf } from './receive.ts';

test('what a failing disk left in the journal goes with the next write', async () => {
  const journal = memoryJournal();
  let isFull = false;
  const remove: typeof journal.remove = (key) =>
    isFull ? Promise.reject(new Error('the disk is full')) : journal.remove(key);
  const holding = createHolding({ ...journal, remove }, silentLog);
  const [first, second] = ['7', '8'].map((jobId) => newEntry(orderOf({ jobId, epoch: 1 }), 'received'));
  await holding.add(first!);
  isFull = true;
  await holding.remove(first!.order);
  expect(holding.all()).toEqual([]);
  expect(await journal.entries()).toEqual([first]);
  isFull = false;
  await holding.add(second!);
  expect(await journal.entries()).toEqual([second]);
});

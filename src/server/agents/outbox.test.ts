import { expect, test } from 'vitest';
import { RainbowError } from '../../core/errors.ts';
import { Outbox } from './outbox.ts';

async function taken<M>(messages: AsyncIterable<M>): Promise<M[]> {
  const all: M[] = [];
  for await (const message of messages) all.push(message);
  return all;
}

test('in order; what is put again under its key moves behind what came in between', async () => {
  const outbox = new Outbox<string>();
  outbox.putAs('stop', 'stop 1');
  outbox.put('start');
  outbox.putAs('stop', 'stop 2');
  outbox.end(null);
  outbox.put('too late');
  expect(await taken(outbox)).toEqual(['start', 'stop 2']);
});

test('who makes messages waits while it is full, until the agent reads or the stream ends', async () => {
  const outbox = new Outbox<number>(2);
  outbox.put(1);
  outbox.put(2);
  let room = 0;
  const first = outbox.room().then(() => (room += 1));
  expect(outbox.isFull).toBe(true);
  expect(room).toBe(0);
  await outbox.next();
  await first;
  outbox.put(3);
  const second = outbox.room();
  outbox.end(null);
  await second;
});

test('an error ends it at once, and what waited is not sent', async () => {
  const outbox = new Outbox<number>();
  outbox.put(1);
  outbox.end(new RainbowError('failed_precondition', 'fenced'));
  outbox.end(null);
  await expect(taken(outbox)).rejects.toThrow('fenced');
  expect(outbox.ended).toBe(true);
});

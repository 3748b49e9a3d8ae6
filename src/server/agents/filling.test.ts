import { expect, test } from 'vitest';
import type { JobRecord } from '../../store/store.ts';
import { Filling } from './filling.ts';
import { Outbox } from './outbox.ts';

const jobs = (...ids: string[]): JobRecord[] => ids.map((id) => ({ id }) as JobRecord);

function world() {
  const asked: ((found: readonly JobRecord[]) => void)[] = [];
  const started: string[] = [];
  const failures: unknown[] = [];
  let room = 3;
  const filling = new Filling({
    outbox: new Outbox<unknown>(),
    mayStart: () => true,
    room: () => room - started.length,
    receive: () => new Promise((resolve) => asked.push(resolve)),
    start: ({ id }) => void started.push(id),
    has: (id) => started.includes(id),
    fail: (error) => void failures.push(error),
  });
  return { filling, asked, started, failures, widen: (more: number) => (room += more) };
}

test('it has asked before it returns, and what is received so is not looked for again', async () => {
  const { filling, asked, started, failures } = world();
  filling.fill();
  expect(asked).toHaveLength(1);
  filling.look('1'); // Its write is committed; the answer to the question is on its way.
  asked[0]!(jobs('1'));
  await filling.idle();
  filling.look('1');
  await filling.idle();
  expect(started).toEqual(['1']);
  expect(asked).toHaveLength(1);
  expect(failures).toEqual([]);
});

test('what was not found, since it was written elsewhere or later, is looked for', async () => {
  const { filling, asked, started } = world();
  filling.fill();
  filling.look('1');
  asked[0]!([]);
  await expect.poll(() => asked.length).toBe(2);
  asked[1]!(jobs('1'));
  await filling.idle();
  filling.look('2');
  expect(asked).toHaveLength(3);
  asked[2]!(jobs('2'));
  await filling.idle();
  expect(started).toEqual(['1', '2']);
});

test('asked meanwhile it looks again, and never for more than there is room for', async () => {
  const { filling, asked, started, widen } = world();
  filling.fill();
  filling.fill();
  filling.fill();
  expect(asked).toHaveLength(1);
  asked[0]!(jobs('1'));
  await expect.poll(() => asked.length).toBe(2);
  asked[1]!(jobs('2', '3'));
  await filling.idle();
  filling.fill();
  await filling.idle();
  expect(asked).toHaveLength(2);
  widen(1);
  filling.fill();
  expect(asked).toHaveLength(3);
  asked[2]!([]);
  await filling.idle();
  expect(started).toEqual(['1', '2', '3']);
});

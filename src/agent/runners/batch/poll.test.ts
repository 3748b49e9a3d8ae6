/** One look for all who ask, as often as it is worth. */
import { expect, test } from 'vitest';
import { simulatedSystem } from '../../../system/simulated.ts';
import { createPoll } from './poll.ts';

function rig(least = 100, most = 1000) {
  const system = simulatedSystem();
  const asked: number[] = [];
  let changes = false;
  const poll = createPoll<number>(
    {
      look: async () => [asked.push(system.clock.monotonic())],
      pace: { least, most },
      isNeeded: () => true,
      seen: async () => changes,
      away: () => undefined,
    },
    system,
  );
  return { system, poll, asked, change: (on: boolean) => (changes = on) };
}

test('news after news does not put the next look off for ever', async () => {
  const { system, poll, asked } = rig();
  for (let i = 0; i < 30; i++) {
    poll.soon();
    await system.advance(50);
  }
  expect(asked.length).toBeGreaterThan(10);
  poll.close();
});

test('ever more seldom while nothing changes, soon again once something has', async () => {
  const { system, poll, asked, change } = rig();
  poll.soon();
  await system.advance(20_000);
  const quiet = asked.length;
  expect(quiet).toBeLessThan(32);
  change(true);
  await system.advance(3_000);
  expect(asked.length - quiet).toBeGreaterThan(10);
  poll.close();
  const last = asked.length;
  await system.advance(10_000);
  expect(asked).toHaveLength(last);
});

test('callers that ask at once share one look; one that asks for a newer one gets it', async () => {
  const { system, poll, asked } = rig();
  await system.advance(10);
  const since = poll.now() - 1;
  const [first, second] = await Promise.all([poll.newerThan(since), poll.newerThan(since)]);
  expect(first).toBe(second);
  await system.advance(10);
  expect((await poll.newerThan(poll.now() - 1)).askedAt).toBeGreaterThan(first.askedAt);
  expect(asked).toHaveLength(2);
  poll.close();
});

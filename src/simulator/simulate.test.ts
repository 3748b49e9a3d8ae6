/** A small day: it is the same each time, loses no job, and bids held against records beat guessing. */
import { expect, test } from 'vitest';
import { simulate } from './simulate.ts';
import { A_DAY, planDay, type Character, type Day } from './workload.ts';

const size = { ...A_DAY, clusters: 8, jobs: 1_500, length: 43_200, load: 0.8 };
const day = planDay(size, 's');

function with_(character: Character): Day {
  return { ...day, clusters: day.clusters.map((plan) => ({ ...plan, character })) };
}

test('the same day and seed give the same result, and every job ends', () => {
  const first = simulate(day, { policy: 'soonest' }, 'x');
  expect(first.jobs).toBe(size.jobs);
  expect(simulate(planDay(size, 's'), { policy: 'soonest' }, 'x')).toEqual(first);
  expect(simulate(day, { policy: 'random' }, 'y')).not.toEqual(simulate(day, { policy: 'random' }, 'x'));
});

test('soonest with corrected bids waits less than random, least-loaded, and soonest with bids believed', () => {
  const wait = (policy: string, isCorrected = true) => simulate(day, { policy, isCorrected }, 'x').meanWait;
  const soonest = wait('soonest');
  expect(soonest).toBeLessThan(0.9 * wait('random'));
  expect(soonest).toBeLessThan(0.9 * wait('least-loaded'));
  expect(soonest).toBeLessThan(0.9 * wait('soonest', false));
});

test('where all are honest, correcting them does not harm', () => {
  const honest = with_('honest');
  const believed = simulate(honest, { policy: 'soonest', isCorrected: false }, 'x').meanWait;
  expect(simulate(honest, { policy: 'soonest' }, 'x').meanWait).toBeLessThan(1.25 * believed);
});

test('each policy gets what it is for', () => {
  const value = (money_per_hour: string) => simulate(day, { policy: 'value', options: { money_per_hour } }, 'x');
  const [thrifty, hurried] = [value('0.5'), value('50')];
  expect(thrifty.meanCost).toBeLessThan(hurried.meanCost);
  expect(thrifty.meanWait).toBeGreaterThan(hurried.meanWait);
  expect(simulate(day, { policy: 'deadline' }, 'x').inTime).toBeGreaterThan(
    simulate(day, { policy: 'random' }, 'x').inTime,
  );
});

/** What a job costs: rates, periods by local time, minimum; and the file that says it. */
import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { costOf, hoursByPeriod, type Usage } from './tariff.ts';
import { readTariff } from './tariff-file.ts';
import { cpuTime } from '../../system/testing/cpu-time.ts';

const HOUR = 3_600_000;
const utc = (text: string): number => Date.parse(text);
const usage = (more: Partial<Usage>): Usage => ({
  nodes: 4,
  cores: 0,
  gpus: 0,
  start: utc('2026-03-02T12:00:00Z'),
  walltime: 7200,
  ...more,
});

const plain = readTariff('{currency: EUR, perHour: {node: 1.2, core: 0.05, gpu: 2.5}, perJob: 0.1, minimum: 0.5}');

test('per node, core, gpu and hour; the parts add up', () => {
  expect(costOf(plain, usage({}))).toEqual({
    amount: 9.7,
    currency: 'EUR',
    parts: [
      { what: '4 nodes × 2 h × 1.2', amount: 9.6 },
      { what: '0.1 per job', amount: 0.1 },
    ],
  });
  expect(costOf(plain, usage({ nodes: 1, cores: 8, gpus: 2 })).amount).toBeCloseTo(2.4 + 0.8 + 10 + 0.1);
});

test('at least the minimum', () => {
  const { amount, parts } = costOf(plain, usage({ nodes: 1, walltime: 60 }));
  expect(amount).toBe(0.5);
  expect(parts.at(-1)).toEqual({ what: 'up to the minimum of 0.5', amount: 0.38 });
});

test('a partition or queue may have rates of its own; what it does not say is as for all', () => {
  const tariff = readTariff(
    '{currency: EUR, perHour: {node: 1, gpu: 2}, minimum: 3, queues: {gpu: {perHour: {gpu: 4}}, free: {perHour: {node: 0}, minimum: 0}}}',
  );
  const of = (queue: string): number => costOf(tariff, usage({ nodes: 1, gpus: 1, walltime: 7200, queue })).amount;
  expect([of(''), of('main'), of('gpu'), of('free')]).toEqual([6, 6, 10, 4]);
  expect(() => readTariff('{currency: EUR, queues: {gpu: {perHour: {gpus: 4}}}}')).toThrow(/queues\.gpu\.perHour/);
  expect(() => readTariff('{currency: EUR, queues: {gpu: {currency: USD}}}')).toThrow(/unknown key `currency`/);
  expect(() => readTariff('{currency: EUR, queues: {gpu: {minimum: -1}}}')).toThrow(/must be from 0/);
});

const periods = readTariff(`
currency: EUR
perHour: {node: 1}
minimum: 0.5
timeZone: Europe/Berlin
periods:
  - {name: holidays, dates: 2026-12-24/2026-12-26, free: true}
  - {name: night, from: "20:00", to: "06:00", days: [mon, tue, wed, thu, fri], factor: 0.5}
`);

function hours(start: string, length: number): Record<string, number> {
  const found = [...hoursByPeriod(periods, utc(start), length * HOUR)];
  return Object.fromEntries(found.map(([period, hours]) => [period?.name ?? 'day', Number(hours.toFixed(6))]));
}

describe('periods', () => {
  test('by local time: the night of Monday ends on Tuesday, that of Saturday has none', () => {
    // Berlin is an hour ahead of UTC in winter.
    expect(hours('2026-03-02T18:00:00Z', 4)).toEqual({ day: 1, night: 3 });
    expect(hours('2026-03-03T04:00:00Z', 4)).toEqual({ night: 1, day: 3 });
    expect(hours('2026-03-07T12:00:00Z', 24)).toEqual({ day: 24 });
    expect(hours('2026-03-06T12:00:00Z', 24)).toEqual({ day: 14, night: 10 });
    expect(costOf(periods, usage({ nodes: 2, start: utc('2026-03-02T18:00:00Z'), walltime: 14_400 })).parts).toEqual([
      { what: '2 nodes × 1 h × 1', amount: 2 },
      { what: '2 nodes × 3 h × 1 × 0.5 (night)', amount: 3 },
    ]);
  });

  test('the night in which the clocks go back is an hour longer, forward an hour shorter', () => {
    const all = readTariff(
      '{currency: X, perHour: {node: 1}, timeZone: Europe/Berlin, periods: [{from: "20:00", to: "06:00", factor: 2, name: n}]}',
    );
    const night = (start: string): number =>
      [...hoursByPeriod(all, utc(start), 24 * HOUR)].find(([p]) => p !== null)![1];
    expect(night('2026-10-24T12:00:00Z')).toBeCloseTo(11);
    expect(night('2026-03-28T12:00:00Z')).toBeCloseTo(9);
    expect(night('2026-06-01T12:00:00Z')).toBeCloseTo(10);
  });

  test('a free period, before others that hold as well; all free costs nothing', () => {
    expect(hours('2026-12-23T22:00:00Z', 4)).toEqual({ night: 1, holidays: 3 });
    expect(costOf(periods, usage({ start: utc('2026-12-25T10:00:00Z') }))).toMatchObject({ amount: 0 });
  });

  test('years of walltime are charged soon, and in proportion', () => {
    const began = cpuTime();
    const year = costOf(periods, usage({ nodes: 1, walltime: 400 * 86_400 })).amount;
    expect(costOf(periods, usage({ nodes: 1, walltime: 4000 * 86_400 })).amount / year).toBeCloseTo(10, 6);
    expect(cpuTime() - began).toBeLessThan(10_000);
  });
});

test('for any job: no hour is lost, parts add up, and longer is not cheaper', () => {
  const start = fc.integer({ min: utc('2025-01-01T00:00:00Z'), max: utc('2028-01-01T00:00:00Z') });
  fc.assert(
    fc.property(start, fc.integer({ min: 1, max: 500_000 }), fc.nat(100_000), (start, walltime, more) => {
      const parts = [...hoursByPeriod(periods, start, walltime * 1000).values()];
      expect(parts.reduce((sum, each) => sum + each, 0)).toBeCloseTo(walltime / 3600, 6);
      const cost = costOf(periods, usage({ start, walltime }));
      expect(cost.parts.reduce((sum, { amount }) => sum + amount, 0)).toBeCloseTo(cost.amount, 5);
      const longer = costOf(periods, usage({ start, walltime: walltime + more }));
      expect(longer.amount).toBeGreaterThanOrEqual(cost.amount - 1e-6);
    }),
  );
});

test.each([
  ['', /tariff: is empty/],
  ['perHour: {node: 1}', /tariff \(line 1, column 1\): `currency` is missing/],
  ['{currency: "E U R"}', /tariff.currency .*must be a word/],
  ['{currency: EUR, perhour: {node: 1}}', /unknown key `perhour`; there are currency, perHour/],
  ['currency: EUR\nperHour:\n  node: -1', /tariff.perHour.node \(line 3, column 9\): must be from 0/],
  ['{currency: EUR, perHour: {node: .nan}}', /must be a number/],
  ['{currency: EUR, timeZone: Berlin}', /tariff.timeZone \(line 1, column 27\): there is no time zone "Berlin"/],
  ['{currency: EUR, periods: [{name: x}]}', /tariff.periods\[0\] .*needs `factor: NUMBER`, or `free: true`/],
  ['{currency: EUR, periods: [{free: true, factor: 1}]}', /free or has a factor, not both/],
  ['{currency: EUR, periods: [{free: true, from: "25:00"}]}', /must be a time of day such as "20:00"/],
  ['{currency: EUR, periods: [{free: true, days: [monday]}]}', /must be one of sun, mon/],
  ['{currency: EUR, periods: [{free: true, dates: 2026-02-30}]}', /must be a date/],
  ['{currency: EUR, periods: [{free: true, dates: 2026-12-24/2026-01-01}]}', /must be a date/],
])('%j is refused with its place', (written, message) => {
  expect(() => readTariff(written)).toThrow(message);
});

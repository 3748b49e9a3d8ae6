/** Each policy on offers of which one is right for it. */
import { expect, test } from 'vitest';
import { policyNamed } from './policies.ts';
import type { Contender, SelectInput } from './policy.ts';

const NOW = 1_700_000_000_000;
const MINUTE = 60_000;

interface Given {
  readonly wait: number;
  readonly p90?: number;
  readonly cost?: number | null;
  readonly currency?: string;
}

/** Minutes; each runs for an hour. Null: no offer. */
function contender(cluster: string, given: Given | null, state: Record<string, unknown> = {}): Contender {
  const base = { cluster, startable: given?.wait === 0, state, hasState: false };
  if (given === null) return { ...base, offer: null };
  const { wait, p90 = wait, cost = null, currency = 'EUR' } = given;
  const startP50 = NOW + wait * MINUTE;
  const price = cost === null ? null : { amount: cost, currency, parts: [{ what: 'all', amount: cost }] };
  const offer = { startP50, startP90: NOW + p90 * MINUTE, end: startP50 + 60 * MINUTE, cost: price, correction: '' };
  return { ...base, offer };
}

const job = { walltime: 3600, priority: 16, submittedAt: NOW, deadline: null };

function choose(
  name: string,
  contenders: readonly Contender[],
  options: Record<string, string> = {},
  more: Partial<SelectInput> = {},
) {
  return policyNamed(name).compile(options)({ contenders, parameters: {}, seed: 's', now: NOW, job, ...more });
}

const offers = [
  contender('dear', { wait: 0, cost: 20 }),
  contender('middle', { wait: 60, p90: 90, cost: 9 }),
  contender('slow', { wait: 600, p90: 700, cost: 1 }),
  contender('untariffed', { wait: 5 }),
  contender('silent', null),
];

test('soonest, cheapest, value and deadline choose differently, and rightly', () => {
  expect(choose('soonest', offers).order).toEqual(['dear', 'untariffed', 'middle', 'slow', 'silent']);
  expect(choose('cheapest', offers).order).toEqual(['slow', 'middle', 'dear', 'untariffed', 'silent']);
  // 20 + 1 h × 5 = 25; 9 + 2 h × 5 = 19; 1 + 11 h × 5 = 56
  expect(choose('value', offers, { money_per_hour: '5' }).order.slice(0, 3)).toEqual(['middle', 'dear', 'slow']);
  expect(choose('value', offers, { money_per_hour: '0' }).order[0]).toBe('slow');
  expect(choose('value', offers, { money_per_hour: '100' }).order[0]).toBe('dear');
  const soon = { job: { ...job, deadline: NOW + 180 * MINUTE } };
  expect(choose('deadline', offers, {}, soon).order).toEqual(['middle', 'dear', 'untariffed', 'slow', 'silent']);
});

test('deadline: by P90; where none makes it, the soonest end, and it says so', () => {
  // middle ends after 120 minutes by the median, after 150 by P90.
  expect(choose('deadline', offers, {}, { job: { ...job, deadline: NOW + 130 * MINUTE } }).order[0]).toBe('dear');
  const none = choose('deadline', offers, {}, { job: { ...job, deadline: NOW + 30 * MINUTE } });
  expect(none.order.slice(0, 2)).toEqual(['dear', 'untariffed']);
  expect(none.notes[0]).toMatch(/none would end in time/);
  expect(choose('deadline', offers, { within: '3h' }).order[0]).toBe('middle');
  expect(choose('deadline', offers).notes[0]).toMatch(/no deadline: the cheapest/);
});

test('currencies: rates make them one; without, the majority is compared and the others noted', () => {
  const mixed = [
    contender('a', { wait: 0, cost: 10 }),
    contender('b', { wait: 0, cost: 11 }),
    contender('c', { wait: 0, cost: 1, currency: 'credits' }),
  ];
  const without = choose('cheapest', mixed);
  expect(without.order).toEqual(['a', 'b', 'c']);
  expect(without.notes[0]).toMatch(/not comparable .*: credits/);
  expect(choose('cheapest', mixed, { rates: 'EUR=1, credits=5' }).order).toEqual(['c', 'a', 'b']);
  expect(choose('cheapest', mixed, { rates: 'credits=5' }).notes[0]).toMatch(/not comparable .*: EUR/);
});

test.each([
  ['value', {}, /needs the option `money_per_hour`/],
  ['value', { money_per_hour: '-1' }, /not "-1"/],
  ['cheapest', { rates: 'EUR' }, /rates: "EUR" is not CURRENCY=WORTH/],
  ['cheapest', { rates: 'EUR=0' }, /is not CURRENCY=WORTH/],
  ['cheapest', { rates: 'EUR=1,EUR=2' }, /EUR stands there twice/],
  ['deadline', { within: 'soon' }, /within: must be a duration such as "90m"/],
])('%s with %j is refused', (name, options, message) => {
  expect(() => policyNamed(name).compile(options as Record<string, string>)).toThrow(message);
});

test('least-loaded: fewest outstanding, then most cores free', () => {
  const loaded = (cluster: string, rainbow_queued: number, rainbow_free_core: number) =>
    contender(cluster, null, { rainbow_queued, rainbow_free_core });
  expect(choose('least-loaded', [loaded('a', 3, 90), loaded('b', 1, 4), loaded('c', 1, 8)]).order).toEqual([
    'c',
    'b',
    'a',
  ]);
});

test('round-robin: each in turn', () => {
  const last = new Map<string, number>();
  const chosen = Array.from({ length: 9 }, (_, turn) => {
    const now = ['a', 'b', 'c'].map((cluster) =>
      contender(cluster, null, last.has(cluster) ? { rainbow_last_chosen: last.get(cluster)! } : {}),
    );
    const first = choose('round-robin', now, {}, { seed: String(turn) }).order[0]!;
    last.set(first, turn);
    return first;
  });
  expect(new Set(chosen.slice(0, 3)).size).toBe(3);
  expect(chosen.slice(3)).toEqual([...chosen.slice(0, 3), ...chosen.slice(0, 3)]);
});

test('ties go to each alike, by the seed', () => {
  const equal = ['a', 'b', 'c', 'd'].map((cluster) => contender(cluster, { wait: 1, cost: 1 }));
  const times = new Map<string, number>();
  for (let seed = 0; seed < 4_000; seed++) {
    const first = choose('soonest', equal, {}, { seed: String(seed) }).order[0]!;
    times.set(first, (times.get(first) ?? 0) + 1);
  }
  // Six standard deviations around a quarter.
  for (const { cluster } of equal) expect(Math.abs((times.get(cluster) ?? 0) - 1_000)).toBeLessThan(6 * 28);
});

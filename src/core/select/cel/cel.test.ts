/** CEL as a policy: what it sees, what it orders, and what is refused where it enters. */
import { expect, test } from 'vitest';
import type { Contender, SelectInput } from '../policy.ts';
import { celPolicy } from './cel.ts';
import { cpuTime } from '../../../system/testing/cpu-time.ts';

const NOW = 1_700_000_000_000;
const HOUR = 3_600_000;

function contender(cluster: string, state: Record<string, unknown>, wait: number | null, cost: number | null = null) {
  const start = NOW + (wait ?? 0) * HOUR;
  const price = cost === null ? null : { amount: cost, currency: 'EUR', parts: [] };
  const offer = { startP50: start, startP90: start + HOUR, end: start + 2 * HOUR, cost: price, correction: '' };
  return { cluster, startable: wait === 0, state, hasState: true, offer: wait === null ? null : offer };
}

function choose(options: Record<string, string>, contenders: readonly Contender[], more: Partial<SelectInput> = {}) {
  const job = { walltime: 7200, priority: 16, submittedAt: NOW - 60_000, deadline: NOW + 4 * HOUR };
  return celPolicy.compile(options)({ contenders, parameters: { gb: 2 }, seed: 's', now: NOW, job, ...more });
}

const three = [
  contender('a', { nodes_free: 5, site: 'north', tags: ['gpu', 'fast'] }, 0, 9),
  contender('b', { nodes_free: 2, site: 'south', rate: 0.5 }, 1, 3),
  contender('c', { site: 'south' }, null),
];

test('a filter keeps where it is true; no value and false drop', () => {
  expect(choose({ filter: 'state.nodes_free > 2' }, three).order).toEqual(['a']);
  expect(choose({ filter: '"gpu" in state.tags && match.startable' }, three).order).toEqual(['a']);
  expect(choose({ filter: 'has(state.nodes_free) ? state.nodes_free < 3 : true' }, three).order.toSorted()).toEqual([
    'b',
    'c',
  ]);
  const { notes } = choose({ filter: 'state.nodes_free > 2' }, three);
  expect(notes[0]).toBe('filter state.nodes_free > 2: kept 1, dropped b, c (No such key: nodes_free)');
});

test('the highest score is first; without a value last, not lost', () => {
  expect(choose({ score: '-bid.cost - bid.wait / 3600' }, three).order).toEqual(['b', 'a', 'c']);
  expect(choose({ score: 'state.nodes_free * job.parameters.gb' }, three).order).toEqual(['a', 'b', 'c']);
  expect(choose({ score: '-bid.cost' }, three).notes[0]).toMatch(/without a value, so last: c \(No such key: cost\)/);
});

test('an order is a list of keys, the smallest first', () => {
  expect(choose({ order: '[state.site, bid.wait]' }, three).order).toEqual(['a', 'b', 'c']);
  expect(choose({ order: '[!match.startable, cluster.name]' }, [...three].reverse()).order).toEqual(['a', 'b', 'c']);
  expect(choose({ order: 'state.site', filter: 'bid.offered' }, three).order).toEqual(['a', 'b']);
  expect(choose({ score: 'state.site == "south" ? 1 : 0', order: '[-bid.wait]' }, three).order).toEqual([
    'b',
    'c',
    'a',
  ]);
});

test('of what is equal that is first where the image runs better; a score on it says otherwise', () => {
  const weighed = [1, 10, 5].map((compat_weight, i) => contender(`w${i}`, { compat_weight, up: i < 2 }, 0));
  for (const seed of ['a', 'b', 'c']) {
    expect(choose({ filter: 'match.startable' }, weighed, { seed }).order).toEqual(['w1', 'w2', 'w0']);
    expect(choose({ filter: 'state.up' }, weighed, { seed }).order).toEqual(['w1', 'w0']);
    expect(choose({ order: '[state.up]' }, weighed, { seed }).order).toEqual(['w2', 'w1', 'w0']);
    expect(choose({ score: '-state.compat_weight' }, weighed, { seed }).order).toEqual(['w0', 'w2', 'w1']);
  }
});

test('the job, in seconds from now', () => {
  const all = (filter: string) => choose({ filter }, three).order.length;
  expect(all('job.walltime == 7200 && job.priority == 16 && job.waited == 60')).toBe(3);
  expect(all('bid.end_p90 <= job.deadline')).toBe(2);
  expect(all('bid.end_p90 <= job.deadline - 3600')).toBe(1);
  expect(all('bid.wait_p90 - bid.wait == 3600 && bid.currency == "EUR" && !bid.corrected')).toBe(2);
  expect(all('min(bid.cost, 5) + max(1, 2.5) == 7.5')).toBe(1);
});

test('only an expression that looks at bids weighs offers', () => {
  expect(celPolicy.compile({ score: '-bid.wait' }).weighsOffers).toBe(true);
  expect(celPolicy.compile({ score: 'state.nodes_free' }).weighsOffers).toBe(false);
});

test.each([
  [{}, /needs one of the options filter, score, order/],
  [{ sort: '1' }, /sort: is no option of cel/],
  [{ filter: 'state.x >' }, /filter \(line 1, column 10\): Unexpected token: EOF/],
  [{ filter: 'state.x > 1 &&\n  (2' }, /filter \(line 2, column 5\)/],
  [{ filter: 'nodes_free > 0' }, /column 1\): Unknown variable: nodes_free; there are cluster, match, bid, job, state/],
  [{ filter: 'job.size > 1' }, /column 1\): `job` has no field `size`; it has walltime/],
  [{ filter: 'has(bid.price)' }, /column 5\): `bid` has no field `price`/],
  [{ filter: 'bid["price"] > 1.0' }, /`bid` has no field `price`/],
  [{ filter: 'bid[state.key] > 1.0' }, /`bid` has no such field/],
  [{ filter: 'state.tags.exists(t, t == "gpu")' }, /`exists` is not allowed: an expression may not loop/],
  [{ filter: '[1, 2].map(x, x).size() > 1' }, /`map` is not allowed/],
  [{ filter: 'cel.bind(x, 1, x > 0)' }, /`bind` is not allowed/],
  [{ filter: 'state.name.matches("(a+)+$")' }, /no function `matches`; use contains/],
  [{ filter: 'env("HOME") == ""' }, /no function `env`/],
  [{ filter: 'job.walltime' }, /gives double, but bool is needed/],
  [{ filter: 'job.walltime + true > 1' }, /filter \(line 1, column 1\): no such overload/],
  [{ score: 'match.startable' }, /gives bool, but double or int/],
  [{ order: '{"a": 1}' }, /but list or string/],
  [{ filter: '('.repeat(200) + 'true' + ')'.repeat(200) }, /Exceeded maxDepth/],
  [{ filter: Array.from({ length: 300 }, () => 'true').join(' && ') }, /Exceeded/],
  [{ filter: `"${'a'.repeat(5000)}" == ""` }, /longer than 4000 characters/],
])('%j is refused where it enters', (options, message) => {
  expect(() => celPolicy.compile(options as Record<string, string>)).toThrow(message);
});

test('the largest expression over the largest state ends soon', () => {
  const text = 'x'.repeat(1_000);
  const state = { text, list: Array.from({ length: 1_000 }, () => text), long: 'x'.repeat(1_001) };
  const filter = Array.from({ length: 40 }, () => '(state.text + "y") in state.list').join(' || ');
  const many = Array.from({ length: 50 }, (_, i) => contender(`c${i}`, state, 0));
  const before = cpuTime();
  expect(choose({ filter }, many).order).toEqual([]);
  expect(cpuTime() - before).toBeLessThan(10_000);
  expect(choose({ filter: 'has(state.long)' }, many).order).toEqual([]);
});

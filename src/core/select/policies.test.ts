/** What every selection policy must meet; a new one is admitted by this suite. */
import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { policies, policyNamed } from './policies.ts';
import type { Contender } from './policy.ts';

const OPTIONS: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  constraint: { priorities: '- {priority: 1, steps: [{filter: "free >= 0"}, {select: random}]}' },
};

const contenders = fc
  .uniqueArray(fc.stringMatching(/^[a-z]{1,6}$/), { maxLength: 12 })
  .map((names) => names.sort())
  .chain((names) =>
    fc.tuple(
      ...names.map((cluster) =>
        fc.nat(3).map((free): Contender => ({ cluster, startable: true, state: { free }, hasState: true })),
      ),
    ),
  );

describe.each(Object.keys(policies))('%s', (name) => {
  const select = policyNamed(name).compile(OPTIONS[name] ?? {});

  test('orders contenders only, each at most once, and the same for the same seed', () => {
    fc.assert(
      fc.property(contenders, fc.string(), (given, seed) => {
        const before = JSON.stringify(given);
        const input = { contenders: given, parameters: {}, seed };
        const first = select(input);
        expect(new Set(first.order).size).toBe(first.order.length);
        expect(first.order.filter((cluster) => !given.some((each) => each.cluster === cluster))).toEqual([]);
        expect(select(input)).toEqual(first);
        expect(JSON.stringify(given)).toBe(before);
      }),
    );
  });

  test('of no contenders it chooses none', () => {
    expect(select({ contenders: [], parameters: {}, seed: '' }).order).toEqual([]);
  });
});

test('names are looked up exactly', () => {
  for (const name of ['constructor', '__proto__', 'Random', '']) {
    expect(() => policyNamed(name)).toThrow(`did not find algorithm named ${name}`);
  }
});

test('random is uniform over the contenders', () => {
  const given = ['a', 'b', 'c', 'd'].map((cluster) => ({ cluster, startable: true, state: {}, hasState: false }));
  const select = policyNamed('random').compile({});
  const times = new Map<string, number>();
  const rounds = 8000;
  for (let seed = 0; seed < rounds; seed++) {
    const chosen = select({ contenders: given, parameters: {}, seed: String(seed) }).order[0]!;
    times.set(chosen, (times.get(chosen) ?? 0) + 1);
  }
  // Six standard deviations around a quarter of the rounds.
  for (const { cluster } of given) expect(Math.abs((times.get(cluster) ?? 0) - rounds / 4)).toBeLessThan(6 * 39);
});

/** What every selection policy must meet; a new one is admitted by this suite. */
import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { seededRandom } from '../random.ts';
import { shuffled } from './order.ts';
import { policies, policyNamed, registerPolicy } from './policies.ts';
import type { Contender } from './policy.ts';

const OPTIONS: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  cel: { filter: 'state.free >= 0', score: '-bid.wait', order: '[state.free, cluster.name]' },
  constraint: { priorities: '- {priority: 1, steps: [{filter: "free >= 0"}, {select: random}]}' },
  value: { money_per_hour: '2', rates: 'EUR=1, USD=0.9' },
};

const NOW = 1_700_000_000_000;
const job = { walltime: 3600, priority: 16, submittedAt: NOW - 1000, deadline: NOW + 7_200_000 };
const offers = fc.record({
  wait: fc.nat(3),
  more: fc.nat(2),
  cost: fc.nat(3),
  currency: fc.constantFrom('EUR', 'USD'),
});

/** `wait` and `more` in hours; cost 0: no tariff. */
function offerOf({ wait, more, cost, currency }: { wait: number; more: number; cost: number; currency: string }) {
  const startP50 = NOW + wait * 3_600_000;
  return {
    startP50,
    startP90: startP50 + more * 3_600_000,
    end: startP50 + 3_600_000,
    cost: cost === 0 ? null : { amount: cost, currency, parts: [{ what: 'all', amount: cost }] },
    correction: '',
  };
}

const contenders = fc
  .uniqueArray(fc.stringMatching(/^[a-z]{1,6}$/), { maxLength: 12 })
  .map((names) => names.sort())
  .chain((names) =>
    fc.tuple(
      ...names.map((cluster) =>
        fc.tuple(fc.nat(3), fc.boolean(), fc.option(offers)).map(([free, startable, offer]): Contender => ({
          cluster,
          startable,
          state: { free, rainbow_queued: free },
          hasState: true,
          offer: offer === null ? null : offerOf(offer),
        })),
      ),
    ),
  );

describe.each(Object.keys(policies))('%s', (name) => {
  const select = policyNamed(name).compile(OPTIONS[name] ?? {});
  const isFiltering = name === 'constraint' || name === 'cel';

  test('orders contenders only, each at most once, loses none, and the same for the same seed', () => {
    fc.assert(
      fc.property(contenders, fc.string(), (given, seed) => {
        const before = JSON.stringify(given);
        const input = { contenders: given, parameters: {}, seed, now: NOW, job };
        const first = select(input);
        expect(new Set(first.order).size).toBe(first.order.length);
        expect(first.order.filter((cluster) => !given.some((each) => each.cluster === cluster))).toEqual([]);
        expect(first.order.length).toBeGreaterThanOrEqual(isFiltering ? 0 : given.length);
        expect(select(input)).toEqual(first);
        expect(JSON.stringify(given)).toBe(before);
      }),
    );
  });

  test('of no contenders it chooses none', () => {
    expect(select({ contenders: [], parameters: {}, seed: '', now: NOW, job }).order).toEqual([]);
  });
});

const sorting = ['cel', 'cheapest', 'deadline', 'least-loaded', 'round-robin', 'soonest', 'value'];
const weighing = ['cheapest', 'deadline', 'soonest', 'value'];

test.each(sorting)('%s does not depend on the order of what goes in', (name) => {
  const select = policyNamed(name).compile(OPTIONS[name] ?? {});
  fc.assert(
    fc.property(contenders, fc.string(), fc.array(fc.nat(100)), (given, seed, swaps) => {
      const other = shuffled(given, seededRandom(swaps.join()));
      const input = { parameters: {}, seed, now: NOW, job };
      expect(select({ ...input, contenders: other }).order).toEqual(select({ ...input, contenders: given }).order);
    }),
  );
});

describe.each(weighing)('%s', (name) => {
  const select = policyNamed(name).compile(OPTIONS[name] ?? {});
  const input = { parameters: {}, now: NOW, job };

  test('a strictly better bid never loses to the one that it is better than', () => {
    fc.assert(
      fc.property(contenders, offers, fc.string(), (given, offer, seed) => {
        fc.pre(given.length >= 2);
        const worse = offerOf({ ...offer, cost: offer.cost + 2 });
        const better = offerOf({ ...offer, cost: offer.cost + 1 });
        const sooner = { ...better, startP50: better.startP50 - 1, startP90: better.startP90 - 1, end: better.end - 1 };
        const [a, b] = [given[0]!, given[1]!];
        const others = given.slice(2);
        const { order } = select({
          ...input,
          seed,
          contenders: [{ ...a, offer: worse }, { ...b, offer: sooner }, ...others],
        });
        expect(order.indexOf(b.cluster)).toBeLessThan(order.indexOf(a.cluster));
      }),
    );
  });

  test('bettering the chosen bid leaves it chosen', () => {
    fc.assert(
      fc.property(contenders, fc.string(), (given, seed) => {
        const chosen = select({ ...input, seed, contenders: given }).order[0];
        const bettered = given.map((each) => {
          if (each.cluster !== chosen || each.offer === null) return each;
          const { startP50, startP90, end, cost } = each.offer;
          const price = cost === null ? null : { ...cost, amount: cost.amount / 2 };
          const offer = { ...each.offer, startP50: startP50 - 60_000, startP90: startP90 - 60_000, end: end - 60_000 };
          return { ...each, offer: { ...offer, cost: price } };
        });
        expect(select({ ...input, seed, contenders: bettered }).order[0]).toBe(chosen);
      }),
    );
  });

  test('whoever made no offer comes after all that did', () => {
    fc.assert(
      fc.property(contenders, fc.string(), (given, seed) => {
        const has = new Map(given.map((each) => [each.cluster, each.offer !== null]));
        const answered = select({ ...input, seed, contenders: given }).order.map((cluster) => has.get(cluster));
        expect(answered.lastIndexOf(true)).toBeLessThanOrEqual(answered.filter((each) => each === true).length - 1);
      }),
    );
  });
});

test('names are looked up exactly', () => {
  for (const name of ['constructor', '__proto__', 'Random', '']) {
    expect(() => policyNamed(name)).toThrow(`did not find algorithm named ${name}`);
  }
});

test('random is uniform over the contenders', () => {
  const given = ['a', 'b', 'c', 'd'].map((cluster) => ({
    cluster,
    startable: true,
    state: {},
    hasState: false,
    offer: null,
  }));
  const select = policyNamed('random').compile({});
  const times = new Map<string, number>();
  const rounds = 8000;
  for (let seed = 0; seed < rounds; seed++) {
    const chosen = select({ contenders: given, parameters: {}, seed: String(seed), now: NOW, job }).order[0]!;
    times.set(chosen, (times.get(chosen) ?? 0) + 1);
  }
  // Six standard deviations around a quarter of the rounds.
  for (const { cluster } of given) expect(Math.abs((times.get(cluster) ?? 0) - rounds / 4)).toBeLessThan(6 * 39);
});

describe('a policy of the operator’s own', () => {
  const input = { contenders: [], parameters: {}, seed: '', now: NOW, job };

  test('is found by its name, and may be replaced', () => {
    registerPolicy('mine', { compile: () => () => ({ order: ['a'], notes: ['mine'] }) });
    expect(policyNamed('mine').compile({})(input)).toEqual({ order: ['a'], notes: ['mine'] });
    registerPolicy('mine', { compile: () => () => ({ order: [], notes: [] }) });
    expect(policyNamed('mine').compile({})(input).order).toEqual([]);
  });

  test.each(['soonest', '', 'a b', '__proto__'])('cannot be named %j', (name) => {
    expect(() => registerPolicy(name, policyNamed('first'))).toThrow(/built in|is no name/);
  });

  test.each([
    [() => ({ order: 'a', notes: [] }), /must answer \{order, notes\}/],
    [() => null, /must answer/],
    [
      () => {
        throw new Error('oh no');
      },
      /policy bad failed: oh no/,
    ],
  ])('that breaks at a decision chooses nobody and says why', (select, note) => {
    registerPolicy('bad', { compile: () => select as never });
    const { order, notes } = policyNamed('bad').compile({})(input);
    expect(order).toEqual([]);
    expect(notes[0]).toMatch(note);
  });

  test('that does not compile is an error of the input', () => {
    registerPolicy('bad', { compile: () => null as never });
    expect(() => policyNamed('bad').compile({})).toThrow('policy bad: `compile` must give a function');
  });

  test('cannot change what it is given', () => {
    const given = [{ cluster: 'a', startable: true, state: { x: 1 }, hasState: true, offer: null }];
    registerPolicy('rude', {
      compile: () => (asked) => {
        (asked.contenders[0]!.state as Record<string, unknown>)['x'] = 2;
        return { order: ['a'], notes: [] };
      },
    });
    policyNamed('rude').compile({})({ ...input, contenders: given });
    expect(given[0]!.state).toEqual({ x: 1 });
  });
});

/** What a roster decides is what looking at everyone decides, whatever changed before; and what it gave out stays. */
import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { decide, type Candidate } from './decide.ts';
import type { Fits, Roots, Verdict, Verdicts } from './match/matcher.ts';
import { Roster, type Member } from './roster.ts';
import { policyNamed } from './select/policies.ts';

const NOW = 1_700_000_000_000;
const job = { walltime: 3600, priority: 16, submittedAt: NOW, deadline: null };
const ANSWERS: readonly (readonly [Fits, Fits])[] = [
  ['yes', 'yes'],
  ['yes', 'yes'],
  ['yes', 'no'],
  ['no', 'no'],
  ['unknown', 'unknown'],
];
const POLICIES = ['first', 'least-loaded', 'random', 'round-robin'];

const number = fc.oneof(fc.nat(3), fc.constantFrom(-0, 0.5, Infinity, NaN, 'much', null));
const states = fc.record(
  {
    rainbow_queued: number,
    rainbow_free_core: number,
    rainbow_last_chosen: number,
    compat_weight: fc.constantFrom(...Array.from({ length: 60 }, () => undefined), 0, 2),
    nodes_free: fc.nat(2),
  },
  { requiredKeys: [] },
);
const name = fc.stringMatching(/^[a-e]{1,2}$/);
const changes = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({ cluster: name, state: states, hasState: fc.boolean(), full: fc.nat(3), free: fc.nat(4) }),
  },
  { weight: 1, arbitrary: name },
);

function verdicts(table: readonly number[]): (roots: Roots) => Verdicts {
  const known = new Map<string, Verdicts>();
  return (roots) => {
    const key = JSON.stringify(roots);
    let found = known.get(key);
    if (found === undefined) {
      const place = (roots.full?.id ?? 0) * 5 + (roots.free?.id ?? 0);
      const [ever, today] = ANSWERS[(table[place % table.length] as number) % ANSWERS.length] as readonly [Fits, Fits];
      const of = (fits: Fits): Verdict => ({ fits, reasons: [] });
      const satisfiable = of(ever);
      known.set(key, (found = { satisfiable, startable: ever === 'yes' ? of(today) : satisfiable }));
    }
    return found;
  };
}

const constant = (value: unknown) => () => value;
const plain = (decided: ReturnType<typeof decide>): unknown => JSON.parse(JSON.stringify(decided));

test('it decides as looking at everyone does, for each policy, after any changes', () => {
  const seen = { picked: 0, left: 0 };
  fc.assert(
    fc.property(
      fc.array(changes, { minLength: 5, maxLength: 40, size: 'max' }),
      fc.array(fc.nat(4), { minLength: 20, maxLength: 20 }),
      fc.constantFrom(...POLICIES, 'soonest'),
      fc.string({ maxLength: 4 }),
      fc.constantFrom('queue' as const, 'deny' as const),
      (steps, table, policy, seed, overcommit) => {
        const ask = verdicts(table);
        const select = policyNamed(policy).compile({});
        const roster = new Roster();
        const members = new Map<string, Member>();
        const given: { readonly later: () => unknown; readonly was: unknown }[] = [];
        for (const step of steps) {
          if (typeof step === 'string') {
            members.delete(step);
            roster.delete(step);
          } else {
            const { full, free, ...rest } = step;
            const of = (id: number) => (id === 0 ? null : { id });
            const member = { ...rest, state: rest.state as Member['state'], roots: { full: of(full), free: of(free) } };
            members.set(step.cluster, member);
            roster.set(member);
          }
          const candidates = [...members.values()]
            .sort((a, b) => (a.cluster < b.cluster ? -1 : 1))
            .map((member): Candidate & { readonly roots: Roots } => ({ ...member, ...ask(member.roots) }));
          const others = { select, parameters: {}, seed, now: NOW, job };
          const all = decide({ candidates, overcommit, ...others });
          const picked = roster.decide({ ask, select, seed });
          const isWeighted = candidates.some(({ state }) => state['compat_weight'] !== undefined);
          const isOpen = candidates.some(({ startable }) => startable.fits === 'yes');
          expect(picked !== null).toBe(POLICIES.includes(policy) && !isWeighted && isOpen);
          if (picked === null) {
            seen.left++;
            continue;
          }
          seen.picked++;
          const later = () => [
            plain(picked.decided),
            picked.candidates((member, { satisfiable, startable }) => ({ member, satisfiable, startable })),
          ];
          const was = [
            plain(all),
            candidates.map(({ satisfiable, startable, cluster }) => ({
              member: members.get(cluster),
              satisfiable,
              startable,
            })),
          ];
          // Some are read at once, some when everything has changed.
          const isRead = given.length % 2 === 0;
          given.push({ later: isRead ? constant(later()) : later, was });
        }
        for (const { later, was } of given) expect(later()).toEqual(was);
      },
    ),
    { numRuns: 250 },
  );
  expect(seen.picked).toBeGreaterThan(100);
  expect(seen.left).toBeGreaterThan(100);
});

test('what does not answer in time leaves everything to looking one by one', () => {
  const roster = new Roster();
  roster.set({ cluster: 'a', state: {}, roots: { full: { id: 1 }, free: { id: 1 } } });
  const select = policyNamed('first').compile({});
  expect(roster.decide({ ask: () => null, select, seed: '' })).toBeNull();
});

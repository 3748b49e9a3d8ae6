/** The decision: its cases, and what must hold for any candidates. */
import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { decide } from './decide.ts';
import type { Candidate, DecideInput } from './decide.ts';
import type { Fits } from './match/matcher.ts';
import { guarded } from './select/guarded.ts';
import { policyNamed } from './select/policies.ts';
import type { SelectInput } from './select/policy.ts';

const verdict = (fits: Fits) => ({
  fits,
  reasons:
    fits === 'no'
      ? [
          {
            stage: 'absent' as const,
            vertex: 'resources[0]',
            type: 'gpu',
            message: 'no gpu',
            needed: 1,
            best: 0,
            unit: '',
            relaxation: null,
          },
        ]
      : [],
});

function candidate(
  cluster: string,
  satisfiable: Fits,
  startable: Fits,
  state: Record<string, unknown> = {},
): Candidate {
  return { cluster, satisfiable: verdict(satisfiable), startable: verdict(startable), state };
}

const job = { walltime: 3600, priority: 16, submittedAt: 0, deadline: null };

function ask(candidates: readonly Candidate[], more: Partial<DecideInput> = {}) {
  const select = policyNamed('first').compile({});
  return decide({ candidates, parameters: {}, select, seed: 's', now: 0, job, overcommit: 'queue', ...more });
}

test('one that could start now goes before one that is busy', () => {
  const decided = ask([candidate('a', 'yes', 'no'), candidate('b', 'yes', 'yes'), candidate('c', 'yes', 'unknown')]);
  expect(decided).toMatchObject({ outcome: 'assigned', chosen: 'b', order: ['b'], reason: { code: 'selected' } });
});

test('nothing free: the least outstanding work, ties in the policy’s order', () => {
  const queued = (cluster: string, rainbow_queued: unknown) => candidate(cluster, 'yes', 'no', { rainbow_queued });
  const candidates = [queued('a', 5), queued('b', 2), queued('c', 2), queued('d', 9)];
  expect(ask(candidates).order).toEqual(['b', 'c', 'a', 'd']);
  expect(ask(candidates, { overcommit: 'deny' })).toMatchObject({
    outcome: 'pending',
    chosen: null,
    reason: { code: 'nothing_free', message: 'a, b, c, d can hold it, but not on what is free now' },
  });
  const picky = policyNamed('constraint').compile({
    priorities: '- {priority: 1, steps: [{filter: "x == 1"}, {select: first}]}',
  });
  const choosy = [
    candidate('a', 'yes', 'no', { rainbow_queued: 0, x: 2 }),
    candidate('b', 'yes', 'no', { rainbow_queued: 4, x: 1 }),
  ];
  expect(ask(choosy, { select: picky })).toMatchObject({ chosen: 'b', order: ['b'] });
});

test('none can ever hold it: rejected, with the reasons', () => {
  expect(ask([candidate('a', 'no', 'no'), candidate('b', 'no', 'no')])).toMatchObject({
    outcome: 'rejected',
    chosen: null,
    reason: { code: 'never_fits', message: 'no cluster that it may use can ever hold it: a: no gpu; b: no gpu' },
  });
});

test('unknown is never a rejection, and never chosen', () => {
  expect(ask([candidate('a', 'no', 'no'), candidate('b', 'unknown', 'unknown')])).toMatchObject({
    outcome: 'pending',
    reason: { code: 'match_unknown' },
  });
  expect(ask([candidate('a', 'unknown', 'yes'), candidate('b', 'yes', 'no')]).chosen).toBe('b');
});

test('no candidates: waiting for a cluster', () => {
  expect(ask([])).toMatchObject({ outcome: 'pending', reason: { code: 'waiting_for_cluster' } });
});

test('a policy that passes none leaves the job pending', () => {
  const none = policyNamed('constraint').compile({
    priorities: '- {priority: 1, steps: [{filter: "nodes_free > 0"}, {select: first}]}',
  });
  const decided = ask([candidate('a', 'yes', 'yes', { nodes_free: 0 })], { select: none });
  expect(decided).toMatchObject({
    outcome: 'pending',
    reason: { code: 'nothing_free', message: 'no clusters passed selection' },
  });
  expect(decided.notes.join('\n')).toContain('dropped a');
});

test('state that Rainbow adds is no state of the cluster’s own', () => {
  const needsState = policyNamed('constraint').compile({ priorities: '- {priority: 1, steps: [{select: first}]}' });
  const candidates = [candidate('a', 'yes', 'yes', { rainbow_queued: 0 }), candidate('b', 'yes', 'yes', { x: 1 })];
  expect(ask(candidates, { select: needsState }).order).toEqual(['b']);
});

test('with offers, a policy that weighs them is asked about all that fit, busy or not', () => {
  const offering = (cluster: string, startable: Fits, wait: number, amount: number): Candidate => ({
    ...candidate(cluster, 'yes', startable, { rainbow_queued: wait }),
    offer: {
      startP50: wait,
      startP90: wait,
      end: wait + 60,
      cost: { amount, currency: 'EUR', parts: [] },
      correction: '',
    },
  });
  const candidates = [
    offering('now', 'yes', 0, 9),
    offering('later', 'no', 500, 1),
    offering('never', 'unknown', 5, 5),
  ];
  const cheapest = policyNamed('cheapest').compile({});
  expect(ask(candidates, { select: cheapest }).order).toEqual(['later', 'never', 'now']);
  expect(ask(candidates, { select: cheapest, overcommit: 'deny' }).order).toEqual(['now']);
  expect(ask(candidates).order).toEqual(['now']);
  const silent = candidates.map((each) => ({ ...each, offer: null }));
  expect(ask(silent, { select: cheapest }).order).toEqual(['now']);
});

test('what a policy makes up is not believed', () => {
  const select = () => ({ order: ['z', 'b', 'b', 'a'], notes: [] });
  expect(ask([candidate('a', 'yes', 'yes'), candidate('b', 'yes', 'yes')], { select }).order).toEqual(['b', 'a']);
});

const fits = fc.constantFrom<Fits>('yes', 'no', 'unknown');
const anyCandidates = fc
  .uniqueArray(fc.stringMatching(/^[a-f]{1,3}$/), { maxLength: 10 })
  .chain((names) =>
    fc.tuple(
      ...names.map((name) =>
        fc.tuple(fits, fits, fc.nat(4)).map(([a, b, rainbow_queued]) => candidate(name, a, b, { rainbow_queued })),
      ),
    ),
  );

test('for any candidates: only one that fits is chosen, a startable one if there is any, and never twice differently', () => {
  fc.assert(
    fc.property(
      anyCandidates,
      fc.string(),
      fc.constantFrom('queue' as const, 'deny' as const),
      (candidates, seed, overcommit) => {
        const select = policyNamed('random').compile({});
        const input = { candidates, parameters: {}, select, seed, now: 0, job, overcommit };
        const decided = decide(input);
        expect(decide({ ...input, candidates: [...candidates].reverse() })).toEqual(decided);
        const able = candidates.filter((each) => each.satisfiable.fits === 'yes');
        const now = able.filter((each) => each.startable.fits === 'yes');
        const chosen = candidates.find((each) => each.cluster === decided.chosen);
        expect(decided.outcome === 'assigned').toBe(now.length > 0 || (able.length > 0 && overcommit === 'queue'));
        expect(decided.outcome === 'assigned').toBe(chosen !== undefined);
        expect(decided.order[0] ?? null).toBe(decided.chosen);
        const queued = (each: Candidate): number => each.state['rainbow_queued'] as number;
        const least = able.filter((each) => queued(each) === Math.min(...able.map(queued)));
        expect([null, ...(now.length > 0 ? now : least)]).toContain(chosen ?? null);
        const rejected = candidates.length > 0 && candidates.every((each) => each.satisfiable.fits === 'no');
        expect(decided.outcome === 'rejected').toBe(rejected);
      },
    ),
    { numRuns: 500 },
  );
});

test('a policy of the operator’s own decides, and is given what the contract says, no more', () => {
  const seen: SelectInput[] = [];
  const own = guarded('own', {
    compile: () => (input) => {
      seen.push(input);
      return { order: input.contenders.map(({ cluster }) => cluster).toReversed(), notes: ['the last'] };
    },
  });
  const candidates = ['a', 'b', 'c'].map((name) => candidate(name, 'yes', 'yes'));
  expect(ask(candidates, { select: own.compile({}) })).toMatchObject({ outcome: 'assigned', chosen: 'c' });
  expect(Object.keys(seen[0] ?? {}).toSorted()).toEqual(['contenders', 'job', 'now', 'parameters', 'seed']);
});

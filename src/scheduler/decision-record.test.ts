import { expect, test } from 'vitest';
import type { Fits } from '../core/match/matcher.ts';
import { bounded, MOST_CANDIDATES, writeDecision } from './decision-record.ts';
import type { CandidateResult, DecisionRecord } from './scheduler.ts';

const candidate = (cluster: string, fits: Fits, state: Record<string, unknown> = {}): CandidateResult => ({
  cluster,
  satisfiable: { fits, reasons: [] },
  startable: { fits, reasons: [] },
  state,
});

const decision = (candidates: CandidateResult[], chosen: string | null): DecisionRecord => ({
  at: 1,
  policy: 'random',
  policyOptions: {},
  seed: 's',
  candidates,
  order: chosen === null ? [] : [chosen],
  notes: [],
  chosen,
  reason: { code: 'selected', message: '' },
  micros: 1,
});

test('a small decision is kept whole', () => {
  const small = decision([candidate('red', 'yes', { nodes_free: 3 }), candidate('blue', 'no')], 'red');
  expect(JSON.parse(writeDecision(small))).toEqual(small);
});

test('of many candidates the chosen and the fitting are kept, the others counted', () => {
  const many = [
    ...Array.from({ length: 5_000 }, (_, i) => candidate(`no${i}`, 'no')),
    ...Array.from({ length: 10 }, (_, i) => candidate(`yes${i}`, 'yes')),
  ];
  const kept = bounded(decision(many, 'yes7'));
  expect(kept.candidates).toHaveLength(MOST_CANDIDATES);
  expect(kept.candidates[0]?.cluster).toBe('yes7');
  expect(kept.candidates.filter(({ satisfiable }) => satisfiable.fits === 'yes')).toHaveLength(10);
  expect(kept.notes.at(-1)).toBe(
    '4810 more clusters are left out of this record: 0 that fit, 0 unknown, 4810 that do not',
  );
});

test('a large state is cut, ours is kept, and the cut shows', () => {
  const state = { huge: 'x'.repeat(100_000), rainbow_queued: 2 };
  const [kept] = bounded(decision([candidate('red', 'yes', state)], 'red')).candidates;
  expect(kept?.state).toEqual({ rainbow_queued: 2, rainbow_state_cut: true });
});

test('bids are kept, how a price is made up once and bounded', () => {
  const parts = Array.from({ length: 30 }, (_, n) => ({ what: `${n} ${'x'.repeat(200)}`, amount: 1 }));
  const offer = { startP50: 1, startP90: 2, end: 3, cost: { amount: 30, currency: 'EUR', parts } };
  const bid = { kind: 'yes', id: 'b', offer, expiresAt: 9, byProxy: false } as const;
  const red = { ...candidate('red', 'yes'), bid, moved: offer, offer: { ...offer, correction: '' }, graphVersion: 3 };
  const [kept] = bounded(decision([red], 'red')).candidates;
  expect(kept).toMatchObject({
    graphVersion: 3,
    moved: { cost: { amount: 30, parts: [] } },
    offer: { cost: { parts: [] } },
  });
  if (kept?.bid?.kind !== 'yes') throw new Error('the bid is gone');
  expect(kept.bid.offer.cost?.parts).toHaveLength(8);
  expect(JSON.stringify(kept).length).toBeLessThan(2_500);
});

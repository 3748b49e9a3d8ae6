/** No answer of an agent gets to a policy unless it is possible. */
import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { judgeAnswer, type Answer } from './answer.ts';
import type { Cost, Offer } from './bid.ts';

const now = 1_700_000_000_000;
const walltime = 3600;
const good: Offer = { startP50: now + 1000, startP90: now + 2000, end: now + 3_601_000, cost: null };

function judge(offer: Partial<Offer>, expiresAt = now + 30_000) {
  return judgeAnswer({ kind: 'yes', id: 'b1', offer: { ...good, ...offer }, expiresAt }, { now, walltime });
}
const cost = (more: Partial<Cost>): Cost => ({
  amount: 2,
  currency: 'EUR',
  parts: [{ what: 'it', amount: 2 }],
  ...more,
});

test('what is possible is taken as it is', () => {
  expect(judge({})).toEqual({ kind: 'yes', id: 'b1', offer: good, expiresAt: now + 30_000, byProxy: false });
  expect(judge({ cost: cost({}) })).toMatchObject({ kind: 'yes', offer: { cost: { amount: 2 } } });
  const no: Answer = { kind: 'no', id: 'b2', reason: { code: 'refused', message: 'unmapped' } };
  expect(judgeAnswer(no, { now, walltime })).toEqual(no);
});

test('a start within the skew of clocks is a start now, and no offer holds for ever', () => {
  expect(judge({ startP50: now - 50_000, startP90: now - 40_000, end: now + 3_550_000 }, now * 2)).toMatchObject({
    offer: { startP50: now, startP90: now },
    expiresAt: now + 3_600_000,
  });
});

test('of a job that asks for no time, the end says what the cluster gives it', () => {
  const open = (end: number): string =>
    judgeAnswer({ kind: 'yes', id: 'b1', offer: { ...good, end }, expiresAt: now + 30_000 }, { now, walltime: null })
      .kind;
  expect([now + 61_000, now + 86_400_000].map(open)).toEqual(['yes', 'yes']);
  expect([now, now + 400 * 86_400_000].map(open)).toEqual(['invalid', 'invalid']);
});

describe('refused', () => {
  test.each<[Partial<Offer>, RegExp]>([
    [{ startP50: Number.NaN }, /a time of it is no number/],
    [{ end: Infinity }, /a time of it is no number/],
    [{ startP50: now - 61_000 }, /it would start 61 s ago/],
    [{ startP90: now + 500 }, /its P90 \(in 1 s\) is before its P50/],
    [{ startP90: now + 400 * 86_400_000, end: now + 400 * 86_400_000 }, /it would start only in/],
    [{ end: now + 1000 }, /before the walltime of 3600 s is over/],
    [{ end: now + 9_000_000 }, /after its start and the walltime/],
    [{ cost: cost({ amount: Number.NaN }) }, /its cost is no number/],
    [{ cost: cost({ amount: -1 }) }, /its cost is negative/],
    [{ cost: cost({ amount: 1e13 }) }, /its cost is absurd/],
    [{ cost: cost({ amount: 3 }) }, /add up to 2, not 3/],
    [{ cost: cost({ parts: [] }) }, /add up to 0, not 2/],
    [{ cost: cost({ parts: [{ what: '', amount: 2 }] }) }, /a part of its cost/],
    [{ cost: cost({ parts: Array.from({ length: 33 }, () => ({ what: 'x', amount: 0 })) }) }, /has 33 parts/],
    [{ cost: cost({ currency: 'E U R' }) }, /its currency is no word/],
    [{ cost: cost({ currency: '' }) }, /its currency is no word/],
  ])('%j', (offer, message) => {
    expect(judge(offer)).toMatchObject({ kind: 'invalid', reason: { code: 'invalid_bid', message } });
  });

  test('expired, or without an id', () => {
    expect(judge({}, now)).toMatchObject({ kind: 'invalid' });
    expect(judge({}, Number.NaN)).toMatchObject({ kind: 'invalid' });
    expect(judgeAnswer({ kind: 'yes', id: '', offer: good, expiresAt: now + 1 }, { now, walltime }).kind).toBe(
      'invalid',
    );
  });
});

test('whatever numbers come, a yes is possible', () => {
  const time = fc.oneof(
    fc.double(),
    fc.integer({ min: -200_000, max: 10_000_000 }).map((ms) => now + ms),
  );
  const any = fc.record({
    startP50: time,
    startP90: time,
    end: time,
    cost: fc.option(
      fc.record({
        amount: fc.double(),
        currency: fc.string(),
        parts: fc.array(fc.record({ what: fc.string(), amount: fc.double() })),
      }),
    ),
  });
  fc.assert(
    fc.property(any, time, (offer, expiresAt) => {
      const bid = judge(offer, expiresAt);
      const { startP50, startP90, cost } = bid.kind === 'yes' ? bid.offer : good;
      expect(['yes', 'invalid']).toContain(bid.kind);
      expect(
        now <= startP50 && startP50 <= startP90 && Number.isFinite(startP90) && (cost === null || cost.amount >= 0),
      ).toBe(true);
    }),
    { numRuns: 1000 },
  );
});

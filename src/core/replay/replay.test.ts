/** A recorded decision, taken again by another policy. */
import { expect, test } from 'vitest';
import type { CorrectedOffer } from '../bid/bid.ts';
import { policyNamed } from '../select/policies.ts';
import { addTo, emptyReport, replayOne, type Recorded } from './replay.ts';

const AT = 1_000_000;
const yes = { fits: 'yes', reasons: [] } as const;

function offer(minutes: number, amount: number, currency = 'EUR'): CorrectedOffer {
  const startP50 = AT + minutes * 60_000;
  const cost = { amount, currency, parts: [{ what: 'all', amount }] };
  return { startP50, startP90: startP50, end: startP50 + 3_600_000, cost, correction: '' };
}

function recorded(more: Partial<Recorded> = {}): Recorded {
  return {
    at: AT,
    seed: 'seed',
    chosen: 'quick',
    job: { walltime: 3600, priority: 0, submittedAt: AT, deadline: null },
    parameters: {},
    overcommit: 'queue',
    candidates: [
      { cluster: 'cheap', satisfiable: yes, startable: yes, state: {}, offer: offer(50, 1) },
      { cluster: 'quick', satisfiable: yes, startable: yes, state: {}, offer: offer(10, 4) },
    ],
    ...more,
  };
}

const select = (name: string) => policyNamed(name).compile({});

test('another policy chooses otherwise, and what that costs and saves is told from the offers', () => {
  expect(replayOne(recorded(), select('cheapest'))).toEqual({
    from: 'quick',
    to: 'cheap',
    wait: { recorded: 600, replayed: 3000 },
    cost: { currency: 'EUR', recorded: 4, replayed: 1 },
  });
  expect(replayOne(recorded(), select('soonest'))).toMatchObject({ from: 'quick', to: 'quick' });
});

test('who was passed over then is passed over again', () => {
  const [cheap, quick] = recorded().candidates;
  const candidates = [{ ...cheap!, passedOver: 'its agent is silent' }, quick!];
  expect(replayOne(recorded({ candidates }), select('cheapest'))).toMatchObject({ to: 'quick' });
});

test('nothing is compared where one made no offer, or names another currency', () => {
  const [cheap, quick] = recorded().candidates;
  const other = { ...cheap!, offer: offer(50, 1, 'credits') };
  expect(replayOne(recorded({ candidates: [other, quick!], chosen: 'cheap' }), select('soonest'))).toMatchObject({
    to: 'quick',
    cost: null,
  });
  const silent = { ...cheap!, offer: null };
  expect(replayOne(recorded({ candidates: [silent, quick!], chosen: 'cheap' }), select('soonest'))).toMatchObject({
    to: 'quick',
    wait: null,
    cost: null,
  });
  expect(replayOne(recorded({ chosen: null }), select('soonest'))).toBeNull();
  const report = emptyReport();
  addTo(report, replayOne(recorded({ candidates: [silent, quick!], chosen: 'cheap' }), select('soonest'))!);
  expect(report).toMatchObject({ decisions: 1, changed: 0, unplaced: 0, compared: 0, changes: new Map() });
});

test('a report sums choices, waiting time and money', () => {
  const report = emptyReport();
  for (let i = 0; i < 3; i++) addTo(report, replayOne(recorded(), select('cheapest'))!);
  addTo(report, replayOne(recorded({ chosen: 'cheap' }), select('cheapest'))!);
  expect(report).toMatchObject({ decisions: 4, changed: 3, compared: 4, waitRecorded: 4800, waitReplayed: 12_000 });
  expect([...report.costs]).toEqual([['EUR', { compared: 4, recorded: 13, replayed: 4 }]]);
  expect([...report.changes.values()]).toEqual([{ from: 'quick', to: 'cheap', decisions: 3, wait: 7200 }]);
});

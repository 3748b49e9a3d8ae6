/** Trust, measured: who is right is left alone, who is not is corrected, and lying does not pay. */
import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { seededRandom } from '../random.ts';
import type { Offer } from './bid.ts';
import { NO_RECORD, observe, summaryOf, type Calibration } from './calibration.ts';
import { correct } from './correct.ts';

const NOW = 1_700_000_000_000;

function offerOf(p50: number, p90 = p50, now = NOW): Offer {
  return { startP50: now + p50 * 1000, startP90: now + p90 * 1000, end: now + (p50 + 600) * 1000, cost: null };
}

/** Waits in seconds; every outcome is fresh. */
function record(outcomes: readonly (readonly [p50: number, p90: number, actual: number])[]): Calibration {
  return outcomes.reduce(
    (record, [p50, p90, actual]) =>
      observe(record, {
        bidAt: NOW - actual * 1000,
        startP50: NOW + (p50 - actual) * 1000,
        startP90: NOW + (p90 - actual) * 1000,
        startedAt: NOW,
      }),
    NO_RECORD,
  );
}

const waitOf = (offer: Offer): number => (offer.startP50 - NOW) / 1000;

describe('what a record says', () => {
  test('bias, coverage, sharpness', () => {
    const one = record([
      [0, 60, 0],
      [0, 60, 100],
      [100, 200, 150],
      [100, 200, 90],
    ]);
    expect(summaryOf(one, NOW)).toEqual({
      jobs: 4,
      bias: 0,
      coverageP50: 0.5,
      coverageP90: 0.75,
      sharpness: 80,
      costRatio: null,
    });
    expect(summaryOf(NO_RECORD, NOW)).toMatchObject({ jobs: 0, bias: null, coverageP50: null });
  });

  test('it is plain JSON, small, and forgets', () => {
    const many = record(Array.from({ length: 500 }, () => [123_456, 234_567, 345_678] as const));
    expect(JSON.parse(JSON.stringify(many))).toEqual(many);
    expect(JSON.stringify(many).length).toBeLessThan(5_000);
    expect(many.total).toBe(500);
    const liar = record(Array.from({ length: 10 }, () => [0, 0, 3600] as const));
    const years = NOW + 2 * 365 * 86_400_000;
    expect(correct(offerOf(0, 0, years), years, { all: liar }).correction).toBe('');
  });

  test('an open outcome says something only once its P90 has passed', () => {
    const open = { bidAt: NOW, startP50: NOW, startP90: NOW + 60_000, isOpen: true };
    expect(observe(NO_RECORD, { ...open, startedAt: NOW + 30_000 })).toBe(NO_RECORD);
    expect(observe(NO_RECORD, { ...open, startedAt: NOW + 600_000 }).kept[0]!.actual).toBe(600);
    expect(observe(NO_RECORD, { ...open, startedAt: Number.NaN })).toBe(NO_RECORD);
  });

  test('what was paid, against what was bid', () => {
    const one = { bidAt: NOW, startP50: NOW, startP90: NOW, startedAt: NOW };
    const paid = [1.5, 0.5, Number.NaN, undefined, 1.6].reduce<Calibration>(
      (record, costRatio) => observe(record, costRatio === undefined ? one : { ...one, costRatio }),
      NO_RECORD,
    );
    expect(summaryOf(paid, NOW).costRatio).toBeCloseTo(1.2);
  });
});

describe('the correction', () => {
  test('nobody is corrected without a record', () => {
    expect(correct(offerOf(100, 300), NOW, {})).toEqual({ ...offerOf(100, 300), correction: '' });
  });

  test('a liar who always says "now" and takes an hour is corrected to about an hour', () => {
    const waits = [1, 3, 10, 40].map((jobs) =>
      waitOf(correct(offerOf(0), NOW, { all: record(Array.from({ length: jobs }, () => [0, 0, 3600] as const)) })),
    );
    expect(waits).toEqual([...waits].sort((a, b) => a - b));
    expect(waits[0]).toBeLessThan(1200);
    expect(waits[3]).toBeGreaterThan(3200);
    expect(waits[3]).toBeLessThanOrEqual(3600);
    const corrected = correct(offerOf(0), NOW, {
      all: record(Array.from({ length: 41 }, () => [0, 0, 3600] as const)),
    });
    expect(corrected.correction).toBe('starts 60 min later than it says, by 41 jobs');
    expect(corrected.end - corrected.startP50).toBe(600_000);
    expect(corrected.startP90).toBeGreaterThanOrEqual(corrected.startP50);
  });

  test('who says half of the wait is corrected to twice, at any length', () => {
    const half = record(
      Array.from({ length: 40 }, (_, i) => [1000 * (1 + i), 2000 * (1 + i), 2000 * (1 + i)] as const),
    );
    for (const wait of [2_000, 20_000]) {
      expect(waitOf(correct(offerOf(wait), NOW, { all: half })) / wait).toBeGreaterThan(1.9);
      expect(waitOf(correct(offerOf(wait), NOW, { all: half })) / wait).toBeLessThan(2.1);
    }
  });

  test('a pessimist is moved earlier by less than he was wrong', () => {
    const modest = record(Array.from({ length: 40 }, () => [4000, 5000, 1000] as const));
    const wait = waitOf(correct(offerOf(4000), NOW, { all: modest }));
    expect(wait).toBeLessThan(3000);
    expect(wait).toBeGreaterThan(1500);
    expect(correct(offerOf(4000), NOW, { all: modest }).correction).toMatch(/earlier than it says, by 40 jobs/);
  });

  test('a calibrated cluster is left alone', () => {
    let corrected = 0;
    let most = 0;
    for (let seed = 0; seed < 200; seed++) {
      const normal = normals(`calibrated ${seed}`);
      // The median is what it says, and nine in ten are below its P90.
      const honest = record(
        Array.from({ length: 64 }, () => {
          const p50 = 60 * Math.expm1(2 + normal());
          return [p50, at(p50, 1.2816 * 0.5), at(p50, normal() * 0.5)] as const;
        }),
      );
      const offer = correct(offerOf(3600, 7000), NOW, { all: honest });
      if (offer.correction !== '') corrected++;
      most = Math.max(most, Math.abs(waitOf(offer) / 3600 - 1), (offer.startP90 - NOW) / 7_000_000 - 1);
    }
    // By chance, one in ten or so moves a little.
    expect(corrected).toBeLessThan(30);
    expect(most).toBeLessThan(0.35);
  });

  test('an overconfident P90 is widened until nine in ten are below it', () => {
    const normal = normals('narrow');
    const outcomes = Array.from({ length: 64 }, () => [1000, 1010, at(1000, normal() * 0.8)] as const);
    const { startP90, correction } = correct(offerOf(1000, 1010), NOW, { all: record(outcomes) });
    const covered = outcomes.filter(([, , actual]) => NOW + actual * 1000 <= startP90).length / 64;
    expect(covered).toBeGreaterThan(0.8);
    expect(correction).toMatch(/P90 .* further off/);
  });

  test('a class of shapes is corrected apart, towards the record of all', () => {
    const all = record(Array.from({ length: 60 }, (_, i) => [0, 0, i % 6 === 0 ? 3600 : 0] as const));
    const large = record(Array.from({ length: 10 }, () => [0, 0, 3600] as const));
    const small = record(Array.from({ length: 50 }, () => [0, 0, 0] as const));
    expect(waitOf(correct(offerOf(0), NOW, { all, own: large }))).toBeGreaterThan(2400);
    expect(waitOf(correct(offerOf(0), NOW, { all, own: small }))).toBeLessThan(30);
  });

  test('whoever keeps a job waiting past its P90 is not believed to start the next at once', () => {
    const held = correct(offerOf(0, 60), NOW, { overdue: 1800 });
    expect(waitOf(held)).toBe(1800);
    expect(held.startP90).toBeGreaterThanOrEqual(held.startP50);
    expect(held.end - held.startP50).toBe(600_000);
    expect(held.correction).toBe('not in less than 30 min: a job waits there that long past its P90');
    expect(correct(offerOf(3600, 3700), NOW, { overdue: 1800 }).correction).toBe('');
  });

  const anything = fc.array(fc.tuple(fc.nat(1e6), fc.nat(1e6), fc.nat(1e7)), { maxLength: 80 });

  test('for any record: finite, ordered, never before now, and no further off than the worst that was seen', () => {
    fc.assert(
      fc.property(anything, anything, fc.nat(100_000), fc.nat(100_000), (all, own, p50, more) => {
        const [first, second] = [all, own].map((outcomes) =>
          record(outcomes.map(([a, b, actual]) => [a, a + b, actual] as const)),
        );
        const offer = offerOf(p50, p50 + more);
        const corrected = correct(offer, NOW, { all: first!, own: second! });
        expect(Number.isFinite(corrected.startP90)).toBe(true);
        expect(corrected.startP50).toBeGreaterThanOrEqual(NOW);
        expect(corrected.startP90).toBeGreaterThanOrEqual(corrected.startP50);
        expect(corrected.end - corrected.startP50).toBe(offer.end - offer.startP50);
        // e^12: both records at their clip.
        expect(corrected.startP50 - NOW).toBeLessThanOrEqual((p50 + 60) * 1000 * Math.exp(12));
        expect(corrected.correction === '').toBe(
          Math.abs(corrected.startP50 - offer.startP50) < 1000 && corrected.startP90 === offer.startP90,
        );
      }),
    );
  });

  test('a worse offer of the same cluster is never the better after correction', () => {
    fc.assert(
      fc.property(anything, fc.nat(100_000), fc.nat(100_000), (outcomes, wait, more) => {
        const one = record(outcomes.map(([a, b, actual]) => [a, a + b, actual] as const));
        expect(correct(offerOf(wait), NOW, { all: one }).startP50).toBeLessThanOrEqual(
          correct(offerOf(wait + more), NOW, { all: one }).startP50,
        );
      }),
    );
  });
});

/** Six clusters of one server each; jobs go to the soonest by corrected offer. Gives the share that the first gets. */
function shareOf(strategy: (wait: number, random: () => number) => number, seed: string, isCorrected = true): number {
  const random = seededRandom(seed);
  const unit = (): number => (random.below(1e9) + 0.5) / 1e9;
  const clusters = Array.from({ length: 6 }, () => ({ freeAt: NOW, record: NO_RECORD }));
  let now = NOW;
  let chosen = 0;
  const jobs = 4_000;
  const due: { at: number; cluster: number; bidAt: number; offer: Offer }[] = [];
  for (let job = 0; job < jobs; job++) {
    now += -Math.log(unit()) * 110_000;
    for (const each of due.filter(({ at }) => at <= now)) {
      const cluster = clusters[each.cluster]!;
      cluster.record = observe(cluster.record, { ...each.offer, bidAt: each.bidAt, startedAt: each.at });
      due.splice(due.indexOf(each), 1);
    }
    const offers = clusters.map(({ freeAt }, i) => {
      const wait = Math.max(0, freeAt - now) / 1000;
      const said = i === 0 ? strategy(wait, unit) : wait;
      return offerOf(said, said * 1.5, now);
    });
    const starts = offers.map((offer, i) => {
      const { record } = clusters[i]!;
      const past = due.filter(({ cluster }) => cluster === i).map(({ offer }) => (now - offer.startP90) / 1000);
      return (
        (isCorrected ? correct(offer, now, { all: record, overdue: Math.max(0, ...past) }) : offer).startP50 + unit()
      );
    });
    const best = starts.indexOf(Math.min(...starts));
    const cluster = clusters[best]!;
    const start = Math.max(now, cluster.freeAt);
    due.push({ at: start, cluster: best, bidAt: now, offer: offers[best]! });
    cluster.freeAt = start + -Math.log(unit()) * 600_000;
    if (best === 0) chosen++;
  }
  return chosen / jobs;
}

describe('no cluster gains by lying', () => {
  const honest = shareOf((wait) => wait, 'a');
  test('without a correction it would pay', () => {
    expect(shareOf(() => 0, 'a', false)).toBeGreaterThan(honest * 2);
  });

  test.each([
    ['always now', () => 0],
    ['half of the wait', (wait: number) => wait / 2],
    ['now, every other time', (wait: number, random: () => number) => (random() < 0.5 ? 0 : wait)],
    ['now, one time in ten', (wait: number, random: () => number) => (random() < 0.1 ? 0 : wait)],
    ['now where the wait is long', (wait: number) => (wait > 1200 ? 0 : wait)],
    ['a tenth where the wait is short', (wait: number) => (wait < 1200 ? wait / 10 : wait)],
    ['modest first, then now', (wait: number, random: () => number) => (random() < 0.5 ? wait * 3 : 0)],
  ])('%s', (_, strategy) => {
    expect(shareOf(strategy, 'a')).toBeLessThan(honest * 1.05);
  });
});

/** The wait that is `by` above `wait` on the scale of the correction. */
function at(wait: number, by: number): number {
  return Math.max(0, 60 * Math.expm1(Math.log1p(wait / 60) + by));
}

function normals(seed: string): () => number {
  const random = seededRandom(seed);
  return () => {
    const [a, b] = [(random.below(1e9) + 0.5) / 1e9, random.below(1e9) / 1e9];
    return Math.sqrt(-2 * Math.log(a)) * Math.cos(2 * Math.PI * b);
  };
}

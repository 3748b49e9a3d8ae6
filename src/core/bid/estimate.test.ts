/** The estimate of a start: exact where everything is known, right on average where run times scatter, and fast. */
import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { seededRandom } from '../random.ts';
import { judgeAnswer } from './answer.ts';
import { backlogOf, startIn, type QueueSnapshot } from './estimate.ts';
import { proxyOffer } from './proxy.ts';
import { observeRatio, runtimeModel, type Ratios } from './ratios.ts';

const none: QueueSnapshot = { total: { node: 4 }, free: { node: 4 }, running: [], waiting: [], ratios: [] };
const start = (snapshot: Partial<QueueSnapshot>, node: number) =>
  startIn(backlogOf({ ...none, ...snapshot }), { node });
const job = (node: number, walltime: number, elapsed = 0) => ({ takes: { node }, walltime, elapsed });

describe('with walltimes as the only thing known', () => {
  test('an empty cluster starts at once, and never what it cannot hold', () => {
    expect(start({}, 4)).toEqual({ p50: 0, p90: 0 });
    expect(start({}, 5)).toBeNull();
  });

  test('it waits for what runs', () => {
    const running = [job(2, 100, 40), job(2, 300)];
    expect(start({ free: {}, running }, 2)).toEqual({ p50: 60, p90: 60 });
    expect(start({ free: {}, running }, 3)).toEqual({ p50: 300, p90: 300 });
    expect(start({ free: { node: 1 }, running: [job(3, 100, 40)] }, 1)).toEqual({ p50: 0, p90: 0 });
  });

  test('and for those before it, who do not let it pass', () => {
    const running = [job(2, 100)];
    expect(start({ free: { node: 2 }, running, waiting: [job(4, 50)] }, 1)).toEqual({ p50: 150, p90: 150 });
    expect(start({ free: { node: 2 }, running, waiting: [job(2, 50), job(2, 10)] }, 2)).toEqual({ p50: 60, p90: 60 });
  });

  test('what can never start keeps nobody waiting', () => {
    expect(start({ waiting: [job(9, 50)] }, 4)).toEqual({ p50: 0, p90: 0 });
  });

  test('each type counts', () => {
    const backlog = backlogOf({
      total: { node: 2, gpu: 4 },
      free: { node: 1, gpu: 0 },
      running: [{ takes: { node: 1, gpu: 4 }, walltime: 100, elapsed: 0 }],
      waiting: [],
      ratios: [],
    });
    expect(startIn(backlog, { node: 1 })!.p50).toBe(0);
    expect(startIn(backlog, { node: 1, gpu: 1 })!.p50).toBe(100);
  });
});

test('run times are those that were seen, given how long a job has run', () => {
  let ratios: Ratios = [];
  for (let i = 1; i <= 10; i++) ratios = observeRatio(ratios, i * 10, 100);
  const model = runtimeModel(ratios);
  expect(model.remaining(1000, 0).mean).toBeCloseTo(550);
  expect(model.remaining(1000, 0).p90).toBeCloseTo(900);
  expect(model.remaining(1000, 500).mean).toBeCloseTo(300);
  expect(model.remaining(1000, 1100)).toEqual({ mean: 0, p90: 0 });
  expect(observeRatio([], Number.NaN, 1)).toEqual([]);
});

test('of few run times the median soon believes what was seen, the P90 not before there are ten', () => {
  const expected = (ratios: Ratios) => runtimeModel(ratios).remaining(100, 0);
  expect(expected([])).toEqual({ mean: 100, p90: 100 });
  expect(expected([0.1]).mean).toBeCloseTo(70);
  expect(expected([0.1, 0.1, 0.1]).mean).toBeCloseTo(10);
  const few = Array.from({ length: 9 }, () => 0.1);
  expect(expected(few.slice(1)).p90).toBe(100);
  expect(expected([...few, 0.1]).p90).toBeCloseTo(10);
  // One that runs for longer than all that were seen.
  expect(runtimeModel([0.1, 0.1, 0.1]).remaining(100, 20)).toEqual({ mean: 80, p90: 80 });
});

/** Starts of all, one after the other, with run times that are known: the slow and plain way. */
function simulate(total: number, running: readonly number[][], waiting: readonly number[][], own: number): number {
  let free = total - running.reduce((sum, [node]) => sum + node!, 0);
  const ends = running.map(([node, last]) => [last!, node!] as [number, number]);
  let at = 0;
  for (const [node, last] of [...waiting, [own, 1]] as [number, number][]) {
    while (free < node) {
      ends.sort((a, b) => a[0] - b[0]);
      const [end, given] = ends.shift()!;
      at = Math.max(at, end);
      free += given;
    }
    free -= node;
    ends.push([at + last, node]);
  }
  return at;
}

test('it is the plain simulation’s, for any queue', () => {
  const entry = fc.tuple(fc.integer({ min: 1, max: 4 }), fc.integer({ min: 1, max: 50 }));
  const lists = fc.tuple(
    fc.array(entry, { maxLength: 4 }),
    fc.array(entry, { maxLength: 20 }),
    fc.integer({ min: 1, max: 8 }),
  );
  fc.assert(
    fc.property(lists, ([running, waiting, own]) => {
      const busy = running.reduce((sum, [node]) => sum + node, 0);
      const total = Math.max(8, busy);
      const snapshot = {
        total: { node: total },
        free: { node: total - busy },
        running: running.map(([node, last]) => job(node, last)),
        waiting: waiting.map(([node, last]) => job(node, last)),
      };
      expect(start(snapshot, own)!.p50).toBe(simulate(total, running, waiting, own));
    }),
  );
});

test('where run times scatter, half start by the P50 and nine in ten by the P90, nearly', () => {
  const random = seededRandom('scatter');
  const ratios: Ratios = Array.from({ length: 200 }, () => (random.below(1000) + 1) / 1000);
  const draw = (walltime: number): number => ratios[random.below(200)]! * walltime;
  let [p50, p90] = [0, 0];
  const rounds = 400;
  for (let i = 0; i < rounds; i++) {
    const waiting = Array.from({ length: 5 + random.below(40) }, () => [1 + random.below(4), 600 + random.below(6000)]);
    const actual = simulate(
      8,
      [],
      waiting.map(([node, walltime]) => [node!, draw(walltime!)]),
      4,
    );
    const said = start(
      {
        total: { node: 8 },
        free: { node: 8 },
        waiting: waiting.map(([node, walltime]) => job(node!, walltime!)),
        ratios,
      },
      4,
    )!;
    if (actual <= said.p50) p50++;
    if (actual <= said.p90) p90++;
  }
  expect(p50 / rounds).toBeGreaterThan(0.35);
  expect(p50 / rounds).toBeLessThan(0.65);
  expect(p90 / rounds).toBeGreaterThan(0.8);
});

test('ten thousand entries take a few milliseconds', () => {
  const random = seededRandom('many');
  const entries = Array.from({ length: 10_000 }, () => ({
    takes: { node: 1 + random.below(16), core: random.below(512) },
    walltime: 60 + random.below(86_400),
  }));
  const snapshot = { ...none, total: { node: 256, core: 16_384 }, free: { node: 256, core: 16_384 }, waiting: entries };
  const times = Array.from({ length: 9 }, () => {
    const before = process.threadCpuUsage();
    expect(startIn(backlogOf(snapshot), { node: 4 })!.p50).toBeGreaterThan(1e6);
    const { user, system } = process.threadCpuUsage(before);
    return (user + system) / 1000;
  });
  // Seen: 7 ms. By CPU, and the least of some, so that a busy machine does not decide.
  expect(Math.min(...times)).toBeLessThan(60);
});

describe('by proxy', () => {
  const input = { now: 1e12, walltime: 3600, nodes: 2, startable: true, state: {}, before: [] };

  test('from state: free nodes, price', () => {
    const offer = proxyOffer({ ...input, state: { nodes_free: 20, cost_per_node_hour: 3 } });
    expect(offer.startP50 - input.now).toBeLessThan(60_000);
    expect(offer.cost).toEqual({ amount: 6, currency: 'units', parts: [{ what: '2 nodes × 1 h × 3', amount: 6 }] });
    expect(proxyOffer(input).cost).toBeNull();
  });

  test('busy by its state or by our books: later, the more the more wait before it', () => {
    const wait = (more: object) => proxyOffer({ ...input, ...more }).startP50 - input.now;
    expect(wait({ state: { nodes_free: 1 } })).toBeGreaterThan(1_000_000);
    expect(wait({ startable: false })).toBeGreaterThan(1_000_000);
    expect(wait({ startable: false, before: [7200] })).toBe(wait({ startable: false }) + 3_600_000);
  });

  test('whatever the state holds, the offer is a possible one', () => {
    fc.assert(
      fc.property(
        fc.dictionary(fc.constantFrom('nodes_free', 'cost_per_node_hour', 'currency'), fc.anything()),
        (state) => {
          const answer = { kind: 'yes', id: 'p', offer: proxyOffer({ ...input, state }), expiresAt: 1e12 + 1 } as const;
          // Of what may be anything, only numbers are costs; an object may not even be made one.
          const cost = state['cost_per_node_hour'];
          const isCostly = typeof cost === 'number' && cost > 1e11;
          expect(isCostly || judgeAnswer(answer, { now: 1e12, walltime: 3600 }).kind === 'yes').toBe(true);
        },
      ),
    );
  });
});

/** How long a job would wait: by counts, by what the cluster's own scheduler plans, and by what jobs really take. */
import { expect, test } from 'vitest';
import type { QueueNow } from '../runners/runner.ts';
import { waitIn } from './wait-in.ts';

const queue = (more: Partial<QueueNow>): QueueNow => ({
  name: 'main',
  total: { node: 2, core: 8 },
  free: { node: 0, core: 0 },
  running: [],
  waiting: [],
  planned: null,
  isClosed: false,
  ...more,
});
const entry = (core: number, walltime: number, node = core / 4) => ({ key: null, takes: { node, core }, walltime });
const runs = (core: number, walltime: number, elapsed = 0) => ({ ...entry(core, walltime), elapsed });
const waits = (core: number, walltime: number, planned: number | null) => ({ ...entry(core, walltime), planned });
const asks = (core: number, walltime: number) => ({ takes: { core }, walltime });
/** Jobs take half of what they ask for; one in ten, and one in five, take all. */
const MOST_HALF = Array.from({ length: 20 }, (_, i) => (i % 10 === 0 ? 1 : 0.5));
const SOME_ALL = Array.from({ length: 20 }, (_, i) => (i % 5 === 0 ? 1 : 0.5));

test('what its scheduler plans for it counts by the part of their walltimes that jobs really take', () => {
  const planned = queue({ running: [runs(8, 3600)], planned: 3000 });
  expect(waitIn(planned, asks(4, 60), [])).toEqual({ p50: 3000, p90: 3000 });
  expect(waitIn(planned, asks(4, 60), MOST_HALF)).toEqual({ p50: 0.55 * 3000, p90: 1500 });
  expect(waitIn(planned, asks(4, 60), SOME_ALL)).toEqual({ p50: 0.6 * 3000, p90: 3000 });
});

test('it starts no sooner than one before it that asks for no more; a larger or longer one says nothing', () => {
  const of = (waiting: QueueNow['waiting']): number =>
    waitIn(queue({ running: [runs(8, 600)], waiting }), asks(4, 600), []).p90;
  expect(of([waits(4, 600, 5000)])).toBe(5000);
  expect(of([waits(8, 600, 5000)])).toBeLessThan(5000);
  expect(of([waits(4, 900, 5000)])).toBeLessThan(5000);
});

test('what fits now and is gone before anybody’s turn passes by; where nothing is planned nobody does', () => {
  const of = (planned: number | null, walltime: number): number =>
    waitIn(
      queue({ running: [runs(4, 3600)], free: { node: 1, core: 4 }, waiting: [waits(8, 3600, planned)] }),
      asks(2, walltime),
      [],
    ).p50;
  expect(of(3600, 3000)).toBe(0);
  expect(of(3600, 4000)).toBeGreaterThan(3000);
  expect(of(null, 60)).toBeGreaterThan(3000);
});

test('what is taken by jobs that cannot be seen is free again some time', () => {
  expect(waitIn(queue({}), asks(4, 600), [])).toEqual({ p50: 600, p90: 600 });
});

test('closed, or too little in service: later than all that is there, and no no', () => {
  const running = [runs(4, 600)];
  expect(waitIn(queue({ running, isClosed: true, free: { node: 1, core: 4 } }), asks(1, 60), []).p50).toBe(4200);
  expect(waitIn(queue({ total: { node: 1, core: 4 }, running }), asks(8, 60), []).p50).toBe(4200);
  expect(waitIn(queue({ total: { node: 0, core: 0 } }), asks(1, 60), []).p50).toBe(3600);
});

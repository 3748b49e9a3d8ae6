/**
 * Durable, acknowledged submits a second at 1, 16 and 256 callers on both stores, beside the floors of the machine at
 * equal batch size (one sync for as many records as there are callers). Interleaved; medians, and the lowest and
 * highest round. `npm run bench -- store [--rounds 5] [--seconds 1.2] [--callers 1,16,256]`.
 *
 * A submit has a 512-byte jobspec, an idempotency key, an owner, an assignment, a decision and two events. Every round
 * is checked: what was acknowledged is there. Rows 10 (a claim among many) and 14 (a restart) are in `bench -- growth`.
 */
import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { openStore } from '../../src/store/open.ts';
import type { NewJob, Store } from '../../src/store/store.ts';
import { startPostgres } from '../../src/store/testing/postgres.ts';
import { realSystem } from '../../src/system/real.ts';
import { fileFloor, postgresFloor, RECORD, rowsFloor, sqliteFloor, type Floor } from './floors.ts';

const { values: given } = parseArgs({
  options: {
    rounds: { type: 'string', default: '5' },
    seconds: { type: 'string', default: '1.2' },
    callers: { type: 'string', default: '1,16,256' },
  },
});
const rounds = Number(given.rounds);
const milliseconds = Number(given.seconds) * 1000;
const callerCounts = given.callers.split(',').map(Number);

/** Row 8: each store, and the same database with one row a record. Without a goal: with a submit's own rows. */
const GOAL = 0.5;
const BESIDE = [
  ['store on SQLite', 'SQLite, one row a record', GOAL],
  ['store on SQLite', "SQLite, a submit's rows", null],
  ['store on PostgreSQL', 'PostgreSQL, one row a record', GOAL],
] as const;

interface Round {
  readonly perSecond: number;
  /** Milliseconds; of a store only. */
  readonly p50: number;
  readonly p99: number;
  /** Microseconds of this process for each. */
  readonly cpu: number;
}

/** The first cluster of both stores. */
const RED = { name: 'red', id: 1 };
let keys = 0;
function newJob(): NewJob {
  keys += 1;
  return {
    name: 'bench',
    owner: 'user:0123456789abcdef0123456789abcdef0123456789abcdef',
    jobspec: 'version: 1\n'.padEnd(RECORD, '#'),
    candidates: [RED],
    policy: 'random',
    policyOptions: {},
    priority: 0,
    walltime: 3600,
    onClusterLoss: 'wait',
    idempotencyKey: `key-${process.pid}-${keys}`,
    at: Date.now(),
    outcome: { state: 'assigned', reason: { code: 'selected', message: '' }, cluster: RED, allocation: '["n1"]' },
    decision: '{"chosen":"red"}',
  };
}

async function timed(run: (until: number) => Promise<{ done: number; waits: number[] }>): Promise<Round> {
  const cpu = process.cpuUsage();
  const began = performance.now();
  const { done, waits } = await run(began + milliseconds);
  const took = performance.now() - began;
  const { user, system } = process.cpuUsage(cpu);
  waits.sort((a, b) => a - b);
  const at = (share: number): number => waits[Math.floor(waits.length * share)] ?? Number.NaN;
  return { perSecond: (done / took) * 1000, p50: at(0.5), p99: at(0.99), cpu: (user + system) / done };
}

function storeRound(store: Store, callers: number): Promise<Round> {
  return timed(async (until) => {
    const waits: number[] = [];
    const before = await newest(store);
    const call = async (): Promise<void> => {
      while (performance.now() < until) {
        const began = performance.now();
        const { created } = await store.jobs.submit(newJob());
        waits.push(performance.now() - began);
        assert.ok(created);
      }
    };
    await Promise.all(Array.from({ length: callers }, call));
    assert.equal((await newest(store)) - before, waits.length, 'what was acknowledged is there');
    return { done: waits.length, waits };
  });
}

async function newest(store: Store): Promise<number> {
  return Number((await store.jobs.list({ limit: 1 }))[0]?.id ?? 0);
}

function floorRound(floor: Floor, batch: number): Promise<Round> {
  return timed(async (until) => {
    let done = 0;
    for (; performance.now() < until; done += batch) await floor.write(batch);
    return { done, waits: [] };
  });
}

async function openBoth(folder: string, url: string): Promise<readonly (readonly [string, Store])[]> {
  const stores = [
    ['store on SQLite', await openStore(join(folder, 'rainbow.db'), realSystem)],
    ['store on PostgreSQL', await openStore(url, realSystem)],
  ] as const;
  const hash = new Uint8Array(32);
  for (const [, store] of stores) {
    await store.clusters.register({ name: 'red', secretHash: hash, tokenHash: hash, graph: '{}', counts: [], at: 1 });
  }
  return stores;
}

const folder = await mkdtemp(join(tmpdir(), 'rainbow-bench-'));
const postgres = await startPostgres({ durable: true });
try {
  const stores = await openBoth(folder, await postgres.newDatabase());
  const floors = [
    fileFloor(folder),
    sqliteFloor(folder),
    rowsFloor(folder),
    await postgresFloor(await postgres.newDatabase('empty')),
  ];
  console.log(`${rounds} rounds of ${given.seconds} s, ${RECORD}-byte records\n`);
  const line = (...cells: readonly string[]): void =>
    console.log(
      `${(cells[0] ?? '').padEnd(31)}${cells
        .slice(1)
        .map((cell) => cell.padStart(13))
        .join('')}`,
    );
  line('', 'callers', '/s', 'lowest', 'highest', 'p50 ms', 'p99 ms', 'own CPU µs');
  for (const callers of callerCounts) {
    const results = new Map<string, Round[]>();
    for (let round = 0; round < rounds; round++) {
      for (const floor of floors) note(results, floor.name, await floorRound(floor, callers));
      for (const [name, store] of stores) note(results, name, await storeRound(store, callers));
    }
    for (const [name, all] of results) {
      const rates = all.map(({ perSecond }) => perSecond);
      const figure = (value: number, digits = 0): string => (Number.isNaN(value) ? '' : value.toFixed(digits));
      line(
        name,
        String(callers),
        figure(median(rates)),
        figure(Math.min(...rates)),
        figure(Math.max(...rates)),
        figure(median(all.map(({ p50 }) => p50)), 2),
        figure(median(all.map(({ p99 }) => p99)), 2),
        figure(median(all.map(({ cpu }) => cpu)), 1),
      );
    }
    for (const [name, floor, goal] of BESIDE) {
      const ratios = results
        .get(name)!
        .map(({ perSecond }, round) => perSecond / results.get(floor)![round]!.perSecond);
      const [low, high] = [Math.min(...ratios), Math.max(...ratios)].map((ratio) => ratio.toFixed(3));
      const verdict = goal === null ? '' : `, goal ${goal}: ${median(ratios) >= goal ? 'met' : 'missed'}`;
      console.log(`${name}: ${median(ratios).toFixed(3)} of ${floor} (${low} to ${high})${verdict}`);
    }
    console.log();
  }
  for (const floor of floors) await floor.close();
  for (const [, store] of stores) await store.close();
} finally {
  await postgres.remove();
  await rm(folder, { recursive: true, force: true });
}

function note(results: Map<string, Round[]>, name: string, round: Round): void {
  results.set(name, [...(results.get(name) ?? []), round]);
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN;
}

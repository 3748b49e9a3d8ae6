/**
 * `npm run bench -- growth [--jobs 1000,100000,1000000] [--rounds 7] [--stores sqlite,postgres]`: what calls of the store
 * cost among few and many jobs. All sizes are open at once and measured in turns; the ratio is of the median of the
 * largest to that of the smallest. At last each is opened by a server, and the time until it serves is set beside
 * reading and parsing the unended jobs and the graphs as JSON. With all sizes (or --draw) it draws docs/pictures/growth.svg.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { createReadStream, createWriteStream, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { parseArgs } from 'node:util';
import { table } from '../../src/cli/table.ts';
import { serve } from '../../src/server/serve.ts';
import { openStore } from '../../src/store/open.ts';
import type { Store } from '../../src/store/store.ts';
import { startPostgres } from '../../src/store/testing/postgres.ts';
import { realSystem } from '../../src/system/real.ts';
import { fillPostgres, fillSqlite, GRAPH, sizeOf, type Size } from './fill.ts';
import { CLAIM, median, percentile, STEPS, timed } from './measure.ts';
import { countText, logPlot, type Panel } from '../log-plot.ts';

const DEFAULT_JOBS = '1000,100000,1000000';
const { values: given } = parseArgs({
  options: {
    jobs: { type: 'string', default: DEFAULT_JOBS },
    rounds: { type: 'string', default: '7' },
    stores: { type: 'string', default: 'sqlite,postgres' },
    draw: { type: 'boolean', default: false },
  },
});
const sizes = given.jobs.split(',').map((jobs) => sizeOf(Number(jobs)));
const rounds = Number(given.rounds);
const limits = JSON.parse(readFileSync(join(import.meta.dirname, 'limits.json'), 'utf8')) as Record<string, number>;

const AXES = {
  title: 'What a call costs among so many jobs',
  acrossTitle: 'jobs in the store',
  acrossText: countText,
  up: [-1.3, 5],
  upText: (ms: number) => (ms < 1 ? `${ms * 1000} µs` : ms < 1000 ? `${ms} ms` : `${ms / 1000} s`),
} as const;

interface Opened {
  readonly size: Size;
  readonly address: string;
  readonly store: Store;
}

const folder = await mkdtemp(join(tmpdir(), 'rainbow-growth-'));
const postgres = given.stores.includes('postgres') ? await startPostgres({ durable: true }) : null;
const panels: Panel[] = [];
let missed = 0;
try {
  for (const kind of given.stores.split(',')) {
    const opened: Opened[] = [];
    for (const size of sizes) {
      const began = performance.now();
      const address = await filled(kind, size);
      console.error(`${kind}: ${size.jobs} jobs are there after ${Math.round((performance.now() - began) / 1000)} s`);
      opened.push({ size, address, store: await openStore(address, realSystem) });
    }
    const calls = await measured(opened);
    const title = kind === 'sqlite' ? 'SQLite' : 'PostgreSQL';
    print(title, calls);
    for (const { store } of opened) await store.close();
    const restarts = await restarted(opened);
    print(title, restarts);
    const lines = [...calls, ...restarts.slice(0, 1)].map(({ name, times }) => ({ name, values: times }));
    panels.push({ title, across: sizes.map(({ jobs }) => jobs), lines });
  }
} finally {
  await postgres?.remove();
  await rm(folder, { recursive: true, force: true });
}
if ((given.draw || given.jobs === DEFAULT_JOBS) && panels.length === 2) {
  const pictures = join(import.meta.dirname, '..', '..', 'docs', 'pictures');
  mkdirSync(pictures, { recursive: true });
  writeFileSync(join(pictures, 'growth.svg'), logPlot(AXES, panels));
}
process.exitCode = missed === 0 ? 0 : 1;

async function filled(kind: string, size: Size): Promise<string> {
  if (kind === 'sqlite') {
    const path = join(folder, `${size.jobs}.db`);
    fillSqlite(path, size);
    return path;
  }
  const url = await postgres!.newDatabase();
  await fillPostgres(url, size);
  return url;
}

interface Line {
  readonly name: string;
  /** Milliseconds, by size. */
  readonly times: readonly number[];
}

/**
 * The first round is not counted: what is asked is in memory then, as far as it fits. The 99th percentile is the median of
 * the rounds' own, or one bad second of a shared machine would be all that it tells.
 */
async function measured(opened: readonly Opened[]): Promise<readonly Line[]> {
  const lines: Line[] = [];
  for (const step of STEPS) {
    const times = opened.map((): number[] => []);
    const p99s = opened.map((): number[] => []);
    for (let round = 0; round <= rounds; round++) {
      for (const [place, { store, size }] of opened.entries()) {
        const took = await timed(step, store, size, round);
        if (round === 0) continue;
        times[place]!.push(...took);
        p99s[place]!.push(percentile(took, 0.99));
      }
    }
    lines.push({ name: step.name, times: times.map(median) });
    if (step.name === CLAIM) lines.push({ name: `${CLAIM}, p99`, times: p99s.map(median) });
  }
  return lines;
}

/** Until a server serves what is there, and to read and parse its unended jobs and its graphs as JSON; CPU. */
async function restarted(opened: readonly Opened[]): Promise<readonly Line[]> {
  const starts: number[] = [];
  const floors: number[] = [];
  for (const { address, size } of opened) {
    starts.push(
      await cpuOf(async () => {
        const server = await serve(
          { host: '127.0.0.1:0', database: address, secret: 'bench', version: 'bench', logLevel: 'silent' },
          realSystem,
        );
        return () => server.stop();
      }),
    );
    const store = await openStore(address, realSystem);
    const unended: string[] = [];
    for (let after: string | undefined; ;) {
      const page = await store.jobs.list({
        states: ['pending', 'assigned', 'received'],
        oldestFirst: true,
        limit: 1_000,
        ...(after === undefined ? {} : { after }),
      });
      for (const job of page) unended.push(JSON.stringify(job));
      after = page.at(-1)?.id;
      if (page.length < 1_000) break;
    }
    await store.close();
    const file = join(folder, `${size.jobs}.json`);
    await pipeline(
      Readable.from(unended.concat(Array.from({ length: size.clusters }, () => GRAPH)).map((line) => `${line}\n`)),
      createWriteStream(file),
    );
    floors.push(
      await cpuOf(async () => {
        let read = 0;
        // A string holds half a gigabyte at most.
        for await (const line of createInterface(createReadStream(file))) if (JSON.parse(line) !== null) read += 1;
        if (read !== unended.length + size.clusters) throw new Error('not all of it was read');
        return () => Promise.resolve();
      }),
    );
  }
  return [
    { name: 'restart of a server', times: starts },
    { name: 'reading the same as JSON', times: floors },
  ];
}

/** Milliseconds of CPU of this process until `work` resolves; what it resolves to is done afterwards. */
async function cpuOf(work: () => Promise<() => Promise<unknown>>): Promise<number> {
  const before = process.cpuUsage();
  const after = await work();
  const { user, system } = process.cpuUsage(before);
  await after();
  return (user + system) / 1000;
}

function print(title: string, lines: readonly Line[]): void {
  const shown = (ms: number): string => (ms < 1 ? `${(ms * 1000).toFixed(0)} µs` : `${ms.toFixed(1)} ms`);
  const rows = lines.map(({ name, times }) => {
    const ratio = times.at(-1)! / times[0]!;
    const limit = limits[name];
    if (limit !== undefined && ratio > limit) missed += 1;
    const verdict = limit === undefined ? '' : ratio <= limit ? `met (≤ ${limit})` : `missed (≤ ${limit})`;
    return [name, ...times.map(shown), ratio.toFixed(2), verdict];
  });
  const head = [`${title}, jobs:`, ...sizes.map(({ jobs }) => String(jobs)), 'largest to smallest', ''];
  console.log(
    table(
      head.map((words, place) => ({ title: words, cell: (cells: readonly string[]) => cells[place] ?? '' })),
      rows,
      (text) => text,
    ),
  );
}

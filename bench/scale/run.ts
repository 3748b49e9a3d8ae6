/**
 * `npm run bench -- scale [--clusters 10,100,1000] [--jobs 2000]`: the simulator's cost of a decision among so many
 * clusters, and, from the figures of measured.json, the cores that so many jobs a day take of each part: the arithmetic
 * of docs/scale.md. Draws docs/pictures/scale.svg.
 */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { table } from '../../src/cli/table.ts';
import { simulate } from '../../src/simulator/simulate.ts';
import { A_DAY, planDay } from '../../src/simulator/workload.ts';
import { countText, logPlot } from '../log-plot.ts';

const { values: given } = parseArgs({
  options: { clusters: { type: 'string', default: '10,100,1000' }, jobs: { type: 'string', default: '2000' } },
});

/** Microseconds of CPU, and how many of it a second; where each was measured stands in docs/scale.md. */
interface Measured {
  /** Of a server, for a job's whole life, by store; SQLite's thread included. */
  readonly life: { readonly sqlite: number; readonly postgres: number };
  /** Of SQLite's thread alone, and of PostgreSQL, for a life. */
  readonly writer: { readonly sqlite: number; readonly postgres: number };
  /** Of a decision beside, for each cluster that may take the job. */
  readonly candidate: number;
  /** For an idle agent, a second. */
  readonly agent: number;
}
const measured = JSON.parse(readFileSync(join(import.meta.dirname, 'measured.json'), 'utf8')) as Measured;

// 1. Decisions among more and more clusters, under simulated time: the world's own cost included.
const rows = given.clusters.split(',').map((clusters) => {
  const day = planDay({ ...A_DAY, clusters: Number(clusters), jobs: Number(given.jobs), length: 7_200 }, 'scale');
  const cells = ['least-loaded', 'soonest'].map((policy) => {
    const before = process.threadCpuUsage();
    const { jobs, meanWait } = simulate(day, { policy }, 'scale');
    const { user, system } = process.threadCpuUsage(before);
    if (jobs !== Number(given.jobs)) throw new Error(`${jobs} of ${given.jobs} jobs ended`);
    return `${((user + system) / day.jobs.length).toFixed(0)} µs, waits ${(meanWait / 60).toFixed(1)} min`;
  });
  return [clusters, String(day.jobs.length - Number(given.jobs)), ...cells];
});
print(['clusters', 'jobs of their own users', 'least-loaded: CPU a job', 'soonest: CPU a job'], rows);

// 2. Cores by jobs a day.
const DAYS = [10_000, 100_000, 1_000_000, 10_000_000, 100_000_000, 1_000_000_000];
const CANDIDATES = 20;
const cores = (micros: number) => DAYS.map((jobs) => (jobs * micros) / 1e6 / 86_400);
const deciding = CANDIDATES * measured.candidate;
const lines = [
  { name: 'servers, on SQLite', values: cores(measured.life.sqlite - measured.writer.sqlite + deciding) },
  { name: 'SQLite: one thread', values: cores(measured.writer.sqlite) },
  { name: 'servers, on PostgreSQL', values: cores(measured.life.postgres + deciding) },
  { name: 'PostgreSQL', values: cores(measured.writer.postgres) },
];
const shown = (value: number): string => (value < 0.01 ? '< 0.01' : value.toPrecision(2));
print(
  ['jobs a day', 'a second', ...lines.map(({ name }) => name)],
  DAYS.map((jobs, place) => [
    countText(jobs),
    (jobs / 86_400).toPrecision(2),
    ...lines.map(({ values }) => shown(values[place] ?? 0)),
  ]),
);
console.log(`10,000 idle agents: ${((10_000 * measured.agent) / 1e6).toFixed(2)} cores`);
const pictures = join(import.meta.dirname, '..', '..', 'docs', 'pictures');
mkdirSync(pictures, { recursive: true });
const title = `Cores that so many jobs a day take, ${CANDIDATES} candidates each`;
const limits = { name: 'one core', values: DAYS.map(() => 1) };
writeFileSync(
  join(pictures, 'scale.svg'),
  logPlot(
    {
      title,
      acrossTitle: 'jobs a day',
      acrossText: (jobs) => `10${'⁴⁵⁶⁷⁸⁹'[Math.round(Math.log10(jobs)) - 4] ?? ''}`,
      up: [-5, 2],
      upText: (value) => countText(value),
    },
    [{ title: '', across: DAYS, lines: [...lines, limits] }],
  ),
);

function print(head: readonly string[], rows: readonly (readonly string[])[]): void {
  console.log(
    table(
      head.map((words, place) => ({ title: words, cell: (cells: readonly string[]) => cells[place] ?? '' })),
      rows,
      (text) => text,
    ),
  );
}

/**
 * `npm run bench -- policies [JOBS]`: a simulated day under each policy: the same clusters, jobs and seed. Prints a
 * table, writes docs/pictures/policies.svg (of the whole day only), and fails where a limit of limits.json is missed.
 */
import { once } from 'node:events';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { Worker } from 'node:worker_threads';
import { table } from '../../src/cli/table.ts';
import type { Measures } from '../../src/simulator/measures.ts';
import type { Rule } from '../../src/simulator/simulate.ts';
import { A_DAY, planDay } from '../../src/simulator/workload.ts';
import { plot } from './plot.ts';

const RULES: readonly (Rule & { readonly name: string })[] = [
  { name: 'random', policy: 'random' },
  { name: 'round-robin', policy: 'round-robin' },
  { name: 'least-loaded', policy: 'least-loaded' },
  { name: 'soonest, believed', policy: 'soonest', isCorrected: false },
  { name: 'soonest', policy: 'soonest' },
  { name: 'value, 2 an hour', policy: 'value', options: { money_per_hour: '2' } },
  { name: 'deadline', policy: 'deadline' },
];

const limits = JSON.parse(readFileSync(join(import.meta.dirname, 'limits.json'), 'utf8')) as Record<string, number>;
const asked = Number(process.argv[2] ?? A_DAY.jobs);
const size = { ...A_DAY, jobs: asked };
const day = planDay(size, 'a day');
const nodes = day.clusters.reduce((sum, cluster) => sum + cluster.nodes, 0);
console.log(
  `${size.jobs} jobs over ${size.clusters} clusters of ${nodes} nodes in all, and ${day.jobs.length - size.jobs} jobs of the clusters’ own users`,
);

interface Result {
  readonly name: string;
  readonly measures: Measures;
  /** CPU per job, the simulated world included. */
  readonly micros: number;
}

/** As many at once as there are cores; in the order of RULES. */
const results: Result[] = [];
let next = 0;
async function work(): Promise<void> {
  for (let i = next++; i < RULES.length; i = next++) {
    const rule = RULES[i]!;
    const thread = new Worker(new URL('./day.ts', import.meta.url), { workerData: { rule, size } });
    const [{ measures, micros }] = (await once(thread, 'message')) as [Omit<Result, 'name'>];
    if (measures.jobs !== size.jobs) throw new Error(`${rule.name}: ${measures.jobs} of ${size.jobs} jobs ended`);
    results[i] = { name: rule.name, measures, micros };
    console.error(`${rule.name}: done`);
  }
}
await Promise.all(Array.from({ length: availableParallelism() }, work));

const minutes = (seconds: number): string => (seconds / 60).toFixed(1);
const columns: readonly (readonly [string, (row: Result) => string])[] = [
  ['policy', ({ name }) => name],
  ['mean wait, min', ({ measures }) => minutes(measures.meanWait)],
  ['median', ({ measures }) => minutes(measures.medianWait)],
  ['P95', ({ measures }) => minutes(measures.p95Wait)],
  ['bounded slowdown', ({ measures }) => measures.slowdown.toFixed(2)],
  ['cost a job', ({ measures }) => measures.meanCost.toFixed(3)],
  ['by its deadline', ({ measures }) => `${(measures.inTime * 100).toFixed(1)} %`],
  ['CPU a job, µs, world included', ({ micros }) => micros.toFixed(0)],
];
console.log(
  table(
    columns.map(([title, cell]) => ({ title, cell })),
    results,
    (text) => text,
  ),
);

if (asked === A_DAY.jobs) {
  const folder = join(import.meta.dirname, '..', '..', 'docs', 'pictures');
  mkdirSync(folder, { recursive: true });
  const lines = results.map(({ name, measures }) => ({ name, waits: measures.waits }));
  const title = `How long ${size.jobs} jobs waited on ${size.clusters} clusters, by policy`;
  writeFileSync(join(folder, 'policies.svg'), plot(title, lines));
}

const of = (name: string): Measures => results.find((result) => result.name === name)!.measures;
let missed = 0;
for (const [name, most] of Object.entries(limits)) {
  // Where nobody waits there is nothing to better.
  const ratio = of('soonest').meanWait / Math.max(1, of(name).meanWait);
  if (ratio > most) missed++;
  console.log(`soonest waits ${ratio.toFixed(3)} of ${name}: ${ratio <= most ? 'met' : 'missed'} (≤ ${most})`);
}
process.exitCode = missed === 0 ? 0 : 1;

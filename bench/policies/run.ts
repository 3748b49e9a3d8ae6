/**
 * `npm run bench -- policies [JOBS]`: a simulated day under each policy: the same clusters, jobs and seed. Prints a
 * table, writes docs/pictures/policies.svg (of the whole day only), and fails where a limit of limits.json is missed.
 */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { table } from '../../src/cli/table.ts';
import type { Measures } from '../../src/simulator/measures.ts';
import { simulate, type Rule } from '../../src/simulator/simulate.ts';
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
  {
    name: 'cel',
    policy: 'cel',
    options: { filter: 'bid.offered', order: '[bid.wait > 600.0, bid.cost, bid.wait]' },
  },
];

const limits = JSON.parse(readFileSync(join(import.meta.dirname, 'limits.json'), 'utf8')) as Record<string, number>;
const asked = Number(process.argv[2] ?? A_DAY.jobs);
const size = { ...A_DAY, jobs: asked };
const day = planDay(size, 'a day');
const nodes = day.clusters.reduce((sum, cluster) => sum + cluster.nodes, 0);
console.log(
  `${size.jobs} jobs over ${size.clusters} clusters of ${nodes} nodes in all, and ${day.jobs.length - size.jobs} jobs of the clusters’ own users`,
);

const results = RULES.map((rule) => {
  const began = performance.now();
  const measures = simulate(day, rule, 'run');
  if (measures.jobs !== size.jobs) throw new Error(`${rule.name}: ${measures.jobs} of ${size.jobs} jobs ended`);
  return { name: rule.name, measures, micros: ((performance.now() - began) * 1000) / day.jobs.length };
});

const minutes = (seconds: number): string => (seconds / 60).toFixed(1);
const columns: readonly (readonly [string, (row: (typeof results)[number]) => string])[] = [
  ['policy', ({ name }) => name],
  ['mean wait, min', ({ measures }) => minutes(measures.meanWait)],
  ['median', ({ measures }) => minutes(measures.medianWait)],
  ['P95', ({ measures }) => minutes(measures.p95Wait)],
  ['bounded slowdown', ({ measures }) => measures.slowdown.toFixed(2)],
  ['cost a job', ({ measures }) => measures.meanCost.toFixed(3)],
  ['by its deadline', ({ measures }) => `${(measures.inTime * 100).toFixed(1)} %`],
  ['µs a job, world included', ({ micros }) => micros.toFixed(0)],
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
  const ratio = of('soonest').meanWait / of(name).meanWait;
  if (ratio > most) missed++;
  console.log(`soonest waits ${ratio.toFixed(3)} of ${name}: ${ratio <= most ? 'met' : 'missed'} (≤ ${most})`);
}
process.exitCode = missed === 0 ? 0 : 1;

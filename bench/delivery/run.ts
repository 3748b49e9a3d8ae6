/**
 * `npm run bench -- delivery [--rows 6,7,9,10,11,12] [--rounds 5] [--calls 30000] [--rate 1000] [--queued 100000] [--agents 10000]`: rows
 * of the performance table, each beside its floor, in turns; the median of the ratios of the rounds, and their spread.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { table } from '../../src/cli/table.ts';
import { agents, backlog, events, push, streamedSubmit, submitOnly, unarySubmit, type Figures } from './rows.ts';

const { values } = parseArgs({
  options: {
    rows: { type: 'string', default: '6,7,9,10,11,12' },
    rounds: { type: 'string', default: '5' },
    calls: { type: 'string', default: '30000' },
    rate: { type: 'string', default: '1000' },
    queued: { type: 'string', default: '100000' },
    agents: { type: 'string', default: '10000' },
  },
});
const rounds = Number(values.rounds);
submitOnly(Number(values.calls));
const ROWS: Readonly<Record<string, () => Promise<readonly Figures[]>>> = {
  6: () => unarySubmit(rounds),
  7: () => streamedSubmit(rounds),
  9: () => push(rounds, Number(values.rate)),
  10: () => backlog(rounds, Number(values.queued)),
  11: () => agents(rounds, Number(values.agents)),
  12: () => events(rounds),
};

interface Limit {
  readonly limit: number;
  readonly atLeast?: boolean;
  readonly what: string;
}
const limits = JSON.parse(readFileSync(join(import.meta.dirname, 'limits.json'), 'utf8')) as Record<string, Limit>;

const lines: string[][] = [];
for (const name of values.rows.split(',')) {
  const row = ROWS[name];
  if (row === undefined) throw new Error(`there is no row ${name}; there is: ${Object.keys(ROWS).join(', ')}`);
  for (const figures of await row()) lines.push(line(figures));
  console.error(`row ${name} is measured`);
}
const HEAD = ['row', 'what', 'measured', 'floor or peer', 'ratio (spread)', 'goal', ''];
console.log(
  table(
    HEAD.map((title, place) => ({ title, cell: (cells: readonly string[]) => cells[place] ?? '' })),
    lines,
    (text) => text,
  ),
);

function line({ row, unit, rounds: pairs }: Figures): string[] {
  const { limit, atLeast = false, what } = limits[row]!;
  const ratios = pairs.map(({ system, floor }) => system / floor).toSorted((a, b) => a - b);
  const ratio = middle(ratios);
  const isMet = atLeast ? ratio >= limit : ratio <= limit;
  const shown = (values: readonly number[]): string => `${middle(values).toFixed(2)} ${unit}`;
  return [
    row,
    what,
    shown(pairs.map(({ system }) => system)),
    shown(pairs.map(({ floor }) => floor)),
    `${ratio.toPrecision(3)} (${ratios[0]!.toPrecision(3)} to ${ratios.at(-1)!.toPrecision(3)})`,
    `${atLeast ? '≥' : '≤'} ${limit}`,
    isMet ? 'met' : 'missed',
  ];
}

function middle(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)]!;
}

/** The table of a benchmark: each ratio beside its spread and its goal (limits.json). */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { table } from '../../src/cli/table.ts';
import { median } from './measure.ts';

interface Limit {
  readonly limit: number;
  readonly atLeast?: boolean;
  readonly what: string;
}

const limits = JSON.parse(readFileSync(join(import.meta.dirname, 'limits.json'), 'utf8')) as Record<string, Limit>;
const HEAD = ['row', 'what', 'measured', 'floor or peer', 'ratio', 'spread', 'goal', ''];
const lines: string[][] = [];
let missed = 0;

/** Rounds of both, in turns: the ratio of their medians, and the middle half of the rounds' own ratios. */
export function reportRounds(row: string, over: readonly number[], under: readonly number[], note = ''): void {
  const ratios = over.map((value, i) => value / (under[i] as number)).sort((a, b) => a - b);
  const at = (part: number): string => (ratios[Math.floor(part * (ratios.length - 1))] as number).toPrecision(3);
  report(row, us(median(over)), us(median(under)) + note, median(over) / median(under), `${at(0.25)} to ${at(0.75)}`);
}

export function report(row: string, measured: string, against: string, ratio: number, spread = ''): void {
  const { limit, atLeast = false, what } = limits[row] as Limit;
  const isMet = atLeast ? ratio >= limit : ratio <= limit;
  if (!isMet) missed++;
  const goal = `${atLeast ? '≥' : '≤'} ${limit}`;
  lines.push([row, what, measured, against, ratio.toPrecision(3), spread, goal, isMet ? 'met' : 'missed']);
}

export function us(microseconds: number): string {
  if (microseconds < 1_000) return `${microseconds.toFixed(2)} µs`;
  return microseconds < 1_000_000
    ? `${(microseconds / 1_000).toFixed(2)} ms`
    : `${(microseconds / 1_000_000).toFixed(2)} s`;
}

export function print(head: readonly string[], rows: readonly (readonly string[])[]): void {
  const columns = head.map((title, i) => ({ title, cell: (line: readonly string[]) => line[i] ?? '' }));
  console.log(table(columns, rows, (text) => text));
}

export function printReport(): void {
  print(HEAD, lines);
  console.log(missed === 0 ? 'every goal is met' : `${missed} goals are missed`);
}

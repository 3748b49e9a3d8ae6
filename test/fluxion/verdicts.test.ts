/**
 * Fluxion's verdicts on its own test data. They are not part of this repository: the folder is looked for beside the
 * checkout, and the test says so where it is absent.
 */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { readGraph } from '../../src/core/graph/read.ts';
import { readJobspec } from '../../src/core/jobspec/read.ts';
import { createMatcher } from '../../src/core/match/create.ts';

const folder = '../shared/data/fluxion';
const isThere = existsSync(`${folder}/cases.tsv`);
const reasons = ['slot-gathers', 'ssd-beside-node', 'unequal-depths'];

interface Row {
  readonly question: string;
  readonly graph: string;
  readonly jobspec: string;
  readonly theirs: string;
}

function rows(path: string): string[][] {
  const lines = readFileSync(path, 'utf8').trimEnd().split('\n');
  return lines.map((line) => line.split('\t'));
}

describe.skipIf(!isThere)('verdicts of Fluxion', () => {
  test('differ only where it is listed', () => {
    const matcher = createMatcher();
    for (const graph of readdirSync(`${folder}/graphs`)) {
      matcher.setCluster(graph, readGraph(readFileSync(`${folder}/graphs/${graph}`, 'utf8')), []);
    }
    const cases = rows(`${folder}/cases.tsv`).map(([graph = '', jobspec = '', theirs = '']): Row => ({
      question: `${graph} ${jobspec}`,
      graph,
      jobspec,
      theirs,
    }));
    expect(cases.length).toBeGreaterThan(1_000);
    const different: string[] = [];
    const incomplete: string[] = [];
    for (const { question, graph, jobspec, theirs } of cases) {
      const format = jobspec.endsWith('.json') ? 'json' : 'yaml';
      const { request } = readJobspec(readFileSync(`${folder}/jobspecs/${jobspec}`, 'utf8'), { format });
      const { fits, reasons } = matcher.satisfiable(graph, request);
      if (fits !== (theirs === 'SAT' ? 'yes' : 'no')) different.push(`${question} ${theirs} ${fits}`);
      // A no has a reason, and what fits has a place.
      if (reasons.length > 0 === (fits === 'yes')) incomplete.push(`${question}: ${reasons.length} reasons`);
      if ((matcher.place(graph, request, 'all') !== null) !== (fits === 'yes')) incomplete.push(`${question}: place`);
    }
    expect(incomplete).toEqual([]);
    const listed = rows('test/fluxion/differences.tsv').slice(1);
    expect(different.sort()).toEqual(listed.map((row) => row.slice(0, 4).join(' ')).sort());
  });
});

test('every listed difference has a known reason', () => {
  for (const row of rows('test/fluxion/differences.tsv').slice(1)) expect(reasons).toContain(row[4]);
});

/**
 * Fluxion's own questions: 10,000 nodes of 36 cores and 4 gpus. What it needed is as published with its tests; where
 * `resource-query` is at hand (RAINBOW_RESOURCE_QUERY, or on the PATH) it is run on the same graph.
 */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { generateGraph } from '../../src/core/graph/generate.ts';
import { readGraph } from '../../src/core/graph/read.ts';
import { readJobspec } from '../../src/core/jobspec/read.ts';
import { createMatcher } from '../../src/core/match/create.ts';
import type { Witness } from '../../src/core/match/matcher.ts';
import { cpu, heldBytes, median } from './measure.ts';
import { print, us } from './report.ts';

const ROUNDS = 15;

function jobspecOf(nodes: number, cores: number, gpus: number): string {
  const kinds = [
    { type: 'core', count: cores },
    { type: 'gpu', count: gpus },
  ];
  const slot = { type: 'slot', count: 1, label: 'task', with: kinds };
  return JSON.stringify({
    version: 9999,
    resources: [{ type: 'node', count: nodes, with: [slot] }],
    tasks: [{ command: ['app'], slot: 'task', count: { per_slot: 1 } }],
    attributes: { system: { duration: 3600 } },
  });
}

export function askFluxionsQuestions(): void {
  const text = generateGraph({ name: 'big', nodes: 10_000, coresPerNode: 36, gpusPerNode: 4 });
  const before = heldBytes();
  const matcher = createMatcher();
  const loading = cpu(() => matcher.setCluster('c', readGraph(text), []));
  const kept = heldBytes() - before;
  /** Another request each time: nothing is known beforehand. */
  const ask = (work: (round: number) => boolean): number =>
    median(
      Array.from({ length: ROUNDS }, (_, round) => {
        let fits = false;
        const time = cpu(() => (fits = work(round)));
        if (!fits) throw new Error('the answer is wrong');
        return time;
      }),
    );
  const requestOf = (nodes: number, cores: number, gpus: number) =>
    readJobspec(jobspecOf(nodes, cores, gpus), { format: 'json' }).request;
  const one = Array.from({ length: ROUNDS }, (_, i) => requestOf(1, 36 - i, 1));
  const impossible = Array.from({ length: ROUNDS }, (_, i) => requestOf(1, 37 + i, 1));
  const low = Array.from({ length: ROUNDS }, (_, i) => requestOf(1, 20 + i, 4));
  const rows = [
    ['fits, nothing taken', us(ask((i) => matcher.satisfiable('c', one[i]!).fits === 'yes')), '62 µs (first match)'],
    ['cannot be satisfied', us(ask((i) => matcher.satisfiable('c', impossible[i]!).fits === 'no')), '285 ms'],
    [
      'vertices of the first that fit, taken and given back',
      us(
        ask((i) => {
          const witness = matcher.place('c', low[i]!, 'free');
          matcher.debit('c', `job ${i}`, witness as Witness);
          matcher.credit('c', `job ${i}`);
          return witness !== null;
        }),
      ),
      '220 ms (policy low)',
    ],
    ['load', us(loading), '2.25 s'],
    ['memory kept', `${(kept / 2 ** 20).toFixed(1)} MiB`, '1 GiB'],
  ];
  console.log('\n10,000 nodes of 36 cores and 4 gpus');
  print(['question', 'here', 'Fluxion, as published'], rows);
  askResourceQuery(text, { fits: jobspecOf(1, 36, 1), impossible: jobspecOf(1, 37, 1) });
}

/** Vertices as a list with ids, edges with their subsystem. */
export function asItReadsIt(graph: string): string {
  const { nodes, edges } = (
    JSON.parse(graph) as {
      graph: {
        nodes: Readonly<Record<string, { metadata: unknown }>>;
        edges: readonly { source: string; target: string }[];
      };
    }
  ).graph;
  return JSON.stringify({
    graph: {
      nodes: Object.entries(nodes).map(([id, { metadata }]) => ({ id, metadata })),
      edges: edges.map(({ source, target }) => ({ source, target, metadata: { subsystem: 'containment' } })),
    },
  });
}

/** Seconds as resource-query itself measures each match; what it prints otherwise is passed on. */
function askResourceQuery(graph: string, jobspecs: Readonly<Record<string, string>>): void {
  const program = process.env['RAINBOW_RESOURCE_QUERY'] ?? 'resource-query';
  if (spawnSync(program, ['--help']).error !== undefined) {
    console.log('resource-query is not on this machine (RAINBOW_RESOURCE_QUERY or PATH): not run beside it');
    return;
  }
  const folder = mkdtempSync(join(tmpdir(), 'rainbow-bench-'));
  try {
    const file = join(folder, 'graph.json');
    writeFileSync(file, asItReadsIt(graph));
    const commands = Object.entries(jobspecs).map(([name, text]) => {
      const path = join(folder, `${name}.json`);
      writeFileSync(path, text);
      return `match satisfiability ${path}`;
    });
    const input = [...commands, 'quit', ''].join('\n');
    for (const policy of ['first', 'low']) {
      const args = ['-L', file, '-f', 'jgf', '-S', 'CA', '-P', policy, '-e'];
      const { stdout, stderr } = spawnSync(program, args, { input, encoding: 'utf8', maxBuffer: 2 ** 30 });
      const said = `${stdout}${stderr}`.split('\n').filter((line) => /satisf|elapse|load time|error/i.test(line));
      console.log([`resource-query on the same graph, policy ${policy}:`, ...said].join('\n  '));
    }
  } finally {
    rmSync(folder, { recursive: true });
  }
}

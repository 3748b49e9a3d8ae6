/**
 * Random small graphs and jobspecs that Fluxion understands too, asked of its `resource-query` and of the matcher. The
 * program is not part of this repository: RAINBOW_RESOURCE_QUERY names it, and the test says so where it does not.
 * RAINBOW_BESIDE: graphs, default 60, of ten questions each; RAINBOW_SEED: which.
 */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { readGraph } from '../../src/core/graph/read.ts';
import { readJobspec } from '../../src/core/jobspec/read.ts';
import { createMatcher } from '../../src/core/match/create.ts';
import { seededRandom, type SeededRandom } from '../../src/core/random.ts';

const program = process.env['RAINBOW_RESOURCE_QUERY'];
const graphs = Number(process.env['RAINBOW_BESIDE'] ?? 60);
const seed = process.env['RAINBOW_SEED'] ?? 'beside';
const QUESTIONS = 10;

interface Vertex {
  readonly type: string;
  readonly size: number;
  readonly kids: readonly Vertex[];
}

/** Every node in a rack or none, every core in a socket or none: with Fluxion a type is at one depth. */
interface Depths {
  readonly racks: boolean;
  readonly sockets: boolean;
}

interface Asked {
  readonly type: string;
  readonly count: number;
  readonly label?: string;
  readonly with?: readonly Asked[];
}

function tree(random: SeededRandom, { racks, sockets }: Depths): Vertex {
  const times = (most: number, make: () => Vertex): Vertex[] => Array.from({ length: 1 + random.below(most) }, make);
  const leaf = (type: string, size = 1): Vertex => ({ type, size, kids: [] });
  const things = (): Vertex[] => [
    ...times(4, () => leaf('core')),
    ...Array.from({ length: random.below(3) }, () => leaf('gpu')),
    ...Array.from({ length: random.below(3) }, () => leaf('memory', 1 + random.below(4))),
  ];
  const socket = (): Vertex => ({ type: 'socket', size: 1, kids: things() });
  const node = (): Vertex => ({ type: 'node', size: 1, kids: sockets ? times(2, socket) : things() });
  const rack = (): Vertex => ({ type: 'rack', size: 1, kids: times(3, node) });
  return { type: 'cluster', size: 1, kids: racks ? times(3, rack) : times(4, node) };
}

/** As `resource-query` reads it; ours reads that too. */
function jgf(root: Vertex): string {
  const nodes: unknown[] = [];
  const edges: unknown[] = [];
  const numbers = new Map<string, number>();
  const visit = (vertex: Vertex, above: string, parent: number | null, rank: number): void => {
    const uniq = nodes.length;
    const { type, size } = vertex;
    const number = numbers.get(type) ?? 0;
    numbers.set(type, number + 1);
    const path = `${above}/${type}${number}`;
    const on = type === 'node' ? number : rank;
    const own = { type, basename: type, name: `${type}${number}`, id: number, uniq_id: uniq, rank: on, unit: '', size };
    nodes.push({ id: String(uniq), metadata: { ...own, exclusive: false, paths: { containment: path } } });
    if (parent !== null) {
      edges.push({ source: String(parent), target: String(uniq), metadata: { subsystem: 'containment' } });
    }
    for (const kid of vertex.kids) visit(kid, path, uniq, on);
  };
  visit(root, '', null, -1);
  return JSON.stringify({ graph: { nodes, edges } });
}

/** A slot somewhere on the way from the cluster down to what a task needs; no level inside it is left out (slot-gathers). */
function question(random: SeededRandom, { racks, sockets }: Depths, isThere: (type: string) => boolean): Asked {
  const withRacks = racks && random.below(2) === 0;
  const levels = [...(withRacks ? ['rack'] : []), 'node', ...(sockets ? ['socket'] : [])];
  const least = racks && !withRacks ? 1 : 0;
  const place = least + random.below(levels.length + 1 - least);
  const count = (most: number): number => 1 + random.below(most);
  // Of a type that is not there it says that it does not know it.
  const things = ['core', 'gpu', 'memory'].filter(
    (type) => type === 'core' || (random.below(3) === 0 && isThere(type)),
  );
  const build = (at: number): readonly Asked[] => {
    if (at === place) return [{ type: 'slot', count: count(3), label: 'task', with: inner(at) }];
    return [{ type: levels[at] as string, count: count(3), with: build(at + 1) }];
  };
  const inner = (at: number): readonly Asked[] => {
    if (at === levels.length) return things.map((type) => ({ type, count: count(type === 'memory' ? 5 : 4) }));
    return [{ type: levels[at] as string, count: count(2), with: inner(at + 1) }];
  };
  return build(0)[0] as Asked;
}

function jobspec(resource: Asked): string {
  return JSON.stringify({
    version: 9999,
    resources: [resource],
    tasks: [{ command: ['app'], slot: 'task', count: { per_slot: 1 } }],
    attributes: { system: { duration: 60 } },
  });
}

test.skipIf(program === undefined)(
  'the verdicts are those of resource-query',
  () => {
    const folder = mkdtempSync(join(tmpdir(), 'rainbow-beside-'));
    const different: string[] = [];
    const counts = { yes: 0, no: 0 };
    try {
      for (let g = 0; g < graphs; g++) {
        const random = seededRandom(`${seed} ${g}`);
        const depths = { racks: random.below(2) === 0, sockets: random.below(2) === 0 };
        const graph = jgf(tree(random, depths));
        writeFileSync(join(folder, 'graph.json'), graph);
        const asked = Array.from({ length: QUESTIONS }, () =>
          jobspec(question(random, depths, (type) => graph.includes(`"${type}"`))),
        );
        asked.forEach((text, i) => writeFileSync(join(folder, `${i}.json`), text));
        const theirs = ask(folder);
        const matcher = createMatcher();
        matcher.setCluster('c', readGraph(graph), []);
        asked.forEach((text, i) => {
          const ours = matcher.satisfiable('c', readJobspec(text, { format: 'json' }).request).fits;
          if (ours === 'yes') counts.yes++;
          else counts.no++;
          // Fluxion gives a slot whole pools; here it draws units of them (whole-pools).
          const isOfPools = ours === 'yes' && text.includes('memory');
          if (ours !== theirs[i] && !isOfPools)
            different.push(`${seed} ${g}.${i}: ours ${ours}, theirs ${theirs[i]}: ${text} on ${graph}`);
        });
      }
    } finally {
      rmSync(folder, { recursive: true });
    }
    expect(different).toEqual([]);
    expect(Math.min(counts.yes, counts.no)).toBeGreaterThan((graphs * QUESTIONS) / 20);
  },
  600_000,
);

function ask(folder: string): string[] {
  const commands = Array.from({ length: QUESTIONS }, (_, i) => `match satisfiability ${join(folder, `${i}.json`)}\n`);
  const args = ['-L', join(folder, 'graph.json'), '-f', 'jgf', '-S', 'CA', '-P', 'low', '-d'];
  const { stdout, stderr } = spawnSync(program as string, args, {
    input: `${commands.join('')}quit\n`,
    encoding: 'utf8',
  });
  const said = `${stdout}\n${stderr}`.match(/(Unsatisfiable|Satisfiable) request/g) ?? [];
  if (said.length !== QUESTIONS) throw new Error(`resource-query said ${stdout}${stderr}`);
  return said.map((words) => (words.startsWith('S') ? 'yes' : 'no'));
}

/** What is free, under any order of debits, credits and reports: exact, never above capacity, the same when rebuilt. */
import { isDeepStrictEqual } from 'node:util';
import { describe, expect, test } from 'vitest';
import type { ResourceGraph } from '../../src/core/graph/graph.ts';
import type { Request } from '../../src/core/jobspec/jobspec.ts';
import { createMatcher } from '../../src/core/match/create.ts';
import type { Witness } from '../../src/core/match/matcher.ts';
import { takesOf } from '../../src/core/match/takes.ts';
import { seededRandom } from '../../src/core/random.ts';
import { bruteForce, type Taken } from './brute-force.ts';
import { caseCount, caseSeed, makeCase, randomRequest, typesBelow } from './cases.ts';
import { checkWitness } from './check-witness.ts';
import { grow, requestOf } from './grow.ts';

const count = Math.ceil(caseCount / 50);

describe('what is free', () => {
  test(`${count} random histories, seed ${caseSeed}`, { timeout: 3_600_000 }, () => {
    const seen = { debit: 0, credit: 0, report: 0, full: 0 };
    const wrong: string[] = [];
    for (let i = 0; i < count; i++) wrong.push(...history(`${caseSeed} history ${i}`, seen));
    expect(wrong).toEqual([]);
    expect(Object.values(seen).filter((times) => times < count / 10)).toEqual([]);
  });
});

interface Seen {
  debit: number;
  credit: number;
  report: number;
  full: number;
}

/** What goes wrong in one random history; nothing where all is right. */
function history(seed: string, seen: Seen): string[] {
  const random = seededRandom(`${seed} steps`);
  const { graph, subsystems } = makeCase(seed);
  const types = typesBelow(graph);
  const matcher = createMatcher();
  matcher.setCluster('c', graph, subsystems);
  const debits = new Map<string, Witness>();
  const wrong: string[] = [];
  let busy: number[] = [];
  for (let step = 0; step < 6; step++) {
    const check = (what: string, got: unknown, expected: unknown): void => {
      if (!isDeepStrictEqual(got, expected)) {
        wrong.push(`${seed}, step ${step}: ${what}: ${JSON.stringify(got)} instead of ${JSON.stringify(expected)}`);
      }
    };
    // 1. Ask, and place where it fits.
    const request = randomRequest(random, types);
    const taken = takenBy(graph, debits, busy);
    const expected = bruteForce(graph, subsystems, request, taken);
    const { fits } = matcher.startable('c', request);
    check('startable', fits, expected === 'unknown' ? fits : expected);
    const witness = matcher.place('c', request, 'free');
    check('has a place', witness !== null, fits === 'yes');
    if (witness !== null) check('the place', wrongWith(graph, subsystems, request, witness, taken), []);
    // 2. Change what is free.
    const what = random.below(5);
    if (what === 0) {
      const key = [...debits.keys()][0];
      matcher.credit('c', key ?? 'nobody');
      if (key !== undefined) seen.credit++;
      debits.delete(key ?? '');
    } else if (what === 1) {
      busy = Array.from({ length: random.below(3) }, () => random.below(graph.size));
      const includes = [...debits.keys()].slice(0, random.below(2));
      matcher.report('c', busy, includes);
      for (const key of includes) debits.delete(key);
      seen.report++;
    } else if (witness === null) seen.full++;
    else {
      matcher.debit('c', `job ${step}`, witness);
      matcher.debit('c', `job ${step}`, witness);
      debits.set(`job ${step}`, witness);
      seen.debit++;
    }
    // 3. What is counted is what is there; never more than there is.
    check(
      'counts',
      matcher.counts('c').map(shortly).toSorted(),
      countsOf(graph, takenBy(graph, debits, busy)).toSorted(),
    );
    // 4. The same history at once, and the same graph registered again.
    const rebuilt = createMatcher();
    rebuilt.setCluster('c', graph, subsystems);
    for (const [key, of] of debits) rebuilt.debit('c', key, of);
    rebuilt.report('c', busy, []);
    check('counts when rebuilt', matcher.counts('c'), rebuilt.counts('c'));
    check('startable when rebuilt', matcher.startable('c', request).fits, rebuilt.startable('c', request).fits);
    rebuilt.setCluster('c', graph, subsystems);
    check('counts when registered again', matcher.counts('c'), rebuilt.counts('c'));
  }
  // 5. Everything given back is everything.
  for (const key of debits.keys()) matcher.credit('c', key);
  matcher.report('c', [], []);
  if (matcher.counts('c').some(({ total, free }) => total !== free)) wrong.push(`${seed}: something is not given back`);
  return wrong;
}

function wrongWith(
  graph: ResourceGraph,
  subsystems: Parameters<typeof checkWitness>[1],
  request: Request,
  witness: Witness,
  taken: Taken,
): string[] {
  return request.groups.flatMap((group, i) => {
    const placed = witness.groups[i];
    return placed === undefined ? [] : checkWitness(graph, subsystems, group.vertices, placed, taken);
  });
}

function takenBy(graph: ResourceGraph, debits: ReadonlyMap<string, Witness>, busy: readonly number[]): Taken {
  const drawn = new Map<number, number>();
  const gone = new Set(busy);
  const parents = new Set(graph.parents);
  const look = (vertex: number): { size: number; hasKids: boolean } => ({
    size: graph.sizes[vertex] as number,
    hasKids: parents.has(vertex),
  });
  for (const witness of debits.values()) {
    for (const { vertex, amount, whole } of takesOf(witness, look)) {
      if (whole) gone.add(vertex);
      else drawn.set(vertex, (drawn.get(vertex) ?? 0) + amount);
    }
  }
  return { drawn, gone };
}

function shortly({ type, total, free }: { type: string; total: number; free: number }): string {
  return `${type} ${free.toFixed(9)} of ${total}`;
}

function countsOf(graph: ResourceGraph, taken: Taken): string[] {
  const counts = new Map<string, { type: string; total: number; free: number }>();
  const there = new Set<number>();
  for (let vertex = 0; vertex < graph.size; vertex++) {
    const type = graph.types[vertex] as string;
    const size = graph.sizes[vertex] as number;
    const count = counts.get(type) ?? { type, total: 0, free: 0 };
    counts.set(type, count);
    count.total += size;
    const parent = graph.parents[vertex] as number;
    if (taken.gone.has(vertex) || (parent !== -1 && !there.has(parent))) continue;
    there.add(vertex);
    count.free += Math.max(0, size - (taken.drawn.get(vertex) ?? 0));
  }
  return [...counts.values()].map(shortly);
}

test('a long history on a large cluster is as the same state made at once', { timeout: 120_000 }, () => {
  // Long enough for classes of states that are gone to be forgotten several times.
  const random = seededRandom(`${caseSeed} long`);
  const graph = grow('cluster[4*rack[16*node[2*socket[16*core] memory(64)]]]');
  const matcher = createMatcher();
  matcher.setCluster('c', graph, []);
  const requests = Array.from({ length: 40 }, () =>
    requestOf(`
      - {type: slot, count: ${1 + random.below(9)}, label: task, with: [{type: core, count: ${1 + random.below(5)}}, {type: memory, count: ${1 + random.below(5)}}]}`),
  );
  const debits = new Map<string, Witness>();
  const wrong: string[] = [];
  for (let step = 0; step < 6_000; step++) {
    const witness = matcher.place('c', requests[random.below(requests.length)] as Request, 'free');
    if (witness === null || random.below(3) === 0) {
      const key = [...debits.keys()][random.below(Math.max(1, debits.size))] ?? '';
      matcher.credit('c', key);
      debits.delete(key);
    } else {
      matcher.debit('c', `job ${step}`, witness);
      debits.set(`job ${step}`, witness);
    }
    if (step % 1_000 !== 999) continue;
    const rebuilt = createMatcher();
    rebuilt.setCluster('c', graph, []);
    for (const [key, of] of debits) rebuilt.debit('c', key, of);
    if (!isDeepStrictEqual(matcher.counts('c'), rebuilt.counts('c'))) wrong.push(`counts at ${step}`);
    for (const request of requests) {
      const [got, expected] = [matcher, rebuilt].map((of) => of.startable('c', request).fits);
      if (got !== expected) wrong.push(`${got} instead of ${expected} at ${step}`);
    }
  }
  expect(wrong).toEqual([]);
  for (const key of debits.keys()) matcher.credit('c', key);
  expect(matcher.counts('c').every(({ total, free }) => total === free)).toBe(true);
});

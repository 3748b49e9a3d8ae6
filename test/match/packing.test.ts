/** Large counts on many hosts: the packing that stands in for sums of fronts when these grow too long. */
import { describe, expect, test } from 'vitest';
import { covers, maxima, power, sum, zero, type Front, type Vector } from '../../src/core/match/front.ts';
import { pack, type Hosts } from '../../src/core/match/packing.ts';

import { Steps } from '../../src/core/match/steps.ts';
import { createMatcher } from '../../src/core/match/create.ts';
import type { Request } from '../../src/core/jobspec/jobspec.ts';
import { seededRandom } from '../../src/core/random.ts';
import { nothingTaken } from './brute-force.ts';
import { caseSeed } from './cases.ts';
import { checkWitness } from './check-witness.ts';
import { grow, requestOf } from './grow.ts';

const plenty = new Steps(Infinity);

describe('packing', () => {
  test('agrees with the sum of all fronts', { timeout: 600_000 }, () => {
    const random = seededRandom(`${caseSeed} packing`);
    const wrong: string[] = [];
    const seen = { yes: 0, no: 0 };
    for (let i = 0; i < 3_000; i++) {
      const dimensions = 2 + random.below(2);
      const vector = (top: number): Vector => Array.from({ length: dimensions }, () => random.below(top));
      const hosts: Hosts[] = Array.from({ length: 1 + random.below(3) }, () => ({
        front: maxima(
          Array.from({ length: 1 + random.below(4) }, () => vector(5)),
          plenty,
        ),
        count: 1 + random.below(6),
      }));
      const demand = vector(20).map((value) => value + 1);
      let all: Front = zero(dimensions);
      for (const { front, count } of hosts) all = sum(all, power(front, count, demand, plenty), demand, plenty);
      const packed = pack(hosts, demand, new Steps(1_000_000));
      seen[packed === null ? 'no' : 'yes']++;
      if ((packed !== null) !== covers(all, demand)) wrong.push(JSON.stringify({ hosts, demand, packed }));
    }
    expect(wrong).toEqual([]);
    expect(Math.min(seen.yes, seen.no)).toBeGreaterThan(500);
  });

  test('finds the last slot that fits on 100 nodes, and places them all', () => {
    const graph = grow('cluster[100*node[31*core]]');
    const matcher = createMatcher();
    matcher.setCluster('c', graph, []);
    const request = (large: number, small: number): Request =>
      requestOf(`
        - {type: slot, count: ${large}, label: "resources[0]", with: [{type: core, count: 7}]}
        - {type: slot, count: ${small}, label: "resources[1]", with: [{type: core, count: 3}]}`);
    for (const large of [1, 90, 250, 301, 399]) {
      const most = mostSmall(100, 31, 7, 3, large);
      expect(matcher.satisfiable('c', request(large, most)).fits).toBe('yes');
      expect(matcher.satisfiable('c', request(large, most + 1)).fits).toBe('no');
      const asked = request(large, most);
      const witness = matcher.place('c', asked, 'all');
      const group = witness?.groups[0] ?? { key: '', slots: [], claims: [] };
      expect(group.slots).toHaveLength(large + most);
      expect(checkWitness(graph, [], asked.groups[0]?.vertices ?? [], group, nothingTaken)).toEqual([]);
    }
  });

  test('10,000 nodes of two kinds are no matter', () => {
    const graph = grow('cluster[5000*node[8*core] 5000*node[12*core gpu]]');
    const matcher = createMatcher();
    matcher.setCluster('c', graph, []);
    const request = (large: number): Request =>
      requestOf(`
        - {type: slot, count: 4000, label: a, with: [{type: core, count: 5}, {type: gpu, count: 1}]}
        - {type: slot, count: ${large}, label: b, with: [{type: core, count: 8}]}`);
    // The thousand nodes with a gpu left over hold one each, and so does every node without.
    expect(matcher.satisfiable('c', request(6_000)).fits).toBe('yes');
    expect(matcher.satisfiable('c', request(6_001)).fits).toBe('no');
  });
});

/** Most slots of `small` cores beside so many of `large` on equal nodes, by dynamic programming. */
function mostSmall(nodes: number, cores: number, large: number, small: number, wanted: number): number {
  let best = Array.from({ length: wanted + 1 }, (_, i) => (i === 0 ? 0 : -Infinity));
  for (let node = 0; node < nodes; node++) {
    const next = best.map(() => -Infinity);
    for (let placed = 0; placed <= wanted; placed++) {
      for (let here = 0; here * large <= cores && placed + here <= wanted; here++) {
        const value = (best[placed] as number) + Math.floor((cores - here * large) / small);
        next[placed + here] = Math.max(next[placed + here] as number, value);
      }
    }
    best = next;
  }
  return best[wanted] as number;
}

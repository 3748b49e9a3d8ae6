/**
 * The matcher against brute force on random small trees, all request shapes. RAINBOW_CASES sets how many cases,
 * RAINBOW_SEED which; a mismatch prints the seed of its case, which `makeCase` makes again.
 */
import { describe, expect, test } from 'vitest';
import { createMatcher } from '../../src/core/match/create.ts';
import type { Fits } from '../../src/core/match/matcher.ts';
import { bruteForce, nothingTaken } from './brute-force.ts';
import { caseCount, caseSeed, makeCase, type Case } from './cases.ts';
import { checkWitness } from './check-witness.ts';
import { shrunken } from './shrink.ts';

describe('against brute force', () => {
  test(`${caseCount} random cases, seed ${caseSeed}`, { timeout: 3_600_000 }, () => {
    const seen = { yes: 0, no: 0, unknown: 0 };
    for (let i = 0; i < caseCount; i++) {
      const made = makeCase(`${caseSeed} ${i}`);
      const wrong = disagreement(made);
      if (wrong !== null) throw new Error(`${wrong}\n${shrunken(made, disagreement)}`);
      seen[bruteForce(made.graph, made.subsystems, made.request)]++;
    }
    // The cases are worth something only if they go both ways.
    expect(seen.yes).toBeGreaterThan(caseCount / 10);
    expect(seen.no).toBeGreaterThan(caseCount / 10);
  });

  test('a small budget makes it unknown, never wrong', () => {
    let unknown = 0;
    const wrong: string[] = [];
    for (let i = 0; i < 500; i++) {
      const { seed, graph, subsystems, request } = makeCase(`${caseSeed} small ${i}`);
      const matcher = createMatcher({ budget: 12 });
      matcher.setCluster('c', graph, subsystems);
      const { fits } = matcher.satisfiable('c', request);
      if (fits === 'unknown') unknown++;
      else if (fits !== bruteForce(graph, subsystems, request)) wrong.push(seed);
    }
    expect(wrong).toEqual([]);
    expect(unknown).toBeGreaterThan(5);
  });
});

/** What is wrong with the matcher's answer, its reasons or its placement; null where nothing is. */
function disagreement({ graph, subsystems, request }: Omit<Case, 'text' | 'seed'>): string | null {
  const matcher = createMatcher();
  matcher.setCluster('c', graph, subsystems);
  const expected: Fits = bruteForce(graph, subsystems, request);
  const { fits } = matcher.satisfiable('c', request);
  if (expected === 'unknown') return null;
  if (fits !== expected) return `the matcher says ${fits}, brute force ${expected}`;
  if (matcher.satisfying(request).yes.length !== (fits === 'yes' ? 1 : 0)) return 'satisfying disagrees';
  const witness = matcher.place('c', request, 'all');
  if ((witness !== null) !== (fits === 'yes')) return `it is ${fits}, but its place is ${JSON.stringify(witness)}`;
  if (witness === null) return null;
  const wrong = request.groups.flatMap((group, i) => {
    const placed = witness.groups[i];
    return placed === undefined
      ? ['a group is missing']
      : checkWitness(graph, subsystems, group.vertices, placed, nothingTaken);
  });
  return wrong.length === 0 ? null : `${wrong.join(', ')} in ${JSON.stringify(witness)}`;
}

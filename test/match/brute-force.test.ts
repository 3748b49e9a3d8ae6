/**
 * The matcher against brute force on random small trees, all request shapes. RAINBOW_CASES sets how many cases,
 * RAINBOW_SEED which; a mismatch prints the seed of its case, which `makeCase` makes again.
 */
import { describe, expect, test } from 'vitest';
import { createMatcher } from '../../src/core/match/create.ts';
import { bruteForce } from './brute-force.ts';
import { caseCount, caseSeed, makeCase, type Case } from './cases.ts';
import { disagreement } from './disagreement.ts';
import { shrunken } from './shrink.ts';
import { makeWideCase } from './wide-cases.ts';

describe('against brute force', () => {
  const kinds = [
    ['random', caseCount, makeCase],
    ['wide', Math.ceil(caseCount / 4), makeWideCase],
  ] as const;
  test.each(kinds)(
    `%s: %i cases, seed ${caseSeed}`,
    { timeout: 3_600_000 },
    (_, count, make: (seed: string) => Case) => {
      const seen = { yes: 0, no: 0, unknown: 0 };
      for (let i = 0; i < count; i++) {
        const made = make(`${caseSeed} ${i}`);
        const wrong = disagreement(made);
        if (wrong !== null) throw new Error(`${wrong}\n${shrunken(made, disagreement)}`);
        seen[bruteForce(made.graph, made.subsystems, made.request)]++;
      }
      // The cases are worth something only if they go both ways.
      expect(seen.yes).toBeGreaterThan(count / 10);
      expect(seen.no).toBeGreaterThan(count / 10);
    },
  );

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

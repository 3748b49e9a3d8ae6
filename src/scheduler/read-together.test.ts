import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { readTogether, SMALL_GRAPH, TOGETHER } from './read-together.ts';

test('every cluster once, in order; so many at most, and a large one by itself', () => {
  const total = fc.oneof(fc.nat(10), fc.integer({ min: SMALL_GRAPH - 1, max: SMALL_GRAPH + 1 }));
  fc.assert(
    fc.property(fc.array(total, { maxLength: 100 }), (totals) => {
      const clusters = totals.map((each, id) => ({ id, counts: [{ type: 'core', total: each, unit: '' }] }));
      const parts = readTogether(clusters);
      expect(parts.flat()).toEqual(clusters);
      for (const part of parts) {
        const most = part.some(({ id }) => totals[id]! > SMALL_GRAPH) ? 1 : TOGETHER;
        expect(part.length).toBeLessThanOrEqual(most);
      }
      const small = totals.filter((each) => each <= SMALL_GRAPH).length;
      const large = totals.length - small;
      expect(parts.length).toBeLessThanOrEqual(large + (large + 1) + Math.floor(small / TOGETHER));
    }),
  );
});

import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { insertAllWaiting, insertWaiting, removeWaiting, type Waiting } from './waiting.ts';

test('by priority, then by id as a number; jobs without an id yet come last of their priority', () => {
  const queue: Waiting[] = [];
  for (const entry of [
    { jobId: '10', priority: 0 },
    { jobId: null, priority: 0 },
    { jobId: '9', priority: 0 },
    { jobId: '11', priority: 5 },
  ]) {
    insertWaiting(queue, entry);
  }
  expect(queue.map(({ jobId }) => jobId)).toEqual(['11', '9', '10', null]);
});

test('any order of coming and going leaves it sorted', () => {
  fc.assert(
    fc.property(
      fc.array(fc.record({ id: fc.nat(50), priority: fc.integer({ min: -2, max: 2 }), leave: fc.boolean() })),
      (jobs) => {
        const queue: Waiting[] = [];
        for (const { id, priority, leave } of jobs) {
          const entry = { jobId: String(id + 1), priority };
          insertWaiting(queue, entry);
          if (leave) removeWaiting(queue, entry);
        }
        const places = queue.map(({ jobId, priority }) => -priority * 1000 + Number(jobId));
        expect(places).toEqual(places.toSorted((a, b) => a - b));
        expect(queue).toHaveLength(jobs.filter(({ leave }) => !leave).length);
      },
    ),
  );
});

test('many at once come to stand where one by one would', () => {
  const job = fc.record({ jobId: fc.nat(50).map((id) => String(id + 1)), priority: fc.integer({ min: -2, max: 2 }) });
  fc.assert(
    fc.property(fc.array(job), fc.array(job), (before, more) => {
      const queue: Waiting[] = [];
      for (const entry of before) insertWaiting(queue, entry);
      const oneByOne = [...queue];
      for (const entry of more) insertWaiting(oneByOne, entry);
      insertAllWaiting(queue, more);
      expect(queue).toEqual(oneByOne);
    }),
  );
});

/** How long jobs have on a batch system, by what its partitions say now. */
import { expect, test } from 'vitest';
import type { FoundPartition } from '../../../core/discover/layout.ts';
import { createTimeOf } from './time-of.ts';

const partition = (facts: FoundPartition['facts']): readonly FoundPartition[] => [{ name: 'main', nodes: [], facts }];

test('by the partitions as they are now; a least time where its scheduler knows of that', async () => {
  let now = partition({ default: true, default_time: '02:00:00', max_time: '04:00:00' });
  const timeOf = createTimeOf(async () => now, true);
  const asking = (attributes: object) => ({
    jobspec: JSON.stringify({
      version: 1,
      resources: [{ type: 'slot', count: 1, label: 's', with: [{ type: 'core', count: 1 }] }],
      tasks: [{ command: ['a'], slot: 's', count: { per_slot: 1 } }],
      attributes,
    }),
    walltime: 3600,
  });
  const none = asking({ system: {} });
  const least = asking({ system: { duration: 36_000 }, rainbow: { slurm: { 'time-min': '60' } } });
  expect([await timeOf(none), await timeOf(least)]).toEqual([7200, 14_400]);
  expect(await createTimeOf(async () => now, false)(least)).toBe(36_000);
  now = partition({ default: true, max_time: '00:30:00' });
  expect([await timeOf(none), await timeOf(least)]).toEqual([1800, 36_000]);
});

/**
 * Random lives of jobs over two clusters with agents and one that polls: whatever happens in whatever order, no vertex
 * is given to two jobs, no job leaves the state table, none is lost, and at the end everything is free again.
 */
import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { openRig } from '../../scheduler/testing/rig.ts';
import { action, CLUSTERS, CORES, World } from './testing/world.ts';

const settings = { silentAfter: 30, lostAfter: 100, reassignAfter: 60, notReportedGrace: 20, refusalBackoff: 5 };

test('any order of events keeps capacity, state table and jobs', { timeout: 120_000 }, async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(action, { minLength: 5, maxLength: 60 }),
      fc.constantFrom<'queue' | 'deny'>('queue', 'deny'),
      async (actions, overcommit) => {
        const rig = await openRig({ settings: { ...settings, overcommit } });
        try {
          for (const name of CLUSTERS) await rig.cluster(name, 2, CORES / 2);
          const world = new World(rig);
          for (const one of actions) {
            await world.act(one);
            await world.check();
          }
          await rig.system.settle();
          await world.check();
          await world.finish();
          await world.checkEvents();
          expect((await world.jobs()).map(({ id }) => id).toSorted(byText)).toEqual(world.submitted.toSorted(byText));
          expect(CLUSTERS.map((name) => rig.freeCores(name))).toEqual(CLUSTERS.map(() => CORES));
          for (const agent of world.agents.values()) agent.drop();
          await rig.system.settle();
        } finally {
          await rig.close();
        }
        expect(rig.system.pendingTimers()).toBe(0);
      },
    ),
    { numRuns: 100 },
  );
});

const byText = (a: string, b: string): number => (a < b ? -1 : 1);

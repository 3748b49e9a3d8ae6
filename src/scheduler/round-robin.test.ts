/** Whose turn it is: what the scheduler puts into the state for the `round-robin` policy. */
import { afterEach, beforeEach, expect, test } from 'vitest';
import { coresJob, openRig, type Rig } from './testing/rig.ts';

let rig: Rig;
beforeEach(async () => {
  rig = await openRig();
});
afterEach(() => rig.close());

test('jobs that come one after the other go round', async () => {
  for (const name of ['K', 'L', 'M']) await rig.cluster(name);
  const chosen: (string | null)[] = [];
  for (let i = 0; i < 6; i++) {
    const { job } = await rig.submit(coresJob({ cores: 1 }), { policy: 'round-robin' });
    chosen.push(job.cluster);
  }
  expect(new Set(chosen.slice(0, 3))).toEqual(new Set(['K', 'L', 'M']));
  expect(chosen.slice(3)).toEqual(chosen.slice(0, 3));
});

test('and those that come at once', async () => {
  for (const name of ['K', 'L', 'M']) await rig.cluster(name);
  const jobs = await Promise.all(
    Array.from({ length: 9 }, () => rig.submit(coresJob({ cores: 1 }), { policy: 'round-robin' })),
  );
  for (const name of ['K', 'L', 'M']) expect(jobs.filter(({ job }) => job.cluster === name).length).toBe(3);
});

/** What a part of a cluster has, what of it is free, and what each job has of it. */
import { expect, test } from 'vitest';
import { countParts, takesOf } from './counts.ts';

const node = (name: string, coresTaken: number, gpusTaken = 0) => ({ name, cores: 4, gpus: 2, coresTaken, gpusTaken });
const job = (nodes: string[], cores: number, gpus = 0) => ({ key: null, walltime: 60, elapsed: 0, nodes, cores, gpus });

test('jobs that share a node have it together; what is elsewhere does not count', () => {
  const nodes = [node('a', 3), node('b', 4, 1), node('c', 0)];
  const { total, free, running } = countParts(nodes, [
    job(['a'], 1),
    job(['a'], 1),
    job(['a', 'b'], 5, 1),
    job(['elsewhere'], 9),
    job(['c', 'elsewhere'], 2),
  ]);
  expect(total).toEqual({ node: 3, core: 12, gpu: 6 });
  expect(free).toEqual({ node: 1, core: 5, gpu: 5 });
  expect(running).toHaveLength(4);
  const nodesOf = running.map(({ takes }) => Number(takes['node']!.toFixed(4)));
  expect(nodesOf).toEqual([0.3333, 0.3333, 1.3333, 1]);
  // All that share it gone, it is whole again.
  expect(running.slice(0, 3).reduce((sum, { takes }) => sum + takes['node']!, 0)).toBeGreaterThanOrEqual(2);
  expect(running[3]!.takes['core']).toBe(1);
});

test('a whole node takes its cores along', () => {
  const total = { node: 2, core: 8, gpu: 0 };
  expect(takesOf({ nodes: 2, cores: 1, gpus: 0 }, true, total)).toEqual({ node: 2, core: 8, gpu: 0 });
  expect(takesOf({ nodes: 2, cores: 1, gpus: 3 }, false, total)).toEqual({ core: 1, gpu: 3 });
});

/**
 * What a part of a cluster has and what of it is free, counted by type (node, core, gpu), and what each running job has
 * of it: for estimates of starts. Pure.
 *
 * A node that several jobs share is free again when the last of them ends: each has an equal part of it. Nodes that are
 * out of service are not there.
 */
import type { Counts } from '../../../core/bid/estimate.ts';
import type { QueueNow } from '../runner.ts';

/** Parts of a node are the whole node again, whatever rounding does. */
const TINY = 1e-9;

export interface CountedNode {
  readonly name: string;
  readonly cores: number;
  readonly gpus: number;
  readonly coresTaken: number;
  readonly gpusTaken: number;
}

export type Running = Omit<QueueNow['running'][number], 'takes'> & {
  readonly cores: number;
  readonly gpus: number;
  /** Names; those that are not among the counted do not count. */
  readonly nodes: readonly string[];
};

export function countParts(
  nodes: readonly CountedNode[],
  jobs: readonly Running[],
): Pick<QueueNow, 'total' | 'free' | 'running'> {
  const sum = (of: (node: CountedNode) => number): number => nodes.reduce((total, node) => total + of(node), 0);
  const total = { node: nodes.length, core: sum(({ cores }) => cores), gpu: sum(({ gpus }) => gpus) };
  const free = {
    node: sum(({ coresTaken, gpusTaken }) => (coresTaken + gpusTaken === 0 ? 1 : 0)),
    core: sum(({ cores, coresTaken }) => Math.max(0, cores - coresTaken)),
    gpu: sum(({ gpus, gpusTaken }) => Math.max(0, gpus - gpusTaken)),
  };
  const sharedBy = new Map(nodes.map(({ name }) => [name, 0]));
  const here = jobs.map((job) => ({ ...job, nodes: job.nodes.filter((name) => sharedBy.has(name)) }));
  for (const job of here) for (const name of job.nodes) sharedBy.set(name, sharedBy.get(name)! + 1);
  const running = here.flatMap((job, i) => {
    if (job.nodes.length === 0) return [];
    const part = job.nodes.length / Math.max(1, jobs[i]!.nodes.length);
    const takes: Counts = {
      node: job.nodes.reduce((parts, name) => parts + 1 / sharedBy.get(name)! + TINY, 0),
      core: job.cores * part,
      gpu: job.gpus * part,
    };
    const { key, walltime, elapsed } = job;
    return [{ key, walltime, elapsed, takes }];
  });
  return { total, free, running };
}

/** As `taken` has it of a request: a whole node takes its cores along. */
export function takesOf(
  { nodes, cores, gpus }: { readonly nodes: number; readonly cores: number; readonly gpus: number },
  isWhole: boolean,
  total: Counts,
): Counts {
  if (!isWhole) return { core: cores, gpu: gpus };
  const perNode = (total['core'] ?? 0) / Math.max(1, total['node'] ?? 0);
  return { node: nodes, core: Math.max(cores, nodes * perNode), gpu: gpus };
}

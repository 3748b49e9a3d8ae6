/** Asks Slurm what the cluster is, and how it stands: nodes, partitions, the length of the queue. */
import { layOut, type FoundPartition } from '../../../core/discover/layout.ts';
import { readSlurmNodes, readSlurmPartitions, slurmCluster, type SlurmNode } from '../../../core/discover/slurm.ts';
import { RainbowError } from '../../../core/errors.ts';
import type { Answer } from '../batch/commands.ts';
import type { ClusterNow } from '../runner.ts';
import { failed, type Slurm } from './commands.ts';
import { clusterState } from './nodes.ts';

/** Throws `unavailable` where it cannot be asked. */
export async function askNodes(slurm: Slurm): Promise<readonly SlurmNode[]> {
  const answer = await slurm('scontrol', ['show', 'node', '-d', '-o']);
  if (answer.code !== 0) throw notKnown('scontrol', answer);
  return readSlurmNodes(answer.stdout);
}

/** Throws as above. */
export async function askPartitions(slurm: Slurm): Promise<readonly FoundPartition[]> {
  const answer = await slurm('scontrol', ['show', 'partition', '-o']);
  if (answer.code !== 0) throw notKnown('scontrol', answer);
  return readSlurmPartitions(answer.stdout);
}

/** `name`: of the cluster in its graph. */
export async function askCluster(slurm: Slurm, name: string): Promise<ClusterNow> {
  const [nodes, partitions, queue] = await Promise.all([
    askNodes(slurm),
    askPartitions(slurm),
    slurm('squeue', ['-h', '-a', '-r', '-t', 'PENDING,RUNNING', '-o', '%T']),
  ]);
  if (queue.code !== 0) throw notKnown('squeue', queue);
  const count = (state: string): number => queue.stdout.split('\n').filter((line) => line.trim() === state).length;
  const found = slurmCluster(name, nodes, partitions);
  return {
    ...layOut(found),
    state: clusterState(nodes, { pending: count('PENDING'), running: count('RUNNING') }),
  };
}

/** Whatever it complains of, nothing is known of the cluster, and no job is refused for it. */
function notKnown(program: string, answer: Answer): RainbowError {
  const error = failed(program, answer);
  return error.code === 'unavailable' ? error : new RainbowError('unavailable', error.message);
}

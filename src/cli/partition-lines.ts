/**
 * What a dry run says of the partition that a jobspec names (`attributes.system.queue`): which of the clusters that have
 * registered theirs, as agents of Slurm do, have none of that name, and whether any has. The server is asked what it
 * would answer to a job for such a node.
 */
import type { Cluster } from '../gen/rainbow/v1/clusters_pb.js';
import { Fits, type Candidate } from '../gen/rainbow/v1/job_pb.js';
import { clean } from './paint.ts';

/** The subsystem that partitions are registered as. */
const SUBSYSTEM = 'partition';
/** Of a list, `a,b`: one of them is enough. */
const MOST_NAMES = 8;

/** `match`: the candidates for a jobspec. */
export async function partitionLines(
  jobspec: string,
  clusters: readonly Cluster[],
  match: (jobspec: string) => Promise<readonly Candidate[]>,
): Promise<readonly string[]> {
  const knowing = clusters.filter(({ subsystems }) => subsystems.includes(SUBSYSTEM)).map(({ name }) => name);
  const { Attributes } = await import('../core/translate/attributes.ts');
  const queue = new Attributes(jobspec).peek('system', 'queue');
  if (typeof queue !== 'string' || knowing.length === 0) return [];
  const having = new Set<string>();
  const seen = new Set<string>();
  for (const name of queue.split(',').slice(0, MOST_NAMES)) {
    for (const { cluster, satisfiable } of await match(wanting(name))) {
      seen.add(cluster);
      if (satisfiable !== Fits.NO) having.add(cluster);
    }
  }
  const without = knowing.filter((name) => seen.has(name) && !having.has(name));
  const lines = without.map((name) => `${clean(name)} has no partition ${clean(queue)}: its scheduler would refuse it`);
  if (knowing.some((name) => having.has(name)) || without.length === 0) return lines;
  return [...lines, `no cluster is known to have the partition ${clean(queue)}: it can run only where there are none`];
}

/** A job for one core in such a partition. */
function wanting(partition: string): string {
  const requires = [{ name: SUBSYSTEM, field: 'name', match: partition }];
  return JSON.stringify({
    version: 1,
    resources: [
      {
        type: 'node',
        count: 1,
        requires,
        with: [{ type: 'slot', count: 1, label: 'task', with: [{ type: 'core', count: 1 }] }],
      },
    ],
    tasks: [{ command: ['true'], slot: 'task', count: { per_slot: 1 } }],
    attributes: { system: { duration: 0 } },
  });
}

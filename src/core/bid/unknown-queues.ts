/** Queues of a tariff that a cluster has not: a name written wrong would otherwise show only as a wrong price. Pure. */
import type { Tariff } from './tariff.ts';

/**
 * `partitions`: the cluster's subsystem of that name, JGF 2 as it was discovered; undefined: it has none. Partitions
 * without nodes are not in it. Null: all are there.
 */
export function unknownQueues(tariff: Tariff, partitions: string | undefined): string | null {
  const known = partitions === undefined ? [] : namesIn(partitions);
  const unknown = [...(tariff.queues?.keys() ?? [])].filter((name) => !known.includes(name));
  if (unknown.length === 0) return null;
  const has = known.length === 0 ? 'it has none' : `it has ${listed(known)}`;
  return `no partition or queue of this cluster is called ${listed(unknown)} (${has}): those rates count for no job`;
}

function namesIn(partitions: string): readonly string[] {
  const { graph } = JSON.parse(partitions) as {
    readonly graph: { readonly nodes: Readonly<Record<string, { readonly metadata: Vertex }>> };
  };
  return Object.values(graph.nodes).flatMap(({ metadata: { type, name } }) =>
    type === 'partition' && name !== undefined ? [name] : [],
  );
}

interface Vertex {
  readonly type: string;
  readonly name?: string;
}

const MOST_LISTED = 10;

function listed(names: readonly string[]): string {
  return `${names.slice(0, MOST_LISTED).join(', ')}${names.length > MOST_LISTED ? ', …' : ''}`;
}

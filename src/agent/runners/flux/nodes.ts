/**
 * What is taken on the cluster, by anybody, as vertices of the discovered graph: Flux numbers cores and gpus in their
 * node as the graph does. A node that is out of service is taken whole: it is in the graph still, because a job that
 * needs it waits for it and is not impossible. Pure.
 */
import type { FluxCluster, FluxResources, RankParts } from '../../../core/discover/flux.ts';
import { nodeId, partId, type FoundNode } from '../../../core/discover/layout.ts';

export function takenVertices({ nodes, down, allocated }: FluxResources): readonly string[] {
  return nodes.flatMap((node) => {
    const rank = node.rank ?? -1;
    const [cores, gpus] = [coresOf(node), gpusOf(node)];
    const parts = (type: string, numbers: readonly number[]): string[] =>
      numbers.map((number) => partId(node.name, type, number));
    const upTo = (count: number): number[] => Array.from({ length: count }, (_, i) => i);
    if (down.has(rank)) {
      return [
        nodeId(node.name),
        partId(node.name, 'socket', 0),
        ...parts('core', upTo(cores)),
        ...parts('gpu', upTo(gpus)),
      ];
    }
    const taken = allocated.get(rank);
    if (taken === undefined) return [];
    return [...parts('core', placesOf(taken.cores, cores)), ...parts('gpu', placesOf(taken.gpus, gpus))];
  });
}

/** Where Flux was given only some cores of a node their numbers are not places: then the first ones are named. */
function placesOf(numbers: readonly number[], count: number): readonly number[] {
  if (numbers.every((number) => number < count)) return numbers;
  return Array.from({ length: Math.min(numbers.length, count) }, (_, i) => i);
}

function coresOf({ sockets }: FoundNode): number {
  return sockets.reduce((sum, { cores }) => sum + cores, 0);
}

function gpusOf({ sockets }: FoundNode): number {
  return sockets.reduce((sum, { devices }) => sum + devices.reduce((each, { count }) => each + count, 0), 0);
}

/** Facts of the whole cluster, for policies and people. */
export function clusterState({ nodes, down, allocated, drained, jobs }: FluxCluster): Readonly<Record<string, number>> {
  const rankOf = ({ rank }: FoundNode): number => rank ?? -1;
  const serving = nodes.filter((node) => !down.has(rankOf(node)));
  const away = nodes.filter((node) => down.has(rankOf(node)));
  const sum = (among: readonly FoundNode[], of: (node: FoundNode) => number): number =>
    among.reduce((total, node) => total + of(node), 0);
  const taken = (node: FoundNode): RankParts => allocated.get(rankOf(node)) ?? { cores: [], gpus: [] };
  return {
    nodes_total: nodes.length,
    nodes_free: serving.filter((node) => taken(node).cores.length === 0).length,
    nodes_drained: nodes.filter((node) => drained.has(rankOf(node))).length,
    nodes_down: away.filter((node) => !drained.has(rankOf(node))).length,
    cores_total: sum(nodes, coresOf),
    cores_free: sum(serving, (node) => Math.max(0, coresOf(node) - taken(node).cores.length)),
    gpus_free: sum(serving, (node) => Math.max(0, gpusOf(node) - taken(node).gpus.length)),
    jobs_pending: jobs.pending,
    jobs_running: jobs.running,
  };
}

/**
 * What is taken on the cluster, by anybody, as vertices of the discovered graph: Slurm tells how many cores of a node
 * have a job, and which gpus; so of the cores the first ones are named (they are alike). A node that is out of service
 * is taken whole: it is in the graph still, because a job that needs it waits for it and is not impossible. Pure.
 * Where it stops: memory counts as taken only where all of a node's is; a list of vertices cannot say a part.
 */
import { nodeId, partId } from '../../../core/discover/layout.ts';
import { isInService, type SlurmNode } from '../../../core/discover/slurm.ts';

export function takenVertices(nodes: readonly SlurmNode[]): readonly string[] {
  return nodes.flatMap((node) => {
    if (!isInService(node)) return [nodeId(node.name), ...allParts(node)];
    const cores = Array.from({ length: node.coresTaken }, (_, i) => partId(node.name, 'core', i));
    const devices = node.devicesTaken.flatMap(({ type, indices }) => {
      const there = countOf(node, type);
      return indices.filter((index) => index < there).map((index) => partId(node.name, type, index));
    });
    const memory = node.memoryMiB > 0 && node.memoryTakenMiB >= node.memoryMiB ? [partId(node.name, 'memory', 0)] : [];
    return [...cores, ...devices, ...memory];
  });
}

function allParts(node: SlurmNode): readonly string[] {
  const cores = node.sockets.reduce((sum, socket) => sum + socket.cores, 0);
  const types = new Set([...node.devices, ...node.sockets.flatMap(({ devices }) => devices)].map(({ type }) => type));
  const some = (type: string, count: number): string[] =>
    Array.from({ length: count }, (_, i) => partId(node.name, type, i));
  return [
    ...some('socket', node.sockets.length),
    ...some('core', cores),
    ...[...types].flatMap((type) => some(type, countOf(node, type))),
    ...(node.memoryMiB > 0 ? [partId(node.name, 'memory', 0)] : []),
  ];
}

/** Vertices of that type in the node; a pool is one. */
function countOf(node: SlurmNode, type: string): number {
  return [...node.sockets.flatMap(({ devices }) => devices), ...node.devices]
    .filter((device) => device.type === type)
    .reduce((sum, device) => sum + (device.pool === true ? 1 : device.count), 0);
}

/** Facts of the whole cluster, for policies and people. */
export function clusterState(
  nodes: readonly SlurmNode[],
  queue: { readonly pending: number; readonly running: number },
): Readonly<Record<string, number>> {
  const serving = nodes.filter(isInService);
  const cores = (node: SlurmNode): number => node.sockets.reduce((sum, socket) => sum + socket.cores, 0);
  const drained = nodes.filter((node) => node.flags.some((flag) => flag.startsWith('DRAIN')));
  const gpus = (node: SlurmNode): number => countOf(node, 'gpu');
  const gpusTaken = (node: SlurmNode): number =>
    node.devicesTaken.find(({ type }) => type === 'gpu')?.indices.length ?? 0;
  const sum = (of: (node: SlurmNode) => number, among: readonly SlurmNode[] = serving): number =>
    among.reduce((total, node) => total + of(node), 0);
  return {
    nodes_total: nodes.length,
    nodes_free: serving.filter((node) => node.coresTaken === 0).length,
    nodes_drained: drained.length,
    nodes_down: nodes.length - serving.length - drained.filter((node) => !isInService(node)).length,
    cores_total: sum(cores, nodes),
    cores_free: sum((node) => Math.max(0, cores(node) - node.coresTaken)),
    gpus_free: sum((node) => Math.max(0, gpus(node) - gpusTaken(node))),
    memory_free_gib: Math.floor(sum((node) => Math.max(0, node.memoryMiB - node.memoryTakenMiB)) / 1024),
    jobs_pending: queue.pending,
    jobs_running: queue.running,
  };
}

/**
 * A resource graph from a size, as JGF version 2 text, in the shape that compspec writes: root "0", cluster > rack >
 * node > socket > core, with names, ranks and containment paths. `contains` edges only: their reverse says nothing new.
 */
import { invalid } from '../errors.ts';
import { vertexLimit } from './jgf.ts';

export interface GraphSize {
  /** Of the cluster: the root's name. */
  readonly name: string;
  /** Default 1; nodes are spread over them evenly. */
  readonly racks?: number;
  /** In the whole cluster. */
  readonly nodes: number;
  /** Default 1. Cores, gpus and memory are spread over the sockets of a node evenly. */
  readonly socketsPerNode?: number;
  readonly coresPerNode: number;
  readonly gpusPerNode?: number;
  /** One pool of that size under the node, unit GiB. */
  readonly memoryGiBPerNode?: number;
}

/** Throws `invalid_input` on a count that is no whole number, is negative, or makes too large a graph. */
export function generateGraph(size: GraphSize): string {
  const racks = whole('racks', size.racks ?? 1, 1);
  const nodes = whole('nodes', size.nodes, 1);
  const sockets = whole('socketsPerNode', size.socketsPerNode ?? 1, 1);
  const cores = whole('coresPerNode', size.coresPerNode, 0);
  const gpus = whole('gpusPerNode', size.gpusPerNode ?? 0, 0);
  const memory = whole('memoryGiBPerNode', size.memoryGiBPerNode ?? 0, 0);
  if (racks > nodes) throw invalid('racks', `${racks} racks for ${nodes} nodes: some would be empty`);
  const count = 1 + racks + nodes * (1 + sockets + cores + gpus + (memory > 0 ? 1 : 0));
  if (count > vertexLimit) throw invalid('nodes', `${count} vertices are more than the limit of ${vertexLimit}`);

  const document = new Writer();
  const root = document.vertex(null, 'cluster', size.name, '', -1);
  let rank = 0;
  for (let r = 0; r < racks; r++) {
    const rack = document.vertex(root, 'rack', 'rack', r, -1);
    for (let n = share(nodes, racks, r); n > 0; n--, rank++) {
      const node = document.vertex(rack, 'node', 'node', rank, rank);
      let core = 0;
      let gpu = 0;
      for (let s = 0; s < sockets; s++) {
        const socket = document.vertex(node, 'socket', 'socket', s, rank);
        for (let c = share(cores, sockets, s); c > 0; c--) document.vertex(socket, 'core', 'core', core++, rank);
        for (let g = share(gpus, sockets, s); g > 0; g--) document.vertex(socket, 'gpu', 'gpu', gpu++, rank);
      }
      if (memory > 0) document.vertex(node, 'memory', 'memory', 0, rank, memory, 'GiB');
    }
  }
  return document.text();
}

interface Placed {
  readonly id: number;
  readonly path: string;
}

class Writer {
  readonly #nodes: string[] = [];
  readonly #edges: string[] = [];

  vertex(
    parent: Placed | null,
    type: string,
    basename: string,
    number: number | '',
    rank: number,
    size = 1,
    unit = '',
  ): Placed {
    const id = this.#nodes.length;
    const name = `${basename}${number}`;
    const path = `${parent?.path ?? ''}/${name}`;
    const metadata = {
      type,
      basename,
      name,
      id: number === '' ? 0 : number,
      uniq_id: id,
      rank,
      exclusive: false,
      unit,
      size,
      paths: { containment: path },
    };
    this.#nodes.push(`"${id}":${JSON.stringify({ label: name, metadata })}`);
    if (parent !== null) this.#edges.push(`{"source":"${parent.id}","target":"${id}","relation":"contains"}`);
    return { id, path };
  }

  text(): string {
    return `{"graph":{"directed":true,"nodes":{\n${this.#nodes.join(',\n')}\n},"edges":[\n${this.#edges.join(',\n')}\n]}}\n`;
  }
}

/** How many of `total` go to number `at` of `among`: as even as possible, the first ones get the rest. */
function share(total: number, among: number, at: number): number {
  return Math.floor(total / among) + (at < total % among ? 1 : 0);
}

function whole(place: string, value: number, least: number): number {
  if (Number.isSafeInteger(value) && value >= least) return value;
  throw invalid(place, `a whole number of ${least} or more is needed, this is ${value}`);
}

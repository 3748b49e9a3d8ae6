/**
 * What discovery found, whatever it came from, and the resource graph made of it: cluster > node > (numa >) socket >
 * core and gpu, memory as one pool, other countable resources as vertices or pools. Pure.
 *
 * Invariant: the id of a vertex is the node's name and its place in that node, so that a graph that is discovered anew
 * after nodes came or went names everything else as before, and what is taken of it stays taken.
 */
import { invalid } from '../errors.ts';
import { vertexLimit } from '../graph/jgf.ts';

export interface FoundNode {
  readonly name: string;
  /** Rank where the source has one; else its place in the list. */
  readonly rank?: number;
  readonly sockets: readonly FoundSocket[];
  /** 0: not known. */
  readonly memoryMiB: number;
  /** What is had by node: gpus whose socket is not known too. */
  readonly devices: readonly FoundDevice[];
  /** Words that a job may ask for (features). */
  readonly properties: readonly string[];
  /** Further metadata of the node's vertex. */
  readonly facts?: Readonly<Record<string, string | number | boolean>>;
}

export interface FoundSocket {
  readonly cores: number;
  /** In that socket. */
  readonly devices: readonly FoundDevice[];
  /** Which of the node's NUMA domains it is in, from 0; undefined: not known, or a socket is one. */
  readonly numa?: number;
}

export interface FoundDevice {
  /** `gpu`, `nic`, `shard`. */
  readonly type: string;
  readonly count: number;
  readonly model: string | null;
  /** So many of it are one vertex (a pool of counted units without identity), not vertices of their own. */
  readonly pool?: boolean;
}

export interface FoundCluster {
  readonly name: string;
  readonly nodes: readonly FoundNode[];
  /** Named sets of nodes, as partitions: a subsystem `partition`. */
  readonly partitions: readonly FoundPartition[];
}

export interface FoundPartition {
  readonly name: string;
  /** Names of nodes. */
  readonly nodes: readonly string[];
  readonly facts: Readonly<Record<string, string | number | boolean>>;
}

export interface Discovered {
  /** JGF version 2. */
  readonly graph: string;
  /** JGF version 2 by subsystem's name. */
  readonly subsystems: Readonly<Record<string, string>>;
}

interface Vertex {
  readonly id: string;
  readonly path: string;
}

/** Throws `invalid_input` where there is no node, two have one name, or the graph would be too large. */
export function layOut(found: FoundCluster): Discovered {
  if (found.nodes.length === 0) throw invalid('nodes', 'no node was found, so there is nothing to make a graph of');
  const names = new Set<string>();
  const writer = new Writer();
  const root = writer.add(null, { id: 'cluster', type: 'cluster', basename: found.name, name: found.name, number: 0 });
  found.nodes.forEach((node, place) => {
    if (names.has(node.name)) throw invalid('nodes', `two nodes are called ${JSON.stringify(node.name)}`);
    names.add(node.name);
    addNode(writer, root, node, node.rank ?? place);
  });
  const partitions = partitionSubsystem(found, names);
  return { graph: writer.text(), subsystems: partitions === null ? {} : { partition: partitions } };
}

function addNode(writer: Writer, root: Vertex, node: FoundNode, rank: number): void {
  const { name } = node;
  const properties = Object.fromEntries(node.properties.map((property) => [property, '']));
  const vertex = writer.add(root, {
    id: nodeId(name),
    type: 'node',
    basename: /^(.*?)\d*$/.exec(name)?.[1] || name,
    name,
    number: Number(/(\d+)$/.exec(name)?.[1]?.slice(-9) ?? rank),
    rank,
    more: { ...node.facts, ...(node.properties.length > 0 ? { properties } : {}) },
  });
  const counted = new Map<string, number>();
  const next = (type: string): number => {
    const number = counted.get(type) ?? 0;
    counted.set(type, number + 1);
    return number;
  };
  const part = (parent: Vertex, type: string, more: Partial<NewVertex> = {}): Vertex => {
    const number = next(type);
    return writer.add(parent, {
      id: partId(name, type, number),
      type,
      basename: type,
      name: `${type}${number}`,
      number,
      rank,
      ...more,
    });
  };
  const addDevices = (parent: Vertex, devices: readonly FoundDevice[]): void => {
    for (const { type, count, model, pool } of devices) {
      const more = model === null ? {} : { more: { model } };
      if (pool === true) part(parent, type, { size: count, ...more });
      else for (let i = 0; i < count; i++) part(parent, type, more);
    }
  };
  const numas = new Map<number, Vertex>();
  for (const { cores, devices, numa } of node.sockets) {
    let parent = vertex;
    if (numa !== undefined) {
      parent = numas.get(numa) ?? part(vertex, 'numanode');
      numas.set(numa, parent);
    }
    const socket = part(parent, 'socket');
    for (let i = 0; i < cores; i++) part(socket, 'core');
    addDevices(socket, devices);
  }
  addDevices(vertex, node.devices);
  if (node.memoryMiB > 0) part(vertex, 'memory', { size: node.memoryMiB, unit: 'MiB' });
}

/** Ids of vertices, for whoever has to name them without the graph. */
export function nodeId(node: string): string {
  return `node/${node}`;
}

export function partId(node: string, type: string, number: number): string {
  return `node/${node}/${type}${number}`;
}

/** One vertex for each partition, linked from its nodes; null where there is none with nodes. */
function partitionSubsystem({ name, partitions }: FoundCluster, names: ReadonlySet<string>): string | null {
  const linked = partitions.map((each) => ({ ...each, nodes: each.nodes.filter((node) => names.has(node)) }));
  if (linked.every(({ nodes }) => nodes.length === 0)) return null;
  const writer = new Writer();
  const root = writer.add(null, { id: 'partitions', type: 'partitions', basename: name, name, number: 0 });
  linked.forEach((each, number) => {
    const { id } = writer.add(root, {
      id: `partition/${each.name}`,
      type: 'partition',
      basename: each.name,
      name: each.name,
      number,
      more: each.facts,
    });
    for (const node of each.nodes) writer.link(nodeId(node), id);
  });
  return writer.text();
}

interface NewVertex {
  readonly id: string;
  readonly type: string;
  readonly basename: string;
  readonly name: string;
  readonly number: number;
  readonly rank?: number;
  readonly size?: number;
  readonly unit?: string;
  readonly more?: Readonly<Record<string, unknown>>;
}

class Writer {
  readonly #nodes: string[] = [];
  readonly #edges: string[] = [];

  add(parent: Vertex | null, vertex: NewVertex): Vertex {
    if (this.#nodes.length >= vertexLimit) {
      throw invalid('nodes', `more vertices than the limit of ${vertexLimit}`);
    }
    const { id, type, basename, name, number, rank = -1, size = 1, unit = '', more } = vertex;
    const path = `${parent?.path ?? ''}/${name}`;
    const metadata = {
      ...more,
      type,
      basename,
      name,
      id: number,
      uniq_id: this.#nodes.length,
      rank,
      exclusive: false,
      unit,
      size,
      paths: { containment: path },
    };
    this.#nodes.push(`${JSON.stringify(id)}:${JSON.stringify({ label: name, metadata })}`);
    if (parent !== null) this.link(parent.id, id);
    return { id, path };
  }

  link(source: string, target: string): void {
    this.#edges.push(JSON.stringify({ source, target, relation: 'contains' }));
  }

  text(): string {
    return `{"graph":{"directed":true,"nodes":{\n${this.#nodes.join(',\n')}\n},"edges":[\n${this.#edges.join(',\n')}\n]}}\n`;
  }
}

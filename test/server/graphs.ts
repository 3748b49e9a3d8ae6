/** Resource graphs and subsystems as JGF version 2 text, from nested descriptions. */
export interface V {
  readonly type: string;
  /** For links; not written. */
  readonly key?: string;
  readonly metadata?: Readonly<Record<string, unknown>>;
  readonly with?: readonly V[];
}

interface Jgf {
  graph: {
    directed: boolean;
    nodes: Record<string, { label: string; metadata: Record<string, unknown> }>;
    edges: { source: string; target: string; relation: string }[];
  };
}

export interface Built {
  readonly text: string;
  /** Vertex ids by key. */
  readonly ids: ReadonlyMap<string, string>;
}

export function build(root: V, prefix = ''): Built {
  const jgf: Jgf = { graph: { directed: true, nodes: {}, edges: [] } };
  const ids = new Map<string, string>();
  const add = (v: V, parent: string | null): void => {
    const id = `${prefix}${Object.keys(jgf.graph.nodes).length}`;
    jgf.graph.nodes[id] = { label: id, metadata: { type: v.type, name: `${v.type}${id}`, ...v.metadata } };
    if (v.key !== undefined) ids.set(v.key, id);
    if (parent !== null) {
      jgf.graph.edges.push({ source: parent, target: id, relation: 'contains' });
      jgf.graph.edges.push({ source: id, target: parent, relation: 'in' });
    }
    for (const child of v.with ?? []) add(child, id);
  };
  add(root, null);
  return { text: JSON.stringify(jgf), ids };
}

export function times(count: number, make: (i: number) => V): V[] {
  return Array.from({ length: count }, (_, i) => make(i));
}

/** cluster > rack > nodes > socket > cores; node i has the key `node{i}`. */
export function racked(nodes: number, cores: number, sockets = 1): Built {
  return build({
    type: 'cluster',
    with: [{ type: 'rack', with: times(nodes, (i) => node(i, sockets, cores / sockets)) }],
  });
}

/** The same without a rack. */
export function rackless(nodes: number, cores: number): Built {
  return build({ type: 'cluster', with: times(nodes, (i) => node(i, 1, cores)) });
}

export function node(i: number, sockets: number, coresPerSocket: number): V {
  return {
    type: 'node',
    key: `node${i}`,
    with: times(sockets, () => ({ type: 'socket', with: times(coresPerSocket, () => ({ type: 'core' })) })),
  };
}

/** A subsystem of one root and the given vertices, each linked to vertices of the resource graph. */
export function subsystem(
  name: string,
  vertices: readonly { readonly metadata: Readonly<Record<string, unknown>>; readonly on: readonly string[] }[],
): string {
  const { text } = build(
    {
      type: name,
      with: vertices.map(({ metadata }) => ({
        type: typeof metadata['type'] === 'string' ? metadata['type'] : 'thing',
        metadata,
      })),
    },
    name,
  );
  const jgf = JSON.parse(text) as Jgf;
  for (const [i, { on }] of vertices.entries()) {
    for (const source of on) {
      jgf.graph.edges.push({ source, target: `${name}${i + 1}`, relation: 'contains' });
    }
  }
  return JSON.stringify(jgf);
}

/** Keebler of the scenarios: 3 nodes of 1 socket of 12 cores, in one rack. */
export const KEEBLER = racked(3, 12);

/** `io`: shm and nvme on every node named. */
export function io(built: Built, nodes: readonly string[]): string {
  return subsystem(
    'io',
    nodes.flatMap((key) => [
      { metadata: { type: 'shm', name: `shm-${key}` }, on: [built.ids.get(key)!] },
      { metadata: { type: 'nvme', name: `nvme-${key}` }, on: [built.ids.get(key)!] },
    ]),
  );
}

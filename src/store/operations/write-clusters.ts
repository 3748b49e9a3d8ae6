/** Changes of a cluster. Each is whole or not at all: graph, credentials, counts and the event together. */
import { RainbowError } from '../../core/errors.ts';
import type {
  AgentInstance,
  ClusterRecord,
  ClusterRef,
  ClusterService,
  Document,
  ResourceCount,
  ServiceEvent,
} from '../store.ts';
import { deletePieces, GRAPH, textOf, writePieces } from './documents.ts';
import { clusterNow, lockCluster, noCluster } from './read-clusters.ts';
import { one, run, type Operation } from './statement.ts';
import { writeClusterEvent } from './write-event.ts';

/** Clusters and groups share one name space. */
export function* takeName(name: string, kind: 'cluster' | 'group'): Operation<void> {
  const taken = yield* one<{ kind: string }>('SELECT kind FROM names WHERE name = ?', name);
  if (taken !== undefined) {
    const what = taken.kind === 'group' ? 'cluster group' : 'cluster';
    throw new RainbowError(
      'already_exists',
      `the name ${name} is taken by a ${what}; choose another or delete it first`,
    );
  }
  yield* run('INSERT INTO names (name, kind) VALUES (?, ?)', name, kind);
}

export function* registerCluster(cluster: {
  name: string;
  secretHash: Uint8Array;
  tokenHash: Uint8Array;
  graph: Document;
  counts: readonly ResourceCount[];
  at: number;
}): Operation<ClusterRecord> {
  yield* takeName(cluster.name, 'cluster');
  const inserted = yield* one<{ id: number }>(
    `INSERT INTO clusters (name, secret_hash, token_hash, registered_at, graph_version, counts)
     VALUES (?, ?, ?, ?, 1, ?) RETURNING id`,
    cluster.name,
    cluster.secretHash,
    cluster.tokenHash,
    cluster.at,
    JSON.stringify(cluster.counts),
  );
  const { id } = inserted as { id: number };
  yield* run('INSERT INTO cluster_graphs (cluster_id, graph) VALUES (?, ?)', id, textOf(cluster.graph));
  yield* writePieces(id, GRAPH, cluster.graph);
  yield* writeClusterEvent(cluster.name, 'registered', cluster.at);
  return yield* clusterNow(cluster.name);
}

export function* replaceGraph(
  name: string,
  graph: Document,
  counts: readonly ResourceCount[],
  at: number,
): Operation<ClusterRecord> {
  const { id } = yield* lockCluster(name);
  yield* run(
    'UPDATE clusters SET counts = ?, graph_version = graph_version + 1 WHERE id = ?',
    JSON.stringify(counts),
    id,
  );
  yield* run('UPDATE cluster_graphs SET graph = ? WHERE cluster_id = ?', textOf(graph), id);
  yield* writePieces(id, GRAPH, graph);
  yield* writeClusterEvent(name, 'replaced', at);
  return yield* clusterNow(name);
}

export function* putSubsystem(
  cluster: string,
  subsystem: string,
  graph: Document,
  replace: boolean,
  at: number,
): Operation<ClusterRecord> {
  const { id } = yield* lockCluster(cluster);
  const there = yield* one('SELECT 1 AS found FROM subsystems WHERE cluster_id = ? AND name = ?', id, subsystem);
  if (there !== undefined && !replace) {
    throw new RainbowError('already_exists', `subsystem ${subsystem} already exists for cluster ${cluster}`);
  }
  yield* run(
    `INSERT INTO subsystems (cluster_id, name, graph) VALUES (?, ?, ?)
     ON CONFLICT (cluster_id, name) DO UPDATE SET graph = excluded.graph`,
    id,
    subsystem,
    textOf(graph),
  );
  yield* writePieces(id, subsystem, graph);
  yield* run('UPDATE clusters SET graph_version = graph_version + 1 WHERE id = ?', id);
  const kind = there === undefined ? 'subsystem_registered' : 'subsystem_replaced';
  yield* writeClusterEvent(cluster, kind, at, { subsystem });
  return yield* clusterNow(cluster);
}

export function* deleteSubsystem(cluster: string, subsystem: string, at: number): Operation<ClusterRecord> {
  const { id } = yield* lockCluster(cluster);
  const gone = yield* one('DELETE FROM subsystems WHERE cluster_id = ? AND name = ? RETURNING name', id, subsystem);
  if (gone === undefined) {
    throw new RainbowError('not_found', `cluster ${cluster} does not have subsystem ${subsystem}`);
  }
  yield* deletePieces(id, subsystem);
  yield* run('UPDATE clusters SET graph_version = graph_version + 1 WHERE id = ?', id);
  yield* writeClusterEvent(cluster, 'subsystem_deleted', at, { subsystem });
  return yield* clusterNow(cluster);
}

/** Keys are merged and never removed. */
export function* mergeState(
  cluster: string,
  state: Readonly<Record<string, unknown>>,
  at: number,
): Operation<ClusterRecord> {
  const row = yield* lockCluster(cluster);
  const before = row.state === null ? {} : (JSON.parse(row.state) as Record<string, unknown>);
  yield* run(
    'UPDATE clusters SET state = ?, last_seen_at = ? WHERE id = ?',
    JSON.stringify({ ...before, ...state }),
    Math.max(row.last_seen_at ?? at, at),
    row.id,
  );
  yield* writeClusterEvent(cluster, 'state_updated', at);
  return yield* clusterNow(cluster);
}

export function* setService(
  cluster: string,
  { drained, windows }: ClusterService,
  kind: ServiceEvent,
  at: number,
): Operation<ClusterRecord> {
  const { id } = yield* lockCluster(cluster);
  const service: ClusterService = {
    drained,
    windows: windows.filter(({ until }) => until > at).toSorted((a, b) => a.from - b.from || a.until - b.until),
  };
  yield* run('UPDATE clusters SET service = ? WHERE id = ?', JSON.stringify(service), id);
  yield* writeClusterEvent(cluster, kind, at, { ...service });
  return yield* clusterNow(cluster);
}

/** The newest instance wins, by its start and then by its id; the same one may claim again. */
export function* claimInstance(cluster: ClusterRef, instance: AgentInstance, at: number): Operation<boolean> {
  const row = yield* lockCluster(cluster.name);
  if (row.id !== cluster.id) throw noCluster(cluster.name);
  const recorded = row.instance === null ? null : (JSON.parse(row.instance) as AgentInstance);
  if (recorded !== null && isNewer(recorded, instance)) return false;
  const { id, startedAt, runner, version, runAs, accounts, containers } = instance;
  yield* run(
    'UPDATE clusters SET instance = ?, last_seen_at = ? WHERE id = ?',
    JSON.stringify({ id, startedAt, runner, version, runAs, accounts, containers } satisfies Kept),
    Math.max(row.last_seen_at ?? at, at),
    row.id,
  );
  // Other servers decide by it, too.
  if (recorded?.accounts?.join(' ') !== accounts?.join(' '))
    yield* writeClusterEvent(cluster.name, 'accounts_changed', at);
  if (recorded?.containers !== containers) yield* writeClusterEvent(cluster.name, 'containers_changed', at);
  return true;
}

/** JSON leaves out what is undefined. */
type Kept = { readonly [K in keyof AgentInstance]: AgentInstance[K] | undefined };

function isNewer(a: AgentInstance, b: AgentInstance): boolean {
  return a.startedAt === b.startedAt ? a.id > b.id : a.startedAt > b.startedAt;
}

export function* clustersSeen(names: readonly string[], at: number): Operation<void> {
  // In one order for everybody, or two transactions could wait for each other.
  for (const name of [...new Set(names)].sort()) {
    yield* run(
      'UPDATE clusters SET last_seen_at = ? WHERE name = ? AND (last_seen_at IS NULL OR last_seen_at < ?)',
      at,
      name,
      at,
    );
  }
}

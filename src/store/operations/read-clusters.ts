/** Clusters, read. Graphs are beside the row, so a list does not touch them. */
import { RainbowError } from '../../core/errors.ts';
import {
  IN_SERVICE,
  type AgentInstance,
  type ClusterRecord,
  type ClusterRef,
  type ClusterService,
  type Document,
  type Documents,
  type ResourceCount,
} from '../store.ts';
import { GRAPH, readDocument } from './documents.ts';
import { all, one, type Operation } from './statement.ts';

export interface ClusterRow {
  readonly id: number;
  readonly name: string;
  readonly secret_hash: Uint8Array;
  readonly token_hash: Uint8Array;
  readonly registered_at: number;
  readonly graph_version: number;
  readonly counts: string;
  readonly state: string | null;
  readonly last_seen_at: number | null;
  readonly instance: string | null;
  readonly service: string | null;
}

const SELECT_CLUSTER = `SELECT id, name, secret_hash, token_hash, registered_at, graph_version, counts, state,
  last_seen_at, instance, service FROM clusters`;

function clusterOf(row: ClusterRow, subsystems: readonly string[]): ClusterRecord {
  return {
    id: row.id,
    name: row.name,
    secretHash: row.secret_hash,
    tokenHash: row.token_hash,
    registeredAt: row.registered_at,
    graphVersion: row.graph_version,
    counts: JSON.parse(row.counts) as ResourceCount[],
    subsystems,
    state: row.state === null ? null : (JSON.parse(row.state) as Record<string, unknown>),
    lastSeenAt: row.last_seen_at,
    service: row.service === null ? IN_SERVICE : (JSON.parse(row.service) as ClusterService),
    instance: row.instance === null ? null : (JSON.parse(row.instance) as AgentInstance),
  };
}

export function* getCluster(name: string): Operation<ClusterRecord | null> {
  const row = yield* one<ClusterRow>(`${SELECT_CLUSTER} WHERE name = ?`, name);
  if (row === undefined) return null;
  const subsystems = yield* all<{ name: string }>(
    'SELECT name FROM subsystems WHERE cluster_id = ? ORDER BY name',
    row.id,
  );
  return clusterOf(
    row,
    subsystems.map(({ name }) => name),
  );
}

/** The cluster after a write of it, in the same transaction. */
export function* clusterNow(name: string): Operation<ClusterRecord> {
  const cluster = yield* getCluster(name);
  if (cluster === null) throw noCluster(name);
  return cluster;
}

/** The row; nobody else changes it until this transaction ends. Jobs may be assigned to it meanwhile. */
export function* lockCluster(name: string): Operation<ClusterRow> {
  const row = yield* one<ClusterRow>(`${SELECT_CLUSTER} WHERE name = ? FOR NO KEY UPDATE`, name);
  if (row === undefined) throw noCluster(name);
  return row;
}

export const SELECT_REGISTERED = 'SELECT 1 AS found FROM clusters WHERE id = ? AND name = ? FOR KEY SHARE';

/**
 * Is it there still? Another one may have its name by now. For a job that goes there: it is not deleted until this
 * transaction ends.
 */
export function* isRegistered(cluster: ClusterRef): Operation<boolean> {
  return (yield* one(SELECT_REGISTERED, cluster.id, cluster.name)) !== undefined;
}

export function noCluster(name: string): RainbowError {
  return new RainbowError('not_found', `there is no cluster ${name}; register it first`);
}

export function* listClusters(): Operation<readonly ClusterRecord[]> {
  const rows = yield* all<ClusterRow>(`${SELECT_CLUSTER} ORDER BY name`);
  const parts = yield* all<{ cluster_id: number; name: string }>(
    'SELECT cluster_id, name FROM subsystems ORDER BY cluster_id, name',
  );
  const subsystems = new Map<number, string[]>();
  for (const { cluster_id, name } of parts) {
    const names = subsystems.get(cluster_id);
    if (names === undefined) subsystems.set(cluster_id, [name]);
    else names.push(name);
  }
  return rows.map((row) => clusterOf(row, subsystems.get(row.id) ?? []));
}

export function* getGraph(name: string): Operation<Documents | null> {
  const row = yield* one<{ cluster_id: number; graph: string }>(
    'SELECT cluster_id, graph FROM cluster_graphs WHERE cluster_id = (SELECT id FROM clusters WHERE name = ?)',
    name,
  );
  if (row === undefined) return null;
  const { cluster_id: id } = row;
  const rows = yield* all<{ name: string; graph: string }>(
    'SELECT name, graph FROM subsystems WHERE cluster_id = ? ORDER BY name',
    id,
  );
  const subsystems = new Map<string, Document>();
  for (const { name, graph } of rows) subsystems.set(name, yield* readDocument(id, name, graph));
  return { graph: yield* readDocument(id, GRAPH, row.graph), subsystems };
}

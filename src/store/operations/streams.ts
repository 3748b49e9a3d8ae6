/** Which server holds the stream of which cluster's agent, and what that agent last said is free. */
import { RainbowError } from '../../core/errors.ts';
import type { ClusterStanding, FreeRecord, StreamClaim } from '../server-store.ts';
import type { AgentInstance, ClusterRef } from '../store.ts';
import { isRegistered } from './read-clusters.ts';
import { all, filledUp, limitOf, one, run, type Operation } from './statement.ts';
import { claimInstance } from './write-clusters.ts';

/** As `claimInstance`; and where it is the newest, the stream that it came on is the cluster's from here on. */
export function* claimStream(
  cluster: ClusterRef,
  instance: AgentInstance,
  claim: StreamClaim,
  at: number,
): Operation<boolean> {
  if (!(yield* claimInstance(cluster, instance, at))) return false;
  yield* run(
    `INSERT INTO cluster_streams (cluster_id, server, stream, bids) VALUES (?, ?, ?, ?)
     ON CONFLICT (cluster_id) DO UPDATE SET server = excluded.server, stream = excluded.stream, bids = excluded.bids`,
    cluster.id,
    claim.server,
    claim.stream,
    claim.bids ? 1 : 0,
  );
  return true;
}

/** It ended; nothing where another has begun. */
export function* releaseStream(cluster: ClusterRef, stream: string): Operation<void> {
  yield* run('DELETE FROM cluster_streams WHERE cluster_id = ? AND stream = ?', cluster.id, stream);
}

/** Throws `aborted` where the agent has another stream now; until this transaction ends it gets none. */
export function* holdStream(cluster: ClusterRef, stream: string): Operation<void> {
  const held = yield* one(
    'SELECT 1 AS found FROM cluster_streams WHERE cluster_id = ? AND stream = ? FOR UPDATE',
    cluster.id,
    stream,
  );
  if (held === undefined) throw new RainbowError('aborted', 'this agent has opened a newer stream');
}

interface StandingRow {
  readonly id: number;
  readonly name: string;
  readonly last_seen_at: number | null;
  readonly server: string | null;
  readonly stream: string | null;
  readonly bids: number | null;
  readonly free: number | null;
}

const SELECT_STANDING = `SELECT clusters.id, clusters.name, clusters.last_seen_at, cluster_streams.server,
    cluster_streams.stream, cluster_streams.bids, free_reports.number AS free
  FROM clusters LEFT JOIN cluster_streams ON cluster_streams.cluster_id = clusters.id
    LEFT JOIN free_reports ON free_reports.cluster_id = clusters.id`;

/** Ids in one statement. */
const MOST_IDS = 256;

function standingOf({ id, name, last_seen_at, server, stream, bids, free }: StandingRow): ClusterStanding {
  return {
    id,
    name,
    lastSeenAt: last_seen_at,
    stream: server === null || stream === null ? null : { server, stream, bids: bids === 1 },
    free,
  };
}

/** What changes often and writes no events: of the clusters after this id, by id. */
export function* clusterStandings(after: number, limit: number): Operation<readonly ClusterStanding[]> {
  const rows = yield* all<StandingRow>(
    `${SELECT_STANDING} WHERE clusters.id > ? ORDER BY clusters.id LIMIT ?`,
    after,
    limitOf(limit),
  );
  return rows.map(standingOf);
}

/** The same, of these clusters. */
export function* standingsOf(ids: readonly number[]): Operation<readonly ClusterStanding[]> {
  const found: ClusterStanding[] = [];
  for (let from = 0; from < ids.length; from += MOST_IDS) {
    const some = filledUp(ids.slice(from, from + MOST_IDS).map(BigInt));
    const rows = yield* all<StandingRow>(
      `${SELECT_STANDING} WHERE clusters.id IN (${some.map(() => '?').join(', ')})`,
      ...some,
    );
    found.push(...rows.map(standingOf));
  }
  return found;
}

/** Nothing where the stream is not the cluster's any more. Answers the report's number, from 1. */
export function* keepFree(
  cluster: ClusterRef,
  stream: string,
  report: Omit<FreeRecord, 'number'>,
): Operation<number | null> {
  const held = yield* one(
    'SELECT 1 AS found FROM cluster_streams WHERE cluster_id = ? AND stream = ? FOR UPDATE',
    cluster.id,
    stream,
  );
  if (held === undefined || !(yield* isRegistered(cluster))) return null;
  const row = yield* one<{ number: number }>(
    `INSERT INTO free_reports (cluster_id, number, graph_version, report) VALUES (?, 1, ?, ?)
     ON CONFLICT (cluster_id) DO UPDATE SET number = free_reports.number + 1, graph_version = excluded.graph_version,
       report = excluded.report
     RETURNING number`,
    cluster.id,
    report.graphVersion,
    report.report,
  );
  return row?.number ?? null;
}

export function* getFree(cluster: ClusterRef): Operation<FreeRecord | null> {
  const row = yield* one<{ number: number; graph_version: number; report: string }>(
    'SELECT number, graph_version, report FROM free_reports WHERE cluster_id = ?',
    cluster.id,
  );
  return row === undefined ? null : { number: row.number, graphVersion: row.graph_version, report: row.report };
}

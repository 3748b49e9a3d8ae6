/**
 * A cluster goes, with everything of it, in one transaction. What nobody holds yet goes back to pending; what
 * somebody holds is canceled, and the reason says who stops what still runs there. Ended jobs keep its name; a later
 * cluster of that name does not inherit them.
 */
import { isPolled } from '../../core/job/polled.ts';
import { HELD_STATES, type JobState, type Reason } from '../../core/job/state.ts';
import type { ClusterRef, JobId, JobRecord } from '../store.ts';
import { noCluster } from './read-clusters.ts';
import { jobsAtCluster } from './read-jobs.ts';
import { all, one, run, type Operation } from './statement.ts';
import { writeClusterEvent } from './write-event.ts';
import { applyChange } from './write-transition.ts';

export function* deleteCluster(
  name: string,
  at: number,
  agentConnected: boolean,
): Operation<{ readonly returned: readonly JobId[]; readonly canceled: readonly JobId[] }> {
  // 1. From here on no job is assigned to it, and none of its jobs is moved by anybody else. All states in one
  //    statement: a job that moves between two would be in neither.
  const cluster = yield* one<{ id: number; secret_hash: Uint8Array }>(
    'SELECT id, secret_hash FROM clusters WHERE name = ? FOR UPDATE',
    name,
  );
  if (cluster === undefined) throw noCluster(name);
  const { id } = cluster;
  yield* all(
    `SELECT 1 AS found FROM jobs WHERE cluster = ?
     AND state IN ('assigned','received','accepted','running','unknown') FOR UPDATE`,
    name,
  );

  // 2. Its jobs, then itself.
  const because = (message: string): Reason => ({ code: 'cluster_deleted', message });
  const returned = yield* moveAll(
    { name, id },
    ['assigned'],
    'pending',
    () => because(`cluster ${name} was deleted`),
    at,
  );
  const canceled = yield* moveAll(
    { name, id },
    HELD_STATES,
    'canceled',
    (job) => because(`cluster ${name} was deleted${whoStops(job, agentConnected)}`),
    at,
  );
  // Subsystems, graph, job numbers and memberships go with the row.
  yield* run(
    'INSERT INTO deleted_clusters (cluster_id, name, secret_hash, deleted_at) VALUES (?, ?, ?, ?)',
    id,
    name,
    cluster.secret_hash,
    at,
  );
  yield* run('DELETE FROM clusters WHERE id = ?', id);
  yield* run('DELETE FROM names WHERE name = ?', name);
  yield* writeClusterEvent(name, 'deleted', at);
  return { returned, canceled };
}

function whoStops(job: JobRecord, agentConnected: boolean): string {
  if (isPolled(job)) {
    return ', and who took it there cannot be told: whatever still runs there has to be stopped by hand';
  }
  return agentConnected
    ? '; its agent is told to stop it'
    : ' while no agent of it was connected: it is told to stop it when it calls in again';
}

/** The right secret of a cluster that is gone; another may have the name by now. */
export function* wasClusterDeleted(name: string, secretHash: Uint8Array): Operation<boolean> {
  const found = yield* one(
    'SELECT 1 AS found FROM deleted_clusters WHERE name = ? AND secret_hash = ? LIMIT 1',
    name,
    secretHash,
  );
  return found !== undefined;
}

function* moveAll(
  cluster: ClusterRef,
  states: readonly JobState[],
  to: 'pending' | 'canceled',
  reason: (job: JobRecord) => Reason,
  at: number,
): Operation<readonly JobId[]> {
  const moved: JobId[] = [];
  for (const job of yield* jobsAtCluster(cluster, states)) {
    yield* applyChange(job, { to, reason: reason(job), at });
    moved.push(job.id);
  }
  return moved;
}

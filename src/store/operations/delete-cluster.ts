/**
 * A cluster goes, with everything of it, in one transaction. What nobody holds yet goes back to pending; what
 * somebody holds is canceled. Ended jobs keep its name; a later cluster of that name does not inherit them.
 */
import { HELD_STATES, type JobState, type Reason } from '../../core/job/state.ts';
import type { JobId } from '../store.ts';
import { noCluster } from './read-clusters.ts';
import { jobsAtCluster } from './read-jobs.ts';
import { all, one, run, type Operation } from './statement.ts';
import { writeClusterEvent } from './write-event.ts';
import { applyChange } from './write-transition.ts';

export function* deleteCluster(
  name: string,
  at: number,
): Operation<{ readonly returned: readonly JobId[]; readonly canceled: readonly JobId[] }> {
  // 1. From here on no job is assigned to it, and none of its jobs is moved by anybody else. All states in one
  //    statement: a job that moves between two would be in neither.
  const cluster = yield* one<{ id: number }>('SELECT id FROM clusters WHERE name = ? FOR UPDATE', name);
  if (cluster === undefined) throw noCluster(name);
  yield* all(
    `SELECT 1 AS found FROM jobs WHERE cluster = ?
     AND state IN ('assigned','received','accepted','running','unknown') FOR UPDATE`,
    name,
  );

  // 2. Its jobs, then itself.
  const reason: Reason = { code: 'cluster_deleted', message: `cluster ${name} was deleted` };
  const returned = yield* moveAll(name, ['assigned'], 'pending', reason, at);
  const canceled = yield* moveAll(name, HELD_STATES, 'canceled', reason, at);
  // Subsystems, graph, job numbers and memberships go with the row.
  yield* run('DELETE FROM clusters WHERE id = ?', cluster.id);
  yield* run('DELETE FROM names WHERE name = ?', name);
  yield* writeClusterEvent(name, 'deleted', at);
  return { returned, canceled };
}

function* moveAll(
  cluster: string,
  states: readonly JobState[],
  to: 'pending' | 'canceled',
  reason: Reason,
  at: number,
): Operation<readonly JobId[]> {
  const moved: JobId[] = [];
  for (const job of yield* jobsAtCluster(cluster, states)) {
    yield* applyChange(job, { to, reason, at }, null);
    moved.push(job.id);
  }
  return moved;
}

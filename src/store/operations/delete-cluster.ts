/**
 * A cluster goes, with everything of it, in one transaction. What nobody holds yet goes back to pending; what
 * somebody holds is canceled. Ended jobs keep its name; a later cluster of that name does not inherit them.
 */
import { HELD_STATES, type JobState, type Reason } from '../../core/job/state.ts';
import type { JobId } from '../store.ts';
import { lockCluster } from './read-clusters.ts';
import { jobsAtCluster } from './read-jobs.ts';
import { run, type Operation } from './statement.ts';
import { writeClusterEvent } from './write-event.ts';
import { applyChange } from './write-transition.ts';

export function* deleteCluster(
  name: string,
  at: number,
): Operation<{ readonly returned: readonly JobId[]; readonly canceled: readonly JobId[] }> {
  const { id } = yield* lockCluster(name);
  const reason: Reason = { code: 'cluster_deleted', message: `cluster ${name} was deleted` };
  const returned = yield* moveAll(name, ['assigned'], 'pending', reason, at);
  const canceled = yield* moveAll(name, HELD_STATES, 'canceled', reason, at);
  // Subsystems, graph, job numbers and memberships go with the row.
  yield* run('DELETE FROM clusters WHERE id = ?', id);
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

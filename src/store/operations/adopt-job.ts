/**
 * A job of a store that was put back, taken as the cluster that has it says: received there, under the epoch that the
 * lost state gave it. Attempts that were lost between are kept as such, so that epochs have no holes. What it waited
 * for it waits for no more; nor do the other tasks of its array, since that was met for all of them.
 */
import { mayBeAdopted, RESTORED } from '../../core/job/restored.ts';
import { WAITS } from '../../core/job/waits.ts';
import type { Adoption, JobRecord, TransitionResult } from '../store.ts';
import { letTasksGo } from './dependencies.ts';
import { isRegistered } from './read-clusters.ts';
import { lockJob } from './read-jobs.ts';
import { run, type Operation } from './statement.ts';
import { applyChange, closeAttempt } from './write-transition.ts';

export function* adoptJob({ id, epoch, cluster, at }: Adoption): Operation<TransitionResult> {
  const job = yield* lockJob(id);
  if (job === null) return { done: false, job: null };
  if (!mayBeAdopted(job, epoch, cluster.id) || !(yield* isRegistered(cluster))) return { done: false, job };
  const key = BigInt(id);
  const blank: JobRecord = {
    ...job,
    waits: 0,
    cluster: null,
    clusterId: null,
    nativeId: null,
    assignedAt: null,
    receivedAt: null,
    acceptedAt: null,
    startedAt: null,
    allocation: null,
  };
  // 1. What was before it.
  for (let earlier = job.epoch; earlier < epoch; earlier++) {
    const known = earlier === job.epoch ? job : { ...blank, epoch: earlier };
    const reason = {
      code: RESTORED,
      message: 'what became of this attempt was lost when the store was put back',
    } as const;
    yield* closeAttempt(key, known, known, { to: 'pending', reason, at });
  }
  // 2. As it is there.
  yield* run('UPDATE jobs SET waits = 0 WHERE id = ?', key);
  if (job.array !== null && (job.waits & WAITS.dependency) !== 0) yield* letTasksGo(BigInt(job.array.id));
  yield* run('UPDATE job_documents SET allocation = NULL WHERE job_id = ?', key);
  const there = {
    ...blank,
    epoch,
    state: 'assigned',
    cluster: cluster.name,
    clusterId: cluster.id,
    assignedAt: at,
  } as const;
  const message = 'its agent has it, from before the store was put back';
  return {
    done: true,
    job: yield* applyChange(there, { to: 'received', reason: { code: 'agent_back', message }, at }),
  };
}

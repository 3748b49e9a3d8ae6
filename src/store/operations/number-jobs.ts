/** The prototype's int32 job numbers: one row per (cluster, job), counted from 1 at each cluster. */
import { RainbowError } from '../../core/errors.ts';
import type { ClusterRef, JobId, JobRecord } from '../store.ts';
import { idOf, jobOf, SELECT_JOB, type JobRow } from './job-row.ts';
import { one, run, type Operation } from './statement.ts';

const LARGEST_NUMBER = 2 ** 31 - 1;

export function* numberAt(cluster: ClusterRef, id: JobId): Operation<number> {
  const at = yield* one<{ id: number }>(
    'SELECT id FROM clusters WHERE id = ? AND name = ? FOR NO KEY UPDATE',
    cluster.id,
    cluster.name,
  );
  if (at === undefined) throw new RainbowError('not_found', `there is no cluster ${cluster.name} any more`);
  const key = idOf(id);
  const job = key === null ? undefined : yield* one('SELECT 1 AS found FROM jobs WHERE id = ?', key);
  if (key === null || job === undefined) throw new RainbowError('not_found', `there is no job ${id}`);

  const known = yield* one<{ number: number }>(
    'SELECT number FROM job_numbers WHERE job_id = ? AND cluster_id = ?',
    key,
    at.id,
  );
  if (known !== undefined) return known.number;
  const last = yield* one<{ number: number | null }>(
    'SELECT MAX(number) AS number FROM job_numbers WHERE cluster_id = ?',
    at.id,
  );
  const number = (last?.number ?? 0) + 1;
  if (number > LARGEST_NUMBER) {
    throw new RainbowError(
      'resource_exhausted',
      `cluster ${cluster.name} has used all 32-bit job numbers; delete it and register it again`,
    );
  }
  yield* run('INSERT INTO job_numbers (cluster_id, number, job_id) VALUES (?, ?, ?)', at.id, number, key);
  return number;
}

export function* jobsByNumbers(
  cluster: ClusterRef,
  numbers: readonly number[],
): Operation<ReadonlyMap<number, JobRecord>> {
  const jobs = new Map<number, JobRecord>();
  for (const number of new Set(numbers)) {
    // No job has it, and not every engine compares it with whole numbers.
    if (!Number.isSafeInteger(number)) continue;
    const row = yield* one<JobRow>(
      `${SELECT_JOB} WHERE jobs.id = (SELECT job_numbers.job_id FROM job_numbers
         WHERE job_numbers.cluster_id = ? AND job_numbers.number = ?)`,
      cluster.id,
      number,
    );
    if (row !== undefined) jobs.set(number, jobOf(row));
  }
  return jobs;
}

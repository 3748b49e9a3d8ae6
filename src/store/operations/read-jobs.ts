/** Jobs, read: one, by filter, by state, at a cluster. Nothing here writes. */
import type { JobState } from '../../core/job/state.ts';
import type { AttemptRecord, ClusterRef, JobId, JobRecord, KnownQuestion } from '../store.ts';
import { idOf, jobOf, SELECT_JOB, selectJobBy, type JobRow } from './job-row.ts';
import { all, filledUp, limitOf, one, type Operation, type SqlValue } from './statement.ts';

export function* getJob(id: JobId): Operation<JobRecord | null> {
  const key = idOf(id);
  if (key === null) return null;
  const row = yield* one<JobRow>(`${SELECT_JOB} WHERE jobs.id = ?`, key);
  return row === undefined ? null : jobOf(row);
}

/**
 * Both tables' rows are locked: PostgreSQL, having waited for a lock, reads the newest version of the rows that it
 * locks, and of others the one from before the wait.
 */
export const LOCK_JOB = `${SELECT_JOB} WHERE jobs.id = ? FOR UPDATE`;

/** As `getJob`; nobody else changes the job until this transaction ends. */
export function* lockJob(id: JobId): Operation<JobRecord | null> {
  const key = idOf(id);
  if (key === null) return null;
  const row = yield* one<JobRow>(LOCK_JOB, key);
  return row === undefined ? null : jobOf(row);
}

/** Many at once, by id; those that are not there (any more) are left out. */
export function* getJobs(ids: readonly JobId[]): Operation<readonly JobRecord[]> {
  const keys = ids.map(idOf).filter((key) => key !== null);
  const jobs: JobRecord[] = [];
  for (let from = 0; from < keys.length; from += MOST_IDS) {
    const some = filledUp(keys.slice(from, from + MOST_IDS));
    const rows = yield* all<JobRow>(`${SELECT_JOB} WHERE jobs.id IN (${some.map(() => '?').join(', ')})`, ...some);
    for (const row of rows) jobs.push(jobOf(row));
  }
  return jobs.sort(byId);
}

interface AttemptRow extends Pick<
  JobRow,
  | 'epoch'
  | 'cluster'
  | 'native_id'
  | 'state'
  | 'reason_code'
  | 'reason_message'
  | 'assigned_at'
  | 'received_at'
  | 'accepted_at'
  | 'started_at'
  | 'ended_at'
  | 'exit_code'
  | 'signal'
> {}

const ATTEMPT_COLUMNS = `cluster, native_id, state, reason_code, reason_message, assigned_at, received_at,
  accepted_at, started_at, ended_at, exit_code, signal`;

/** Those that were closed, then the current one: or, of a job that an earlier one ended, that one in its place. */
export function* getAttempts(id: JobId): Operation<readonly AttemptRecord[]> {
  const key = idOf(id);
  if (key === null) return [];
  const rows = yield* all<AttemptRow>(
    `SELECT epoch, ${ATTEMPT_COLUMNS} FROM attempts WHERE job_id = ?
     UNION ALL SELECT COALESCE(ended_by, epoch) AS epoch, ${ATTEMPT_COLUMNS} FROM jobs WHERE id = ?
     ORDER BY epoch`,
    key,
    key,
  );
  return rows.map((row) => ({
    epoch: row.epoch,
    cluster: row.cluster,
    nativeId: row.native_id,
    state: row.state,
    reason: { code: row.reason_code, message: row.reason_message },
    assignedAt: row.assigned_at,
    receivedAt: row.received_at,
    acceptedAt: row.accepted_at,
    startedAt: row.started_at,
    endedAt: row.ended_at,
    exitCode: row.exit_code,
    signal: row.signal,
  }));
}

/** Most ids in one statement. */
const MOST_IDS = 256;

/** The jobs with these ids, in this order; none may be missing. */
export function* jobsOf(ids: readonly JobId[]): Operation<readonly JobRecord[]> {
  const jobs = new Map<JobId, JobRecord>();
  for (let from = 0; from < ids.length; from += MOST_IDS) {
    const some = filledUp(ids.slice(from, from + MOST_IDS).map((id) => BigInt(id)));
    const marks = some.map(() => '?').join(', ');
    const rows = yield* all<JobRow>(`${SELECT_JOB} WHERE jobs.id IN (${marks})`, ...some);
    for (const row of rows) jobs.set(row.id, jobOf(row));
  }
  return ids.map((id) => jobs.get(id) as JobRecord);
}

/** Jobs that are not ended, per cluster that is registered. */
export function* countJobsByCluster(): Operation<ReadonlyMap<string, Readonly<Partial<Record<JobState, number>>>>> {
  const rows = yield* all<{ cluster: string; state: JobState; jobs: number }>(
    `SELECT clusters.name AS cluster, states.state AS state,
       (SELECT COUNT(*) FROM jobs WHERE jobs.cluster = clusters.name AND jobs.state = states.state) AS jobs
     FROM clusters CROSS JOIN (SELECT 'assigned' AS state UNION ALL SELECT 'received' UNION ALL SELECT 'accepted'
       UNION ALL SELECT 'running' UNION ALL SELECT 'unknown') AS states`,
  );
  const counts = new Map<string, Partial<Record<JobState, number>>>();
  for (const { cluster, state, jobs } of rows) {
    const here = counts.get(cluster) ?? {};
    if (jobs > 0) here[state] = jobs;
    counts.set(cluster, here);
  }
  return counts;
}

/** What a job with this question and this reason reads as, for `pendingJobs`. */
export function knownText({ question, reason }: KnownQuestion): string {
  return `${question} ${reason.code} ${reason.message}`;
}

/** What is passed over is not even read: with 100,000 jobs of few questions, nearly all of a pass. */
export const UNKNOWN = `(jobs.question IS NULL OR jobs.question || ' ' || jobs.reason_code || ' ' || jobs.reason_message
  NOT IN (SELECT value FROM json_each(?)))`;

/** SQLite's; PostgreSQL has its own (postgres/pending-jobs.ts). */
export function* pendingJobs(
  limit: number,
  after: { readonly priority: number; readonly id: JobId } | null = null,
  known: readonly KnownQuestion[] = [],
): Operation<readonly JobRecord[]> {
  const key = after === null ? undefined : idOf(after.id);
  if (key === null) return [];
  const most = limitOf(limit);
  const texts = JSON.stringify(known.map(knownText));
  const page = (where: string, ...values: readonly SqlValue[]): Operation<readonly JobRow[]> =>
    all<JobRow>(
      `${selectJobBy('jobs_pending')} WHERE jobs.state = 'pending' AND jobs.waits = 0 AND ${UNKNOWN} ${where}
       ORDER BY jobs.priority DESC, jobs.id LIMIT ?`,
      texts,
      ...values,
    );
  if (after === null || key === undefined) return (yield* page('', most)).map(jobOf);
  // Two runs of the index: one condition for both would read all that is before the place.
  const equal = yield* page('AND jobs.priority = ? AND jobs.id > ?', after.priority, key, most);
  const lower = equal.length < most ? yield* page('AND jobs.priority < ?', after.priority, most - equal.length) : [];
  return [...equal, ...lower].map(jobOf);
}

/** At this very cluster: what an earlier one of its name left behind is not its own. */
export function* jobsAtCluster(cluster: ClusterRef, states: readonly JobState[]): Operation<readonly JobRecord[]> {
  const jobs: JobRecord[] = [];
  for (const state of new Set(states)) {
    const rows = yield* all<JobRow>(
      `${SELECT_JOB} WHERE jobs.cluster = ? AND jobs.state = ? AND jobs.cluster_id = ? ORDER BY jobs.id`,
      cluster.name,
      state,
      cluster.id,
    );
    for (const row of rows) jobs.push(jobOf(row));
  }
  return jobs.sort(byId);
}

function byId(a: JobRecord, b: JobRecord): number {
  return a.id.length - b.id.length || (a.id < b.id ? -1 : 1);
}

export function* getDecisions(
  id: JobId,
): Operation<readonly { readonly epoch: number; readonly at: number; readonly decision: string }[]> {
  const key = idOf(id);
  if (key === null) return [];
  const rows = yield* all<{ epoch: number; at: number; decision: string }>(
    'SELECT epoch, at, decision FROM decisions WHERE job_id = ? ORDER BY id',
    key,
  );
  return rows.map(({ epoch, at, decision }) => ({ epoch, at, decision }));
}

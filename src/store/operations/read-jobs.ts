/** Jobs, read: one, by filter, by state, at a cluster. Nothing here writes. */
import type { JobState } from '../../core/job/state.ts';
import type { AttemptRecord, ClusterRef, JobFilter, JobId, JobRecord } from '../store.ts';
import { JOB_STATES } from '../../core/job/state.ts';
import { idOf, jobOf, LARGEST_ID, SELECT_JOB, selectJobBy, type JobRow } from './job-row.ts';
import { all, limitOf, one, type Operation, type SqlValue } from './statement.ts';

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

/**
 * By id, newest first unless asked otherwise. An owner, a cluster or states are looked up by (…, state, id): one
 * short sorted run per state, merged. So a page costs the same among ten jobs and among ten million.
 */
export function* listJobs(filter: JobFilter): Operation<readonly JobRecord[]> {
  const limit = limitOf(filter.limit);
  const oldestFirst = filter.oldestFirst === true;
  const after = filter.after === undefined ? (oldestFirst ? 0n : LARGEST_ID) : idOf(filter.after);
  if (limit === 0 || after === null) return [];
  const direction = oldestFirst ? 'ASC' : 'DESC';
  const [beyond, from] = oldestFirst ? ['>', '<='] : ['<', '>='];

  // 1. What every run has in common.
  const conditions: string[] = [];
  const values: SqlValue[] = [];
  for (const column of ['owner', 'cluster', 'name'] as const) {
    const value = filter[column];
    if (value === undefined) continue;
    conditions.push(`${column} = ?`);
    values.push(value);
  }
  const runBy = (order: string, more: string): string =>
    `SELECT id FROM jobs WHERE ${[...conditions, more].join(' AND ')} ORDER BY ${order} ${direction} LIMIT ?`;

  // 2. One run over the ids themselves, or one per state. A state is a place in the index, not `state = ?`: a planner
  //    would then believe that it soon meets such a job among all.
  const narrowed = filter.states !== undefined || filter.owner !== undefined || filter.cluster !== undefined;
  const states = narrowed ? [...new Set(filter.states ?? JOB_STATES)] : [];
  if (narrowed && states.length === 0) return [];
  const ofState = runBy(`state ${direction}, id`, `(state, id) ${beyond} (?, ?) AND state ${from} ?`);
  const runs = narrowed ? states.map(() => `SELECT id FROM (${ofState}) AS run`) : [runBy('id', `id ${beyond} ?`)];
  const bound = narrowed
    ? states.flatMap((state) => [...values, state, after, state, limit])
    : [...values, after, limit];

  // 3. Merged and cut; then the jobs themselves. In one statement a planner may walk through all jobs instead.
  const found = yield* all<{ job: string }>(
    `SELECT CAST(found.id AS TEXT) AS job FROM (${runs.join(' UNION ALL ')}) AS found
     ORDER BY found.id ${direction} LIMIT ?`,
    ...bound,
    limit,
  );
  return yield* jobsOf(found.map(({ job }) => job));
}

/** Most ids in one statement. Lists are filled up to a power of two, so that there are few statements to prepare. */
const MOST_IDS = 256;

/** The jobs with these ids, in this order; none may be missing. */
function* jobsOf(ids: readonly JobId[]): Operation<readonly JobRecord[]> {
  const jobs = new Map<JobId, JobRecord>();
  for (let from = 0; from < ids.length; from += MOST_IDS) {
    const some = ids.slice(from, from + MOST_IDS).map((id) => BigInt(id));
    const places = 2 ** Math.ceil(Math.log2(some.length));
    while (some.length < places) some.push(some[0] as bigint);
    const marks = Array.from(some, () => '?').join(', ');
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

/** SQLite's; PostgreSQL has its own (postgres/pending-jobs.ts). */
export function* pendingJobs(
  limit: number,
  after?: { readonly priority: number; readonly id: JobId },
): Operation<readonly JobRecord[]> {
  const key = after === undefined ? undefined : idOf(after.id);
  if (key === null) return [];
  const most = limitOf(limit);
  const page = (where: string, ...values: readonly SqlValue[]): Operation<readonly JobRow[]> =>
    all<JobRow>(
      `${selectJobBy('jobs_pending')} WHERE jobs.state = 'pending' ${where} ORDER BY jobs.priority DESC, jobs.id LIMIT ?`,
      ...values,
    );
  if (after === undefined || key === undefined) return (yield* page('', most)).map(jobOf);
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

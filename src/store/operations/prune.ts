/**
 * Retention: ended jobs go, oldest end first, with everything that hangs on them; a bounded number in one transaction.
 * An array goes once all of it has ended: its tasks first, over as many calls as it takes, then itself. What something
 * pending depends on stays until that has been decided. Ids are never given again (the database counts them up).
 */
import type { JobId } from '../store.ts';
import { releaseJobFiles } from './file-sets.ts';
import { idOf } from './job-row.ts';
import { getSetting } from './settings.ts';
import { all, limitOf, one, run, type Operation } from './statement.ts';

export const PRUNED = 'pruned_events';

export interface RetentionRule {
  readonly endedBefore: number | null;
  readonly keep: number | null;
}

export function* pruneJobs(rule: RetentionRule, limit: number): Operation<number> {
  const most = limitOf(limit);
  let deleted = 0;
  for (const table of ['jobs', 'arrays'] as const) {
    const before = yield* boundOf(table, rule);
    if (before === null || deleted >= most) continue;
    const single = table === 'jobs' ? ' AND array_id IS NULL' : '';
    const rows = yield* all<{ id: string }>(
      `SELECT CAST(id AS TEXT) AS id FROM ${table} WHERE ended_at IS NOT NULL${single} AND ended_at < ?
         AND (depended_on = 0 OR NOT EXISTS (
           SELECT 1 FROM dependencies
           WHERE (dependencies.on_id, dependencies.job_id) > (${table}.id, 0) AND dependencies.on_id <= ${table}.id
             AND COALESCE((SELECT dependent.state FROM jobs AS dependent WHERE dependent.id = dependencies.job_id),
               (SELECT CASE WHEN waits = 0 THEN 'begun' ELSE 'pending' END FROM arrays AS waiting
                WHERE waiting.id = dependencies.job_id)) = 'pending'))
       ORDER BY ended_at, ${table}.id LIMIT ?`,
      before,
      most - deleted,
    );
    for (const { id } of rows) {
      if (deleted >= most) break;
      deleted += table === 'jobs' ? yield* deleteJob(BigInt(id)) : yield* deleteArray(BigInt(id), most - deleted);
    }
  }
  return deleted;
}

/** What ended before this goes; null: nothing does. */
function* boundOf(table: 'jobs' | 'arrays', { endedBefore, keep }: RetentionRule): Operation<number | null> {
  if (keep === null) return endedBefore;
  const single = table === 'jobs' ? ' AND array_id IS NULL' : '';
  const row = yield* one<{ ended_at: number }>(
    `SELECT ended_at FROM ${table} WHERE ended_at IS NOT NULL${single}
     ORDER BY ended_at DESC, ${table}.id DESC LIMIT 1 OFFSET ?`,
    Math.max(0, keep - 1),
  );
  if (row === undefined) return endedBefore;
  const beyond = keep === 0 ? row.ended_at + 1 : row.ended_at;
  return endedBefore === null ? beyond : Math.max(beyond, endedBefore);
}

function* deleteJob(key: bigint): Operation<number> {
  yield* deleteEvents('job_id', key);
  yield* run('DELETE FROM dependencies WHERE job_id = ?', key);
  yield* releaseJobFiles(key);
  // Documents, attempts, decisions, numbers and output go with the row.
  yield* run('DELETE FROM jobs WHERE id = ?', key);
  return 1;
}

function* deleteArray(key: bigint, most: number): Operation<number> {
  const tasks = yield* all<{ id: string }>(
    'SELECT CAST(id AS TEXT) AS id FROM jobs WHERE array_id = ? ORDER BY array_id, state, jobs.id LIMIT ?',
    key,
    most,
  );
  for (const { id } of tasks) yield* deleteJob(BigInt(id));
  if (tasks.length === most) return most;
  yield* deleteEvents('array_id', key);
  yield* run('DELETE FROM dependencies WHERE job_id = ?', key);
  yield* releaseJobFiles(key);
  yield* run('DELETE FROM arrays WHERE id = ?', key);
  return tasks.length + 1;
}

function* deleteEvents(column: 'job_id' | 'array_id', key: bigint): Operation<void> {
  const last = yield* one<{ seq: number | null }>(
    `SELECT seq FROM events WHERE ${column} = ? ORDER BY ${column} DESC, seq DESC LIMIT 1`,
    key,
  );
  if (last === undefined || last.seq === null) return;
  yield* run(`DELETE FROM events WHERE ${column} = ?`, key);
  yield* run(
    `INSERT INTO settings (key, value) VALUES ('${PRUNED}', ?) ON CONFLICT (key) DO UPDATE SET value = excluded.value
     WHERE CAST(settings.value AS BIGINT) < CAST(excluded.value AS BIGINT)`,
    String(last.seq),
  );
}

export function* prunedEvents(): Operation<number> {
  return Number((yield* getSetting(PRUNED)) ?? 0);
}

export function* wasGiven(id: JobId): Operation<boolean> {
  const key = idOf(id);
  if (key === null) return false;
  const jobs = yield* one<{ id: string }>('SELECT CAST(id AS TEXT) AS id FROM jobs ORDER BY jobs.id DESC LIMIT 1');
  const arrays = yield* one<{ id: string }>(
    'SELECT CAST(id AS TEXT) AS id FROM arrays ORDER BY arrays.id DESC LIMIT 1',
  );
  const newest = [jobs, arrays].reduce(
    (most, row) => (row !== undefined && BigInt(row.id) > most ? BigInt(row.id) : most),
    0n,
  );
  return key <= newest;
}

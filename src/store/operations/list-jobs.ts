/**
 * Lists of jobs in pages. A page begins behind a job, not at a count, so jobs that arrive in between neither repeat nor
 * hide any. Tasks are left out, but for those of the array that is asked for.
 *
 * By id an owner, a cluster, an array or states are looked up by (…, state, id): one short sorted run per state, merged.
 * So a page costs the same among ten jobs and among ten million. By end there is an index. By priority the unended jobs
 * are sorted: as dear as there are many.
 */
import { isFinal, JOB_STATES, type JobState } from '../../core/job/state.ts';
import type { JobFilter, JobRecord } from '../store.ts';
import { idOf, LARGEST_ID } from './job-row.ts';
import { jobsOf } from './read-jobs.ts';
import { all, limitOf, type Operation, type SqlValue } from './statement.ts';

interface Asked {
  readonly conditions: readonly string[];
  readonly values: readonly SqlValue[];
  readonly states: readonly JobState[];
  readonly limit: number;
  readonly after: bigint | null;
}

export function* listJobs(filter: JobFilter): Operation<readonly JobRecord[]> {
  const limit = limitOf(filter.limit);
  const after = filter.after === undefined ? null : idOf(filter.after);
  const states = [...new Set(filter.states ?? JOB_STATES)];
  if (limit === 0 || states.length === 0 || (filter.after !== undefined && after === null)) return [];
  const { conditions, values } = conditionsOf(filter);
  const asked: Asked = { conditions, values, states, limit, after };
  const found =
    filter.sort === 'ended'
      ? yield* byEnd(asked, filter)
      : filter.sort === 'priority'
        ? yield* byPriority(asked, filter)
        : yield* byId(asked, filter.oldestFirst === true);
  // In one statement a planner may walk through all jobs instead.
  return yield* jobsOf(found.map(({ job }) => job));
}

function conditionsOf(filter: JobFilter): { readonly conditions: string[]; readonly values: SqlValue[] } {
  const conditions: string[] = [];
  const values: SqlValue[] = [];
  const where = (condition: string, ...bound: readonly SqlValue[]): void => {
    conditions.push(condition);
    values.push(...bound);
  };
  if (filter.array === undefined) where('array_id IS NULL');
  else where('array_id = ?', idOf(filter.array) ?? 0n);
  for (const column of ['owner', 'cluster', 'name'] as const) {
    const value = filter[column];
    if (value === undefined) continue;
    // A task has its array's owner: only a check, and || keeps it from choosing the index.
    where(`${column}${column === 'owner' && filter.array !== undefined ? " || ''" : ''} = ?`, value);
  }
  if (filter.since !== undefined) where('submitted_at >= ?', filter.since);
  if (filter.until !== undefined) where('submitted_at < ?', filter.until);
  if (filter.indices !== undefined && filter.indices.length > 0) {
    where(`array_index IN (${filter.indices.map(() => '?').join(', ')})`, ...filter.indices);
  }
  return { conditions, values };
}

type Found = readonly { readonly job: string }[];

/** A state is a place in the index, not `state = ?`: a planner would then believe that it soon meets such a job. */
function* byId({ conditions, values, states, limit, after }: Asked, oldestFirst: boolean): Operation<Found> {
  const direction = oldestFirst ? 'ASC' : 'DESC';
  const [beyond, from] = oldestFirst ? ['>', '<='] : ['<', '>='];
  const place = after ?? (oldestFirst ? 0n : LARGEST_ID);
  const run = `SELECT id FROM jobs WHERE ${conditions.join(' AND ')} AND (state, id) ${beyond} (?, ?) AND state ${from} ?
    ORDER BY state ${direction}, id ${direction} LIMIT ?`;
  return yield* all(
    `SELECT CAST(found.id AS TEXT) AS job FROM (${states.map(() => `SELECT id FROM (${run}) AS run`).join(' UNION ALL ')}) AS found
     ORDER BY found.id ${direction} LIMIT ?`,
    ...states.flatMap((state) => [...values, state, place, state, limit]),
    limit,
  );
}

function* byEnd({ conditions, values, states, limit, after }: Asked, filter: JobFilter): Operation<Found> {
  const oldestFirst = filter.oldestFirst === true;
  const [beyond, direction] = oldestFirst ? ['>', 'ASC'] : ['<', 'DESC'];
  const key = filter.afterKey ?? (oldestFirst ? 0 : Number.MAX_SAFE_INTEGER);
  // SQLite would rather take the states from their index, and sort all that have ended.
  const index = filter.owner === undefined ? 'jobs_ended' : 'jobs_owner_ended';
  const jobs = filter.array === undefined ? `jobs INDEXED BY ${index}` : 'jobs';
  return yield* all(
    `SELECT CAST(id AS TEXT) AS job FROM ${jobs} WHERE ${conditions.join(' AND ')} AND ended_at IS NOT NULL
       AND (ended_at, id) ${beyond} (?, ?) AND state IN (${marks(states)})
     ORDER BY ended_at ${direction}, jobs.id ${direction} LIMIT ?`,
    ...values,
    key,
    after ?? (oldestFirst ? 0n : LARGEST_ID),
    ...states,
    limit,
  );
}

function* byPriority({ conditions, values, states, limit, after }: Asked, filter: JobFilter): Operation<Found> {
  const unended = states.filter((state) => !isFinal(state));
  if (unended.length === 0) return [];
  return yield* all(
    `SELECT CAST(id AS TEXT) AS job FROM jobs WHERE ${conditions.join(' AND ')} AND state IN (${marks(unended)})
       AND (-priority, id) > (?, ?) ORDER BY -priority, jobs.id LIMIT ?`,
    ...values,
    ...unended,
    filter.afterKey === undefined ? -(2 ** 31) : -filter.afterKey,
    after ?? 0n,
    limit,
  );
}

function marks(list: readonly unknown[]): string {
  return list.map(() => '?').join(', ');
}

/** Arrays, read: one, by filter. How their tasks stand is counted when they are read. */
import { JOB_STATES, isFinal, type JobState } from '../../core/job/state.ts';
import type { ArrayFilter, ArrayRecord, JobId } from '../store.ts';
import { idOf, LARGEST_ID } from './job-row.ts';
import { all, limitOf, one, type Operation, type SqlValue } from './statement.ts';

interface ArrayRow {
  readonly id: string;
  readonly name: string;
  readonly owner: string;
  readonly indices: string;
  readonly most_at_once: number | null;
  readonly tasks: number;
  readonly least_index: number;
  readonly most_index: number;
  readonly priority: number;
  readonly submitted_at: number;
  readonly ended_at: number | null;
  readonly exit_code: number | null;
  readonly cancel_requested_at: number | null;
}

const SELECT_ARRAY = `SELECT CAST(arrays.id AS TEXT) AS id, name, owner, indices, most_at_once, tasks, least_index, most_index,
  priority, submitted_at, ended_at, exit_code, cancel_requested_at FROM arrays`;

export function* getArray(id: JobId): Operation<ArrayRecord | null> {
  const key = idOf(id);
  if (key === null) return null;
  const row = yield* one<ArrayRow>(`${SELECT_ARRAY} WHERE arrays.id = ?`, key);
  return row === undefined ? null : yield* counted(row);
}

function* counted(row: ArrayRow): Operation<ArrayRecord> {
  const rows = yield* all<{ state: JobState; jobs: number }>(
    'SELECT state, COUNT(*) AS jobs FROM jobs WHERE array_id = ? GROUP BY array_id, state',
    BigInt(row.id),
  );
  return {
    id: row.id,
    name: row.name,
    owner: row.owner,
    indices: row.indices,
    mostAtOnce: row.most_at_once,
    tasks: row.tasks,
    leastIndex: row.least_index,
    mostIndex: row.most_index,
    priority: row.priority,
    submittedAt: row.submitted_at,
    endedAt: row.ended_at,
    counts: Object.fromEntries(rows.map(({ state, jobs }) => [state, jobs])),
    exitCode: row.exit_code,
    cancelRequestedAt: row.cancel_requested_at,
  };
}

/** By the same orders as jobs (read-jobs.ts). What is asked of tasks is looked up array by array. */
export function* listArrays(filter: ArrayFilter): Operation<readonly ArrayRecord[]> {
  const limit = limitOf(filter.limit);
  const states = filter.states === undefined ? null : [...new Set(filter.states)];
  if (limit === 0 || states?.length === 0) return [];
  const oldestFirst = filter.oldestFirst === true;
  const after = filter.after === undefined ? (oldestFirst ? 0n : LARGEST_ID) : idOf(filter.after);
  if (after === null) return [];
  const conditions: string[] = [];
  const values: SqlValue[] = [];
  const where = (condition: string, ...bound: readonly SqlValue[]): void => {
    conditions.push(condition);
    values.push(...bound);
  };
  if (filter.owner !== undefined) where('owner = ?', filter.owner);
  if (filter.name !== undefined) where('name = ?', filter.name);
  if (filter.since !== undefined) where('submitted_at >= ?', filter.since);
  if (filter.until !== undefined) where('submitted_at < ?', filter.until);
  if (states !== null || filter.cluster !== undefined) {
    const asked = states ?? JOB_STATES;
    const at = filter.cluster === undefined ? '' : ' AND jobs.cluster = ?';
    where(
      `EXISTS (SELECT 1 FROM jobs WHERE jobs.array_id = arrays.id AND jobs.state IN (${asked.map(() => '?').join(', ')})${at})`,
      ...asked,
      ...(filter.cluster === undefined ? [] : [filter.cluster]),
    );
  }
  let order: string;
  if (filter.sort === 'ended') {
    const [beyond, direction] = oldestFirst ? ['>', 'ASC'] : ['<', 'DESC'];
    const from = filter.afterKey ?? (oldestFirst ? 0 : Number.MAX_SAFE_INTEGER);
    where(`ended_at IS NOT NULL AND (ended_at, arrays.id) ${beyond} (?, ?)`, from, after);
    order = `ended_at ${direction}, arrays.id ${direction}`;
  } else if (filter.sort === 'priority') {
    const from = filter.afterKey ?? 2 ** 31;
    where('ended_at IS NULL AND (-priority, arrays.id) > (?, ?)', -from, filter.after === undefined ? 0n : after);
    order = '-priority, arrays.id';
  } else {
    where(`arrays.id ${oldestFirst ? '>' : '<'} ?`, after);
    order = `arrays.id ${oldestFirst ? 'ASC' : 'DESC'}`;
  }
  const rows = yield* all<ArrayRow>(
    `${SELECT_ARRAY} WHERE ${conditions.join(' AND ')} ORDER BY ${order} LIMIT ?`,
    ...values,
    limit,
  );
  const found: ArrayRecord[] = [];
  for (const row of rows) found.push(yield* counted(row));
  return found;
}

export const UNENDED_STATES: readonly JobState[] = JOB_STATES.filter((state) => !isFinal(state));

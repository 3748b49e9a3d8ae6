/** Arrays as a whole: asking for a cancel, hold and release. Their tasks change with their own rows. */
import { isFinal, type Reason } from '../../core/job/state.ts';
import { WAITS } from '../../core/job/waits.ts';
import type { ArrayRecord, JobId, JobRecord } from '../store.ts';
import { clearWaits } from './clear-waits.ts';
import { arrayReleased } from './dependencies.ts';
import { idOf, jobOf, SELECT_JOB, type JobRow } from './job-row.ts';
import { getArray, UNENDED_STATES } from './read-arrays.ts';
import { all, limitOf, one, type Operation } from './statement.ts';
import { writeArrayEvent } from './write-event.ts';

export function* requestArrayCancel(id: JobId, reason: Reason, at: number): Operation<ArrayRecord | null> {
  const key = idOf(id);
  if (key === null) return null;
  const asked = yield* one<{ owner: string }>(
    `UPDATE arrays SET cancel_requested_at = ?, cancel_code = ?, cancel_message = ?
     WHERE id = ? AND cancel_requested_at IS NULL AND ended_at IS NULL RETURNING owner`,
    at,
    reason.code,
    reason.message,
    key,
  );
  if (asked !== undefined) yield* writeArrayEvent({ id, owner: asked.owner }, 'cancel_requested', reason, at);
  return yield* getArray(id);
}

export function* cancelingArrays(limit: number): Operation<readonly JobId[]> {
  const rows = yield* all<{ id: string }>(
    `SELECT CAST(id AS TEXT) AS id FROM arrays WHERE cancel_requested_at IS NOT NULL AND ended_at IS NULL
     ORDER BY arrays.id LIMIT ?`,
    limitOf(limit),
  );
  return rows.map(({ id }) => id);
}

export interface ToCancel {
  readonly reason: Reason;
  readonly tasks: readonly JobRecord[];
}

/** With the reason that its cancel was asked for with. */
export function* tasksToCancel(id: JobId, limit: number): Operation<ToCancel | null> {
  const key = idOf(id);
  const array =
    key === null
      ? undefined
      : yield* one<{ code: Reason['code'] | null; message: string | null }>(
          'SELECT cancel_code AS code, cancel_message AS message FROM arrays WHERE id = ?',
          key,
        );
  if (array === undefined || array.code === null) return null;
  const most = limitOf(limit);
  const tasks: JobRecord[] = [];
  for (const state of UNENDED_STATES) {
    if (tasks.length === most) break;
    const rows = yield* all<JobRow>(
      `${SELECT_JOB} WHERE jobs.array_id = ? AND jobs.state = ? AND jobs.cancel_requested_at IS NULL
       ORDER BY jobs.array_id, jobs.state, jobs.id LIMIT ?`,
      key,
      state,
      most - tasks.length,
    );
    tasks.push(...rows.map(jobOf).filter((job) => !isFinal(job.state)));
  }
  return { reason: { code: array.code, message: array.message ?? '' }, tasks };
}

export function* holdArray(id: JobId, reason: Reason, at: number): Operation<ArrayRecord | null> {
  return yield* change(id, at, reason, [
    `UPDATE jobs SET waits = waits | ${WAITS.held}, reason_code = ?, reason_message = ?
     WHERE array_id = ? AND state = 'pending' AND (waits & 1) = 0 RETURNING waits`,
    reason.code,
    reason.message,
  ]);
}

export function* releaseArray(id: JobId, at: number): Operation<ArrayRecord | null> {
  const array = yield* change(id, at, { code: 'submitted', message: 'released' }, [
    `UPDATE jobs SET ${clearWaits(WAITS.held)} WHERE array_id = ? AND state = 'pending' AND (waits & 1) <> 0
     RETURNING waits`,
  ]);
  if (array !== null) yield* arrayReleased(id);
  return array;
}

/** Nothing is told where no task was changed. */
function* change(
  id: JobId,
  at: number,
  reason: Reason,
  [sql, ...values]: readonly [string, ...string[]],
): Operation<ArrayRecord | null> {
  const key = idOf(id);
  if (key === null) return null;
  const array = yield* one<{ owner: string }>('SELECT owner FROM arrays WHERE id = ? FOR UPDATE', key);
  if (array === undefined) return null;
  const changed = yield* all<{ waits: number }>(sql, ...values, key);
  if (changed.length > 0) yield* writeArrayEvent({ id, owner: array.owner }, 'reason', reason, at);
  return yield* getArray(id);
}

/**
 * What the end of a job means to others, in the transaction of that end: its array counts it and lets the next task go,
 * and those that depend on it are marked to be looked at (dependencies.ts). Nobody is canceled or decided here, so a
 * chain of any length costs an end no more than its own dependents.
 */
import type { JobRecord } from '../store.ts';
import { WAITS } from '../../core/job/waits.ts';
import { tellBegun } from './begun.ts';
import { clearWaits } from './clear-waits.ts';
import { markDependents } from './mark-dependents.ts';
import { one, type Operation } from './statement.ts';
import { writeArrayEvent, writeJobEvent } from './write-event.ts';

interface Counted {
  readonly tasks: number;
  readonly ended: number;
  readonly completed: number;
  readonly failed: number;
  readonly canceled: number;
  readonly most_at_once: number | null;
  readonly cancel_requested_at: number | null;
  readonly depended_on: number;
}

/** `job` has just ended; `before` is what it was. */
export function* tellEnd(job: JobRecord, before: JobRecord): Operation<void> {
  if (job.dependedOn) yield* markDependents(BigInt(job.id));
  if (job.array === null) return;
  const id = BigInt(job.array.id);
  const at = job.endedAt ?? 0;
  const array = yield* one<Counted>(
    `UPDATE arrays SET ended = ended + 1, completed = completed + ?, failed = failed + ?, canceled = canceled + ?,
       exit_code = CASE WHEN COALESCE(exit_code, -1) < ? THEN ? ELSE exit_code END,
       ended_at = CASE WHEN ended + 1 = tasks THEN ? ELSE ended_at END,
       waits = CASE WHEN ended + 1 = tasks THEN 0 ELSE waits END
     WHERE id = ?
     RETURNING tasks, ended, completed, failed, canceled, most_at_once, cancel_requested_at, depended_on`,
    Number(job.state === 'completed'),
    Number(job.state === 'failed'),
    Number(job.state === 'canceled'),
    job.exitCode ?? -1,
    job.exitCode ?? -1,
    at,
    id,
  );
  if (array === undefined) return;
  const over = array.ended === array.tasks;
  if (over) {
    const detail = { tasks: array.tasks, completed: array.completed };
    yield* writeArrayEvent(
      { id: job.array.id, owner: job.owner },
      arrayEnd(array),
      { code: 'exit', message: '' },
      at,
      detail,
    );
  }
  const firstLost = job.state !== 'completed' && array.ended - array.completed === 1;
  if (array.depended_on !== 0 && (over || firstLost)) yield* markDependents(id);
  if (job.dependedOn) yield* tellBegun(job);
  const hadPlace = (before.waits & WAITS.array) === 0;
  if (array.most_at_once !== null && array.cancel_requested_at === null && hadPlace) yield* letNextGo(id, at);
}

/** What an array has ended as: the worst of its tasks. */
export function arrayEnd(array: Pick<Counted, 'tasks' | 'completed' | 'failed' | 'canceled'>) {
  if (array.completed === array.tasks) return 'completed';
  if (array.failed > 0) return 'failed';
  return array.canceled > 0 ? 'canceled' : 'rejected';
}

/** The place that fell free goes to the first task that waits for one. */
function* letNextGo(array: bigint, at: number): Operation<void> {
  const next = yield* one<{ id: string; owner: string; epoch: number; waits: number }>(
    `UPDATE jobs SET ${clearWaits(WAITS.array)} WHERE id =
       (SELECT id FROM jobs WHERE array_id = ? AND state = 'pending' AND (waits & 8) <> 0
        ORDER BY array_id, id LIMIT 1)
     RETURNING CAST(id AS TEXT) AS id, owner, epoch, waits`,
    array,
  );
  if (next === undefined || next.waits !== 0) return;
  const job = { ...next, array: { id: String(array) } };
  yield* writeJobEvent(job, 'reason', null, { code: 'submitted', message: 'its turn in its array' }, at);
}

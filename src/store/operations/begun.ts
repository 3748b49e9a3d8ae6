/**
 * Has it begun, which others wait for by `after`? A job has once it has been running, whatever became of that attempt, or
 * once it has ended without; an array once all of its tasks have. Only what is depended on is asked: no other start pays.
 */
import { isFinal, type JobState } from '../../core/job/state.ts';
import type { JobRecord } from '../store.ts';
import { markDependents } from './mark-dependents.ts';
import { UNENDED_STATES } from './read-arrays.ts';
import { one, type Operation } from './statement.ts';

const FIRST = `(SELECT MIN(attempts.started_at) FROM attempts WHERE attempts.job_id = jobs.id)`;

/** When arrays have begun. Not that one has not: it may have by the next look. */
export type Begun = Map<bigint, number>;

/** When, in milliseconds; `at` null: not yet. Undefined: there is nothing of that id. */
export function* beganAt(on: bigint, begun: Begun): Operation<{ readonly at: number | null } | undefined> {
  const known = begun.get(on);
  if (known !== undefined) return { at: known };
  const job = yield* one<{ state: JobState; at: number | null; ended_at: number | null }>(
    `SELECT state, COALESCE(${FIRST}, started_at) AS at, ended_at FROM jobs WHERE id = ?`,
    on,
  );
  if (job !== undefined) return { at: job.at ?? (isFinal(job.state) ? job.ended_at : null) };
  const array = yield* one('SELECT 1 AS found FROM arrays WHERE id = ?', on);
  if (array === undefined) return undefined;
  if (!(yield* haveAllBegun(on))) return { at: null };
  const last = yield* one<{ at: number | null }>(
    `SELECT MAX(COALESCE(${FIRST}, started_at, ended_at)) AS at FROM jobs WHERE array_id = ?`,
    on,
  );
  const at = last?.at ?? null;
  if (at !== null) begun.set(on, at);
  return { at };
}

function* haveAllBegun(array: bigint): Operation<boolean> {
  for (const state of UNENDED_STATES) {
    const waiting = yield* one(
      `SELECT 1 AS found FROM jobs WHERE array_id = ? AND state = ? AND started_at IS NULL
         AND NOT EXISTS (SELECT 1 FROM attempts WHERE attempts.job_id = jobs.id AND attempts.started_at IS NOT NULL)
       ORDER BY array_id, state, jobs.id LIMIT 1`,
      array,
      state,
    );
    if (waiting !== undefined) return false;
  }
  return true;
}

/** `job`, on which others depend, is running, or a task that has ended. */
export function* tellBegun(job: JobRecord): Operation<void> {
  if (!isFinal(job.state)) yield* markDependents(BigInt(job.id), 'after');
  if (job.array === null) return;
  const id = BigInt(job.array.id);
  // Locked: of two last ones that begin at once the second sees the first.
  const array = yield* one<{ depended_on: number }>('SELECT depended_on FROM arrays WHERE id = ? FOR UPDATE', id);
  if (array?.depended_on === 1 && (yield* haveAllBegun(id))) yield* markDependents(id, 'after');
}

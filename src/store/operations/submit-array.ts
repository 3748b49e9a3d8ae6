/**
 * An array, stored at once: its own row with what its tasks share, then all tasks in two statements, and one event. So
 * 10,000 tasks cost some 20 µs each, and their jobspec is there once. The first task carries the idempotency key.
 */
import { NO_HANDLING } from '../../core/job/handling.ts';
import { isFinal } from '../../core/job/state.ts';
import { WAITS } from '../../core/job/waits.ts';
import type { ArrayRecord, JobId, JobRecord, NewArray } from '../store.ts';
import { heed, keepDependencies } from './dependencies.ts';
import { attachStaged } from './file-sets.ts';
import { getArray } from './read-arrays.ts';
import { one, run, type Operation, type SqlValue } from './statement.ts';
import { biddingText, candidatesOf, earlierSubmit, handlingText, laterText, whenValues } from './submit-job.ts';
import { writeArrayEvent } from './write-event.ts';
import { writeDecision } from './write-transition.ts';

export interface ArraySubmitted {
  readonly array: ArrayRecord | null;
  readonly job: JobRecord | null;
  readonly created: boolean;
}

/** What the engines say differently. */
export interface ArrayWords {
  /** The next number of a job. */
  takeId(): Operation<JobId>;
  /** A table expression of the indices, one value; and how each is named, and its place from 1. */
  readonly given: string;
  readonly index: string;
  readonly place: string;
  values(indices: readonly number[]): SqlValue;
}

const SQLITE: ArrayWords = {
  *takeId() {
    // What AUTOINCREMENT counts with; without a row until the first job.
    const counted = yield* one<{ id: string }>(
      `UPDATE sqlite_sequence SET seq = seq + 1 WHERE name = 'jobs' RETURNING CAST(seq AS TEXT) AS id`,
    );
    if (counted !== undefined) return counted.id;
    yield* run(`INSERT INTO sqlite_sequence (name, seq) VALUES ('jobs', 1)`);
    return '1';
  },
  given: 'json_each(?) AS given',
  index: 'given.value',
  place: 'given.key + 1',
  values: (indices) => JSON.stringify(indices),
};

export function submitArray(array: NewArray): Operation<ArraySubmitted> {
  return submitArrayIn(SQLITE, array);
}

export function* submitArrayIn(words: ArrayWords, array: NewArray): Operation<ArraySubmitted> {
  // 1. A repeated submit is answered with what the first one stored.
  const earlier = yield* earlierSubmit(array);
  if (earlier !== null) {
    if (earlier.array === null) return { array: null, job: earlier, created: false };
    return { array: yield* getArray(earlier.array.id), job: null, created: false };
  }
  const dependencies = array.dependencies ?? [];
  const settled = yield* heed(dependencies);

  // 2. The array.
  const { outcome, at } = array;
  const id = yield* words.takeId();
  const key = BigInt(id);
  const count = array.tasks.length;
  const over = isFinal(outcome.state);
  yield* run(
    `INSERT INTO arrays (id, name, owner, indices, most_at_once, tasks, least_index, most_index, priority, submitted_at,
       ended_at, ended, canceled, waits, jobspec, candidates, image)
     VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
    key,
    array.name,
    array.owner,
    array.indices,
    array.mostAtOnce,
    count,
    array.tasks[0] ?? 0,
    array.tasks.at(-1) ?? 0,
    array.priority,
    at,
    over ? at : null,
    over ? count : 0,
    outcome.state === 'canceled' ? count : 0,
    over || dependencies.length === 0 ? 0 : WAITS.dependency | (settled ? WAITS.settle : 0),
    array.jobspec,
    JSON.stringify(candidatesOf(array)),
    array.image ?? null,
  );
  if (!over) yield* keepDependencies(id, dependencies);
  yield* attachStaged(id, array.handling ?? NO_HANDLING);

  // 3. Its tasks. Those beyond the limit wait for one before them to end.
  const [waits, ...when] = whenValues(array);
  const beyond = Number(waits) | WAITS.array;
  const limited = over ? null : array.mostAtOnce;
  const most = Math.min(limited ?? count, count);
  yield* run(
    `INSERT INTO jobs (name, owner, idempotency_key, priority, walltime, on_cluster_loss, submitted_at, state,
       reason_code, reason_message, epoch, ended_at, waits, begin_at, start_before, deadline, start_by, overcommit,
       question, array_id, array_index)
     SELECT CAST(? AS TEXT), CAST(? AS TEXT), CASE WHEN ${words.place} = 1 THEN CAST(? AS TEXT) END, CAST(? AS BIGINT),
       CAST(? AS DOUBLE PRECISION), CAST(? AS TEXT), CAST(? AS BIGINT), CAST(? AS TEXT),
       CASE WHEN ${words.place} > CAST(? AS BIGINT) THEN CAST(? AS TEXT) ELSE CAST(? AS TEXT) END,
       CASE WHEN ${words.place} > CAST(? AS BIGINT) THEN CAST(? AS TEXT) ELSE CAST(? AS TEXT) END,
       1, CAST(? AS BIGINT),
       CASE WHEN ${words.place} > CAST(? AS BIGINT) THEN CAST(? AS BIGINT) ELSE CAST(? AS BIGINT) END,
       CAST(? AS BIGINT), CAST(? AS BIGINT), CAST(? AS BIGINT), CAST(? AS BIGINT), CAST(? AS TEXT),
       CAST(? AS TEXT), CAST(? AS BIGINT), ${words.index}
     FROM ${words.given}`,
    array.name,
    array.owner,
    array.idempotencyKey,
    array.priority,
    array.walltime,
    array.onClusterLoss,
    at,
    outcome.state,
    most,
    waits === 0 ? 'array_limit' : outcome.reason.code,
    outcome.reason.code,
    most,
    waits === 0 ? `at most ${most} tasks of its array at once` : outcome.reason.message,
    outcome.reason.message,
    over ? at : null,
    most,
    over ? 0 : beyond,
    Number(waits),
    ...when,
    key,
    words.values(array.tasks),
  );
  yield* run(
    `INSERT INTO job_documents (job_id, jobspec, candidates, policy, policy_options, handling, later, bidding)
     SELECT id, '', '[]', CAST(? AS TEXT), CAST(? AS TEXT), CAST(? AS TEXT), CAST(? AS TEXT), CAST(? AS TEXT) FROM jobs
     WHERE array_id = ?`,
    array.policy,
    JSON.stringify(array.policyOptions),
    handlingText(array),
    laterText(array),
    biddingText(array),
    key,
  );
  if (array.decision !== null) {
    const first = yield* one<{ id: string }>(
      'SELECT CAST(id AS TEXT) AS id FROM jobs WHERE array_id = ? AND state = ? ORDER BY array_id, state, jobs.id LIMIT 1',
      key,
      outcome.state,
    );
    if (first !== undefined) yield* writeDecision(BigInt(first.id), 1, at, array.decision);
  }

  // 4. What it tells.
  yield* writeArrayEvent({ id, owner: array.owner }, outcome.state, outcome.reason, at, {
    tasks: count,
    indices: array.indices,
  });
  return { array: yield* getArray(id), job: null, created: true };
}

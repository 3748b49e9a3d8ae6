/**
 * What is in the way of a singleton: a job or an array of its name and owner that was submitted before it and has not
 * ended, or that came later and is at a cluster. One of them is kept as what it waits for; when that has ended it is
 * looked for the next, so a row of any length costs each of its jobs one.
 */
import { isFinal, type JobState } from '../../core/job/state.ts';
import type { JobId, JobRecord } from '../store.ts';
import { markDependents } from './mark-dependents.ts';
import { UNENDED_STATES } from './read-arrays.ts';
import { limitOf, one, run, type Operation } from './statement.ts';

export interface Waiter {
  /** A job, or an array. */
  readonly id: JobId;
  readonly owner: string;
  readonly name: string;
}

/** Of what came later: so many jobs of each state are looked at. Of what came before, see `unendedJobs`. */
const LATER = 10_000;
const AT_CLUSTER = UNENDED_STATES.filter((state) => state !== 'pending');
const STATES_AT_CLUSTER = AT_CLUSTER.map((state) => `'${state}'`).join(', ');

export type InTheWay = { readonly on: JobId } | 'free' | 'busy';

/**
 * From here on the end of what is answered is told. `busy`: what is in the way is just being
 * changed, so look again; to wait for its row, with others in hand, could be waiting for each other.
 */
export function* inTheWay(me: Waiter): Operation<InTheWay> {
  const key = BigInt(me.id);
  const found = (yield* jobInTheWay(me)) ?? (yield* arrayInTheWay(me));
  if (found === null) return 'free';
  const on = BigInt(found);
  const known = yield* one(
    `SELECT 1 AS found FROM dependencies WHERE job_id = ? AND on_id = ? AND kind = 'singleton'`,
    key,
    on,
  );
  // Its end will find it, and waits for this transaction where it is just coming.
  if (known !== undefined) return { on: found };
  if (!(yield* heedOne(on, on > key))) return 'busy';
  yield* run(`DELETE FROM dependencies WHERE job_id = ? AND kind = 'singleton' AND on_id <> 0`, key);
  yield* run(`INSERT INTO dependencies (job_id, on_id, kind) VALUES (?, ?, 'singleton')`, key, on);
  return { on: found };
}

/** False where another has its row, it has ended meanwhile, or came later and is at no cluster any more. */
function* heedOne(on: bigint, isLater: boolean): Operation<boolean> {
  const job = yield* one<{ state: JobState }>('SELECT state FROM jobs WHERE id = ? FOR UPDATE SKIP LOCKED', on);
  if (job !== undefined) {
    yield* run('UPDATE jobs SET depended_on = 1 WHERE id = ?', on);
    return !isFinal(job.state) && !(isLater && job.state === 'pending');
  }
  const array = yield* one<{ ended_at: number | null }>(
    'SELECT ended_at FROM arrays WHERE id = ? FOR UPDATE SKIP LOCKED',
    on,
  );
  if (array === undefined || array.ended_at !== null) return false;
  yield* run('UPDATE arrays SET depended_on = 1 WHERE id = ?', on);
  return !isLater || (yield* isAtCluster(on));
}

function* isAtCluster(array: bigint): Operation<boolean> {
  const task = yield* one(
    `SELECT 1 AS found FROM jobs WHERE array_id = ? AND state IN (${STATES_AT_CLUSTER}) LIMIT 1`,
    array,
  );
  return task !== undefined;
}

/** `job`, which came back from a cluster, is pending: it is in the way of none that came before it. */
export function* tellBack(job: JobRecord): Operation<void> {
  if (job.array === null) {
    if (job.dependedOn) yield* markDependents(BigInt(job.id), 'singleton');
    return;
  }
  const id = BigInt(job.array.id);
  // Locked: one that is just being made to wait for it is seen.
  const array = yield* one<{ depended_on: number }>('SELECT depended_on FROM arrays WHERE id = ? FOR UPDATE', id);
  if (array?.depended_on === 1) yield* markDependents(id, 'singleton');
}

interface Found {
  readonly id: JobId;
}

/** The newest before it in the first state that has any: in a row of singletons, the one before it. */
function* jobInTheWay({ id, owner, name }: Waiter): Operation<JobId | null> {
  const key = BigInt(id);
  for (const state of UNENDED_STATES) {
    const found = yield* one<Found>(
      `SELECT CAST(id AS TEXT) AS id FROM jobs INDEXED BY jobs_owner
       WHERE owner = ? AND state = ? AND array_id IS NULL AND id < ? AND name = ?
       ORDER BY jobs.owner DESC, jobs.state DESC, jobs.id DESC LIMIT 1`,
      owner,
      state,
      key,
      name,
    );
    if (found !== undefined) return found.id;
  }
  for (const state of AT_CLUSTER) {
    const found = yield* one<Found>(
      `SELECT CAST(run.id AS TEXT) AS id FROM
         (SELECT id, name FROM jobs INDEXED BY jobs_owner WHERE owner = ? AND state = ? AND array_id IS NULL AND id > ?
          ORDER BY jobs.owner, jobs.state, jobs.id LIMIT ${LATER}) AS run
       WHERE run.name = ? LIMIT 1`,
      owner,
      state,
      key,
      name,
    );
    if (found !== undefined) return found.id;
  }
  return null;
}

function* arrayInTheWay({ id, owner, name }: Waiter): Operation<JobId | null> {
  const before = yield* one<Found>(
    `SELECT CAST(id AS TEXT) AS id FROM arrays WHERE owner = ? AND name = ? AND ended_at IS NULL AND id < ?
     ORDER BY arrays.id DESC LIMIT 1`,
    owner,
    name,
    BigInt(id),
  );
  if (before !== undefined) return before.id;
  const later = yield* one<Found>(
    `SELECT CAST(id AS TEXT) AS id FROM arrays WHERE owner = ? AND name = ? AND ended_at IS NULL AND id > ?
       AND EXISTS (SELECT 1 FROM jobs WHERE jobs.array_id = arrays.id AND jobs.state IN (${STATES_AT_CLUSTER}))
     ORDER BY arrays.id LIMIT 1`,
    owner,
    name,
    BigInt(id),
  );
  return later?.id ?? null;
}

/** Its jobs that have not ended, tasks of arrays aside; counted up to `most`. What a look for a singleton may walk past. */
export function* unendedJobs(owner: string, most: number): Operation<number> {
  let count = 0;
  for (const state of UNENDED_STATES) {
    const row = yield* one<{ count: number }>(
      `SELECT CAST(COUNT(*) AS INTEGER) AS count FROM
         (SELECT 1 AS found FROM jobs INDEXED BY jobs_owner WHERE owner = ? AND state = ? AND array_id IS NULL LIMIT ?) AS run`,
      owner,
      state,
      limitOf(most - count),
    );
    count += row?.count ?? 0;
  }
  return count;
}

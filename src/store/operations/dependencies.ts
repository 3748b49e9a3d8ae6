/**
 * Dependencies: kept at submit, looked at when one of what they are on has begun (`after`) or ended. That only marks its
 * dependents (mark-dependents.ts); here they are released or canceled, a bounded number in one transaction and one after the other, so
 * that a chain of any length neither recurses nor holds up others. What is marked stays marked over a crash.
 * A job of a store that was put back (reason `restored`) may run already: nothing is decided on it until it is released
 * or its agent has said that it has it. Where nobody knows how an end was, those that ask for it wait for a person.
 */
import { RainbowError } from '../../core/errors.ts';
import { isoOf } from '../../core/iso-time.ts';
import { NO_HANDLING } from '../../core/job/handling.ts';
import { RESTORED } from '../../core/job/restored.ts';
import { isFinal, type JobState, type Reason } from '../../core/job/state.ts';
import { dependenciesText, WAITS, type Dependency, type DependencyKind } from '../../core/job/waits.ts';
import type { JobId, JobRecord, NewJob } from '../store.ts';
import { attachStaged } from './file-sets.ts';
import { clearWaits } from './clear-waits.ts';
import type { Begun } from './begun.ts';
import { lookAtEnds, mayDecide, type Counts, type Ends } from './dependency-ends.ts';
import { idOf, jobOf, SELECT_JOB, selectJobBy, type JobRow } from './job-row.ts';
import type { Waiter } from './same-name.ts';
import { all, limitOf, one, run, type Operation } from './statement.ts';
import { earlierSubmit, storedJob, submitJob } from './submit-job.ts';
import { writeArrayEvent, writeJobEvent } from './write-event.ts';
import { applyChange } from './write-transition.ts';

/** A submit of a job that depends on others, or has files; `submitJob` itself asks nothing of them. */
export function* submitDependent(job: NewJob): Operation<{ readonly job: JobRecord; readonly created: boolean }> {
  // A repeated submit is answered even where what it depended on is gone by now.
  const earlier = yield* earlierSubmit(job);
  if (earlier !== null) return { job: earlier, created: false };
  const settled = yield* heed(job.dependencies ?? []);
  const dependent = settled ? { ...job, waits: (job.waits ?? 0) | WAITS.settle } : job;
  const stored = yield* submitJob(dependent);
  if (!stored.created) return stored;
  yield* keepDependencies(stored.id, job.dependencies ?? []);
  yield* attachStaged(stored.id, job.handling ?? NO_HANDLING);
  return { job: storedJob(dependent, stored.id), created: true };
}

/**
 * From here on the ends of these are told. True where one has ended already: then there will be nobody to tell, and it
 * is to be looked at at once. Throws `not_found` where one is gone.
 */
export function* heed(dependencies: readonly Dependency[]): Operation<boolean> {
  let settled = false;
  for (const { kind, on } of dependencies) {
    // Whatever became of the others already, these are decided by a look.
    if (kind === 'singleton' || kind === 'after') settled = true;
    if (kind === 'singleton') continue;
    const key = idOf(on);
    const job =
      key === null
        ? undefined
        : yield* one<{ state: JobState }>('UPDATE jobs SET depended_on = 1 WHERE id = ? RETURNING state', key);
    if (job !== undefined) {
      settled ||= isFinal(job.state);
      continue;
    }
    const array =
      key === null
        ? undefined
        : yield* one<Counts>('UPDATE arrays SET depended_on = 1 WHERE id = ? RETURNING tasks, ended, completed', key);
    if (array === undefined) throw new RainbowError('not_found', `there is no job ${on} to depend on`);
    if (kind === 'after') yield* heedTasks(key);
    else settled ||= mayDecide(kind, array);
  }
  return settled;
}

/** Their starts are told too. Whoever asked for that first has marked them all; the array's row is locked. */
function* heedTasks(array: bigint | null): Operation<void> {
  const before = yield* one(
    `SELECT 1 AS found FROM dependencies WHERE on_id = ? AND kind = 'after' ORDER BY dependencies.on_id, dependencies.job_id LIMIT 1`,
    array,
  );
  if (before !== undefined) return;
  yield* run('UPDATE jobs SET depended_on = 1 WHERE array_id = ? AND ended_at IS NULL AND depended_on = 0', array);
}

export function* keepDependencies(id: JobId, dependencies: readonly Dependency[]): Operation<void> {
  for (const { kind, on, minutes = 0 } of dependencies) {
    yield* run(
      'INSERT INTO dependencies (job_id, on_id, kind, minutes) VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING',
      BigInt(id),
      kind === 'singleton' ? 0n : BigInt(on),
      kind,
      minutes,
    );
  }
}

/** As they were asked for: what is in a singleton's way now is its reason. */
export function* getDependencies(id: JobId): Operation<readonly Dependency[]> {
  const key = idOf(id);
  if (key === null) return [];
  const rows = yield* all<{ kind: DependencyKind; on_id: string; minutes: number }>(
    `SELECT kind, CAST(on_id AS TEXT) AS on_id, minutes FROM dependencies
     WHERE job_id = ? AND NOT (kind = 'singleton' AND on_id <> 0) ORDER BY dependencies.on_id, kind`,
    key,
  );
  return rows.map(({ kind, on_id, minutes }) => ({
    kind,
    on: kind === 'singleton' ? '' : on_id,
    ...(minutes === 0 ? {} : { minutes }),
  }));
}

/** Read at once. */
const PASS = 50;
/** A look for a name may walk past 10,000 jobs: so many others are left for the next transaction instead. */
const WORTH_OF_A_NAME = 100;

export function* settleDependencies(
  limit: number,
  at: number,
): Operation<{ readonly released: number; readonly canceled: number } | null> {
  const done = { released: 0, canceled: 0 };
  let left = limitOf(limit);
  let looked = false;
  const begun: Begun = new Map();
  while (left > 0) {
    // Those that the last ones' ends have marked are among them.
    const rows = yield* all<JobRow>(
      `${selectJobBy('jobs_settle')} WHERE jobs.state = 'pending' AND jobs.waits >= 16
       ORDER BY jobs.id LIMIT ? FOR UPDATE SKIP LOCKED`,
      Math.min(left, PASS),
    );
    const arrays = yield* all<Waiter>(
      `SELECT CAST(id AS TEXT) AS id, owner, name FROM arrays WHERE waits >= 16 ORDER BY arrays.id LIMIT ? FOR UPDATE SKIP LOCKED`,
      Math.min(left, PASS),
    );
    const jobs = rows.map(jobOf);
    const outcomes: Outcome[] = [];
    for (const [place, { id }] of [...jobs, ...arrays].entries()) {
      if (left <= 0) break;
      const dependencies = yield* getDependencies(id);
      left -= dependencies.some(({ kind }) => kind === 'singleton') ? WORTH_OF_A_NAME : 1;
      const job = jobs[place];
      const array = arrays[place - jobs.length];
      if (job !== undefined) outcomes.push(yield* settleJob(job, dependencies, begun, at));
      else if (array !== undefined) outcomes.push(yield* settleArray(array, dependencies, begun, at));
    }
    for (const outcome of outcomes) count(done, outcome);
    looked ||= outcomes.length > 0;
    if (outcomes.every((outcome) => outcome === 'busy')) break;
  }
  return looked ? done : null;
}

function count(done: { released: number; canceled: number }, outcome: Outcome): void {
  if (outcome !== 'waits' && outcome !== 'busy') done[outcome] += 1;
}

/** `busy`: it is still marked. */
type Outcome = 'released' | 'canceled' | 'waits' | 'busy';

function* settleJob(job: JobRecord, dependencies: readonly Dependency[], begun: Begun, at: number): Operation<Outcome> {
  const id = BigInt(job.id);
  if (job.reason.code === RESTORED) {
    yield* run('UPDATE jobs SET waits = waits & 15 WHERE id = ?', id);
    return 'waits';
  }
  const found = yield* lookAtEnds(job, dependencies, begun);
  if (found.never !== null) {
    yield* applyChange(job, { to: 'canceled', reason: { code: 'dependency', message: found.never }, at, endedAt: at });
    return 'canceled';
  }
  if (found.busy) return 'busy';
  if (found.open.length > 0) {
    const message = `waits for ${dependenciesText(found.open)}`;
    const held = (job.waits & WAITS.held) !== 0;
    yield* run(
      'UPDATE jobs SET waits = waits & 15, reason_message = ? WHERE id = ?',
      held ? job.reason.message : message,
      id,
    );
    if (!held && message !== job.reason.message) {
      yield* writeJobEvent(job, 'reason', null, { code: 'dependency', message }, at);
    }
    return 'waits';
  }
  if (found.unknown !== null) {
    const { code, message } = holdReason(found.unknown);
    yield* run(`UPDATE jobs SET ${HOLD_UNTOLD} WHERE id = ?`, code, message, id);
    yield* writeJobEvent(job, 'reason', null, { code, message }, at);
    return 'waits';
  }
  const later = ahead(found, at);
  if (later !== null) yield* run(`UPDATE jobs SET ${NOT_BEFORE} WHERE id = ?`, later, later, id);
  yield* run(`UPDATE jobs SET ${clearWaits(WAITS.dependency | WAITS.settle)} WHERE id = ?`, id);
  const reason = onceMet(later);
  if (later !== null) yield* run(`UPDATE jobs SET ${SAY_WHEN} AND id = ?`, reason.message, later, id);
  if ((job.waits & WAITS.held) === 0) yield* writeJobEvent(job, 'reason', null, reason, at);
  return 'released';
}

/** All tasks at once: they wait for the same. */
function* settleArray(
  array: Waiter,
  dependencies: readonly Dependency[],
  begun: Begun,
  at: number,
): Operation<Outcome> {
  const found = yield* lookAtEnds(array, dependencies, begun);
  const id = BigInt(array.id);
  if (found.never !== null) {
    if (yield* hasRestored(id)) return yield* cancelReleased(id, found.never, at);
    yield* run(
      `UPDATE arrays SET waits = 0, cancel_requested_at = ?, cancel_code = 'dependency', cancel_message = ? WHERE id = ?`,
      at,
      found.never,
      id,
    );
    yield* writeArrayEvent(array, 'cancel_requested', { code: 'dependency', message: found.never }, at);
    return 'canceled';
  }
  if (found.busy) return 'busy';
  if (found.open.length > 0) {
    yield* run('UPDATE arrays SET waits = waits & 15 WHERE id = ?', id);
    return 'waits';
  }
  if (found.unknown !== null) {
    const { code, message } = holdReason(found.unknown);
    yield* run('UPDATE arrays SET waits = 0 WHERE id = ?', id);
    yield* run(
      `UPDATE jobs SET ${HOLD_UNTOLD} WHERE array_id = ? AND state = 'pending' AND (waits & 2) <> 0`,
      code,
      message,
      id,
    );
    yield* writeArrayEvent(array, 'reason', { code, message }, at);
    return 'waits';
  }
  const later = ahead(found, at);
  if (later !== null) {
    yield* run(
      `UPDATE jobs SET ${NOT_BEFORE} WHERE array_id = ? AND state = 'pending' AND (waits & 2) <> 0`,
      later,
      later,
      id,
    );
  }
  yield* letTasksGo(id);
  const reason = onceMet(later);
  if (later !== null) yield* run(`UPDATE jobs SET ${SAY_WHEN} AND array_id = ?`, reason.message, later, id);
  yield* writeArrayEvent(array, 'reason', reason, at);
  return 'released';
}

/** What is met asks for a while more: the job waits for a time from here on. */
const NOT_BEFORE =
  'waits = waits | 4, begin_at = CASE WHEN begin_at > CAST(? AS BIGINT) THEN begin_at ELSE CAST(? AS BIGINT) END';
const SAY_WHEN = `reason_message = ? WHERE state = 'pending' AND reason_code = 'begin' AND begin_at = ?`;

function ahead({ notBefore }: Ends, at: number): number | null {
  return notBefore !== null && notBefore > at ? notBefore : null;
}

function onceMet(later: number | null): Reason {
  if (later !== null) return { code: 'begin', message: `not before ${isoOf(later)}` };
  return { code: 'submitted', message: 'what it depended on has come to pass' };
}

/** None of its tasks waits for others any more. */
export function* letTasksGo(array: bigint): Operation<void> {
  yield* run('UPDATE arrays SET waits = 0 WHERE id = ?', array);
  yield* run(
    `UPDATE jobs SET ${clearWaits(WAITS.dependency)} WHERE array_id = ? AND state = 'pending' AND (waits & 2) <> 0`,
    array,
  );
}

/** Held for a person, for whom a release is enough. */
const HOLD_UNTOLD = 'waits = (waits & 13) | 1, reason_code = ?, reason_message = ?';

function holdReason(unknown: string): Reason {
  return { code: RESTORED, message: `${unknown}: release it to run it, or cancel it` };
}

function* hasRestored(array: bigint): Operation<boolean> {
  const found = yield* one(
    `SELECT 1 AS found FROM jobs WHERE array_id = ? AND state = 'pending' AND reason_code = '${RESTORED}' LIMIT 1`,
    array,
  );
  return found !== undefined;
}

/** Tasks canceled by one look. */
const CANCELED = 256;

/** Of an array that can never start, those tasks that were released by hand; the others may run already. */
function* cancelReleased(array: bigint, never: string, at: number): Operation<Outcome> {
  const rows = yield* all<JobRow>(
    `${SELECT_JOB} WHERE jobs.array_id = ? AND jobs.state = 'pending' AND jobs.reason_code <> '${RESTORED}'
       AND (jobs.waits & 2) <> 0 ORDER BY jobs.array_id, jobs.state, jobs.id LIMIT ${CANCELED}`,
    array,
  );
  for (const row of rows) {
    const reason = { code: 'dependency', message: never } as const;
    yield* applyChange(jobOf(row), { to: 'canceled', reason, at, endedAt: at });
  }
  if (rows.length < CANCELED) yield* run('UPDATE arrays SET waits = waits & 15 WHERE id = ?', array);
  return rows.length > 0 ? 'canceled' : 'waits';
}

/**
 * What a release means for what a job waits for, as bits that it keeps: whoever lets go a job of which nobody knows how
 * what it depends on ended has decided that; where one ended otherwise, it is looked at at once.
 */
export function* waitsOnceReleased(job: JobRecord, waits: number): Operation<number> {
  if ((waits & WAITS.dependency) === 0) return waits;
  const me = { id: job.array?.id ?? job.id, owner: job.owner, name: job.name };
  const found = yield* lookAtEnds(me, yield* getDependencies(me.id));
  if (!asksToLook(found)) return found.open.length > 0 ? waits : waits & ~(WAITS.dependency | WAITS.settle);
  if (job.array === null) return waits | WAITS.settle;
  yield* lookAgain(BigInt(me.id));
  return waits;
}

/** The same of an array, all of whose tasks were let go. */
export function* arrayReleased(id: JobId): Operation<void> {
  const key = BigInt(id);
  const array = yield* one<{ waits: number; owner: string; name: string }>(
    'SELECT waits, owner, name FROM arrays WHERE id = ?',
    key,
  );
  if (array === undefined || (array.waits & WAITS.dependency) === 0) return;
  const found = yield* lookAtEnds({ ...array, id }, yield* getDependencies(id));
  if (asksToLook(found)) yield* lookAgain(key);
  else if (found.open.length === 0) yield* letTasksGo(key);
}

/** It can never start, is to wait a while yet, or cannot be looked at just now. */
function asksToLook({ never, open, unknown, notBefore, busy }: Ends): boolean {
  return never !== null || busy || (notBefore !== null && open.length === 0 && unknown === null);
}

function* lookAgain(array: bigint): Operation<void> {
  yield* run('UPDATE arrays SET waits = waits | 16 WHERE id = ? AND (waits & 2) <> 0 AND waits < 16', array);
}

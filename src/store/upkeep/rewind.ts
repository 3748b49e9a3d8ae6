/**
 * What a store has to be told once it has been put back to an earlier state: clusters and people remember more than it
 * does, and nothing of that may run twice or be taken for something else.
 *
 * 1. Numbers of jobs and events that were given since are not given again: an agent may still hold `id.epoch` of a job
 *    of which this store never heard. How many were given nobody knows, so it goes on after as many as can have been.
 * 2. What was in no native queue may have been run since: it is held, until the agent that has it says so
 *    (operations/adopt-job.ts) or a person lets it go.
 * 3. What was in a native queue is `unknown`, until its agent says what became of it.
 */
import type { Reason } from '../../core/job/state.ts';
import { isoOf } from '../../core/iso-time.ts';
import { PRUNED } from '../operations/prune.ts';
import type { Row, SqlValue } from '../operations/statement.ts';
import type { Side } from './side.ts';

/** In `settings`, of a backup alone: when it was taken, in milliseconds since 1970. */
export const BACKED_UP_AT = 'backed_up_at';

export interface Rewound {
  /** When the state was, as far as it can tell; milliseconds since 1970. */
  readonly takenAt: number;
  /** Jobs that wait for a person, and that wait for their agents. */
  readonly held: number;
  readonly unknown: number;
  /** The next job gets this number, the next event that one. */
  readonly nextJob: number;
  readonly nextEvent: number;
}

/** More than one server gives for long, in a millisecond. */
const JOBS_A_MS = 1;
const EVENTS_A_MS = 10;
/** Clocks are not exact. */
const LEAST = 1000;

/** In the side's transaction; the caller commits. `now`: milliseconds since 1970. */
export async function rewind(side: Side, now: number): Promise<Rewound> {
  const ask = (sql: string, ...values: readonly SqlValue[]): Promise<readonly Row[]> => side.ask({ sql, values });
  const takenAt = await takenAtOf(ask);
  const passed = Math.max(0, now - takenAt);
  const numbers = await side.numbers();
  const jobs = (numbers.get('jobs') ?? 0) + Math.max(LEAST, Math.ceil(passed * JOBS_A_MS));
  let events = (numbers.get('events') ?? 0) + Math.max(LEAST, Math.ceil(passed * EVENTS_A_MS));
  // Who would go on watching from a number of before is told that something is missing.
  const pruned = events;

  const when = isoOf(takenAt);
  const held: Reason = {
    code: 'restored',
    message: `the store was put back to ${when}: it may have run since. Once every agent is back: release it to run it, or cancel it`,
  };
  const lost: Reason = {
    code: 'restored',
    message: `the store was put back to ${when}: its agent will say what became of it`,
  };

  /** As an event of each, numbered on from `events`. */
  const tell = async (kind: string, { code, message }: Reason, which: string): Promise<number> => {
    const told = await ask(
      `INSERT INTO events (seq, at, subject, job_id, owner, cluster, kind, epoch, reason_code, reason_message, array_id)
       SELECT CAST(? AS BIGINT) + row_number() OVER (ORDER BY id), CAST(? AS BIGINT), 'job', id, owner, cluster,
         CAST(? AS TEXT), epoch, CAST(? AS TEXT), CAST(? AS TEXT), array_id FROM jobs WHERE ${which} RETURNING seq`,
      events,
      now,
      kind,
      code,
      message,
    );
    events += told.length;
    return told.length;
  };

  // What was assigned or received waits again, under the same epoch: its agent has it, or nobody.
  const waiting = `state IN ('pending','assigned','received')`;
  await tell('pending', held, `state IN ('assigned','received')`);
  await tell('reason', held, `state = 'pending'`);
  const waits = await ask(
    `UPDATE jobs SET state = 'pending', waits = waits | 1, reason_code = ?, reason_message = ?, cluster = NULL,
       cluster_id = NULL, assigned_at = NULL, received_at = NULL, lease_expires_at = NULL, left_until = NULL,
       claimed_by = NULL, claimed_until = NULL WHERE ${waiting} RETURNING id`,
    held.code,
    held.message,
  );
  const native = `state IN ('accepted','running','unknown')`;
  await tell('unknown', lost, native);
  const unknown = await ask(
    `UPDATE jobs SET state = 'unknown', reason_code = ?, reason_message = ?, lease_expires_at = NULL
     WHERE ${native} RETURNING id`,
    lost.code,
    lost.message,
  );

  for (const table of ['servers', 'cluster_streams', 'letters']) await ask(`DELETE FROM ${table}`);
  await ask('DELETE FROM settings WHERE key = ?', BACKED_UP_AT);
  await ask(
    'INSERT INTO settings (key, value) VALUES (?, ?) ON CONFLICT (key) DO UPDATE SET value = excluded.value',
    PRUNED,
    String(pruned),
  );
  await side.setNumber('jobs', jobs);
  await side.setNumber('events', events);
  return { takenAt, held: waits.length, unknown: unknown.length, nextJob: jobs + 1, nextEvent: events + 1 };
}

/** The backup says when; else the newest that was written, which is before it. */
async function takenAtOf(ask: (sql: string, ...values: SqlValue[]) => Promise<readonly Row[]>): Promise<number> {
  const [noted] = await ask('SELECT value FROM settings WHERE key = ?', BACKED_UP_AT);
  if (noted !== undefined) return Number(noted['value']);
  const [event] = await ask('SELECT at FROM events ORDER BY seq DESC LIMIT 1');
  if (event !== undefined) return Number(event['at']);
  const [made] = await ask('SELECT MAX(applied_at) AS at FROM schema_versions');
  return Number(made?.['at'] ?? 0);
}

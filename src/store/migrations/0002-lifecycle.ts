/**
 * What a job waits for, arrays, dependencies, deadlines, and what retention needs.
 *
 * - `waits` are the bits of core/job/waits.ts. Who decides reads only jobs that wait for nothing, so what waits costs
 *   nothing; each cause takes its own bit away, in the transaction in which it ends.
 * - An array has an id of its own, out of the jobs' numbers, and no row in `jobs`; what its tasks share (jobspec,
 *   candidates) is kept once. How many of them have ended, and how, is counted where they end.
 * - A dependency is of a job or an array, on a job or an array; it is kept until the one that has it is gone.
 * - Tasks are left out of the indexes for lists: a list shows their array.
 */
import { oneOf } from './0001-first.ts';
import type { Migration, Words } from './migration.ts';

export const lifecycle: Migration = {
  number: 2,
  name: 'lifecycle',
  statements: (words) => [...columns(words), ...arrays(words), ...dependencies(words), ...indexes(words)],
};

function columns({ integer, text }: Words): string[] {
  const jobs = [
    `waits ${integer} NOT NULL DEFAULT 0`,
    `begin_at ${integer}`,
    `start_before ${integer}`,
    `deadline ${integer}`,
    // The latest start: the earlier of start_before, and the deadline less the walltime that was asked for.
    `start_by ${integer}`,
    // Jobs with equal ones are decided alike.
    `question ${text}`,
    `array_id ${integer}`,
    `array_index ${integer}`,
    // Something was to depend on it: its end has to be told.
    `depended_on ${integer} NOT NULL DEFAULT 0`,
    `cancel_code ${text}`,
    `overcommit ${text} ${oneOf('overcommit', 'queue', 'deny')}`,
  ];
  return [
    ...jobs.map((column) => `ALTER TABLE jobs ADD COLUMN ${column}`),
    // Which clusters that come later it may use, as JSON; null: none, it does not wait for any.
    `ALTER TABLE job_documents ADD COLUMN later ${text}`,
    `ALTER TABLE events ADD COLUMN array_id ${integer}`,
  ];
}

function arrays({ integer, text, strict }: Words): string[] {
  return [
    `CREATE TABLE arrays (
      id ${integer} NOT NULL PRIMARY KEY,
      name ${text} NOT NULL,
      owner ${text} NOT NULL,
      indices ${text} NOT NULL,
      most_at_once ${integer},
      tasks ${integer} NOT NULL CHECK (tasks >= 1),
      least_index ${integer} NOT NULL,
      most_index ${integer} NOT NULL,
      priority ${integer} NOT NULL,
      submitted_at ${integer} NOT NULL,
      ended_at ${integer},
      ended ${integer} NOT NULL DEFAULT 0,
      completed ${integer} NOT NULL DEFAULT 0,
      failed ${integer} NOT NULL DEFAULT 0,
      canceled ${integer} NOT NULL DEFAULT 0,
      exit_code ${integer},
      cancel_requested_at ${integer},
      cancel_code ${text},
      cancel_message ${text},
      waits ${integer} NOT NULL DEFAULT 0,
      depended_on ${integer} NOT NULL DEFAULT 0,
      jobspec ${text} NOT NULL,
      candidates ${text} NOT NULL
    ) ${strict}`,
    'CREATE INDEX arrays_owner ON arrays (owner, id)',
    'CREATE INDEX arrays_owner_ended ON arrays (owner, ended_at, id) WHERE ended_at IS NOT NULL',
    'CREATE INDEX arrays_ended ON arrays (ended_at, id) WHERE ended_at IS NOT NULL',
    'CREATE INDEX arrays_settle ON arrays (id) WHERE waits >= 16',
    'CREATE INDEX arrays_cancel ON arrays (id) WHERE cancel_requested_at IS NOT NULL AND ended_at IS NULL',
  ];
}

function dependencies({ integer, text, strict }: Words): string[] {
  return [
    `CREATE TABLE dependencies (
      job_id ${integer} NOT NULL,
      on_id ${integer} NOT NULL,
      kind ${text} NOT NULL CHECK (kind IN ('afterok','afterany','afternotok')),
      PRIMARY KEY (job_id, on_id, kind)
    ) ${strict}`,
    'CREATE INDEX dependencies_on ON dependencies (on_id, job_id)',
  ];
}

function indexes({ engine }: Words): string[] {
  const priority = engine === 'postgres' ? '(-priority)' : 'priority DESC';
  return [
    'DROP INDEX jobs_owner',
    'CREATE INDEX jobs_owner ON jobs (owner, state, id) WHERE array_id IS NULL',
    'DROP INDEX jobs_state',
    'CREATE INDEX jobs_state ON jobs (state, id) WHERE array_id IS NULL',
    'CREATE INDEX jobs_array ON jobs (array_id, state, id) WHERE array_id IS NOT NULL',
    'DROP INDEX jobs_pending',
    `CREATE INDEX jobs_pending ON jobs (${priority}, id) WHERE state = 'pending' AND waits = 0`,
    `CREATE INDEX jobs_settle ON jobs (id) WHERE state = 'pending' AND waits >= 16`,
    `CREATE INDEX jobs_begin ON jobs (begin_at, id) WHERE state = 'pending' AND (waits & 4) <> 0`,
    `CREATE INDEX jobs_array_limit ON jobs (array_id, id) WHERE state = 'pending' AND (waits & 8) <> 0`,
    `CREATE INDEX jobs_start_by ON jobs (start_by, id)
      WHERE start_by IS NOT NULL AND state IN ('pending','assigned','received','accepted') AND cancel_requested_at IS NULL`,
    `CREATE INDEX jobs_deadline ON jobs (deadline, id)
      WHERE deadline IS NOT NULL AND state IN ('running','unknown') AND cancel_requested_at IS NULL`,
    // For lists by end, and for retention.
    'CREATE INDEX jobs_owner_ended ON jobs (owner, ended_at, id) WHERE ended_at IS NOT NULL AND array_id IS NULL',
    'CREATE INDEX jobs_ended ON jobs (ended_at, id) WHERE ended_at IS NOT NULL AND array_id IS NULL',
    'CREATE INDEX events_array ON events (array_id, seq) WHERE array_id IS NOT NULL',
  ];
}

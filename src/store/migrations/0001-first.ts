/**
 * The first schema: clusters, groups, jobs with attempts and decisions, events, output, settings.
 *
 * - `names` is the one name space of clusters and groups.
 * - A job's current attempt is the job's own row; a row of `attempts` is one that was closed on the way back to
 *   pending. So a move of a job is one UPDATE and one event.
 * - What is large and seldom written (jobspec, allocation) is beside the hot row, in `job_documents`.
 * - A job's `cluster` is a name and stays after the cluster is gone; all jobs that are not ended leave with it, so
 *   among those the name means the cluster that is registered now.
 */
import type { Migration, Words } from './migration.ts';

const STATES =
  "('pending','assigned','received','accepted','running','unknown','completed','failed','canceled','rejected')";

/**
 * What a job's state says of its cluster and its end. On the hot tables nothing is compared with a list by IN: SQLite
 * builds the list anew for each row, and three of them cost as much as the row with all its indexes.
 */
const STATE_CHECK = `CHECK (CASE state
        WHEN 'pending' THEN cluster_id IS NULL AND ended_at IS NULL
        WHEN 'assigned' THEN cluster_id IS NOT NULL AND ended_at IS NULL
        WHEN 'received' THEN cluster_id IS NOT NULL AND ended_at IS NULL
        WHEN 'accepted' THEN cluster_id IS NOT NULL AND ended_at IS NULL
        WHEN 'running' THEN cluster_id IS NOT NULL AND ended_at IS NULL
        WHEN 'unknown' THEN cluster_id IS NOT NULL AND ended_at IS NULL
        WHEN 'completed' THEN ended_at IS NOT NULL
        WHEN 'failed' THEN ended_at IS NOT NULL
        WHEN 'canceled' THEN ended_at IS NOT NULL
        WHEN 'rejected' THEN ended_at IS NOT NULL
        ELSE FALSE END)`;

/** One of these; see STATE_CHECK. */
export function oneOf(column: string, ...values: readonly string[]): string {
  return `CHECK (${values.map((value) => `${column} = '${value}'`).join(' OR ')})`;
}

export const first: Migration = {
  number: 1,
  name: 'first',
  statements: (words) => [...clusters(words), ...jobs(words), ...records(words), ...eventCounter(words)],
};

function clusters({ serial, integer, bytes, text, strict }: Words): string[] {
  return [
    `CREATE TABLE names (
      name ${text} NOT NULL PRIMARY KEY,
      kind ${text} NOT NULL CHECK (kind IN ('cluster','group'))
    ) ${strict}`,
    `CREATE TABLE clusters (
      id ${serial},
      name ${text} NOT NULL UNIQUE REFERENCES names (name),
      secret_hash ${bytes} NOT NULL,
      token_hash ${bytes} NOT NULL,
      registered_at ${integer} NOT NULL,
      graph_version ${integer} NOT NULL,
      counts ${text} NOT NULL,
      state ${text},
      last_seen_at ${integer},
      instance ${text}
    ) ${strict}`,
    `CREATE TABLE cluster_graphs (
      cluster_id ${integer} NOT NULL PRIMARY KEY REFERENCES clusters (id) ON DELETE CASCADE,
      graph ${text} NOT NULL
    ) ${strict}`,
    `CREATE TABLE subsystems (
      cluster_id ${integer} NOT NULL REFERENCES clusters (id) ON DELETE CASCADE,
      name ${text} NOT NULL,
      graph ${text} NOT NULL,
      PRIMARY KEY (cluster_id, name)
    ) ${strict}`,
    `CREATE TABLE cluster_groups (
      name ${text} NOT NULL PRIMARY KEY REFERENCES names (name),
      token_hash ${bytes} NOT NULL,
      created_at ${integer} NOT NULL
    ) ${strict}`,
    `CREATE TABLE group_members (
      group_name ${text} NOT NULL REFERENCES cluster_groups (name) ON DELETE CASCADE,
      position ${integer} NOT NULL,
      cluster_id ${integer} NOT NULL REFERENCES clusters (id) ON DELETE CASCADE,
      PRIMARY KEY (group_name, position)
    ) ${strict}`,
    'CREATE INDEX group_members_cluster ON group_members (cluster_id)',
  ];
}

function jobs({ engine, serial, integer, real, text, strict }: Words): string[] {
  const attempt = `
      cluster ${text},
      cluster_id ${integer},
      native_id ${text},
      exit_code ${integer},
      signal ${integer},
      assigned_at ${integer},
      received_at ${integer},
      accepted_at ${integer},
      started_at ${integer},
      ended_at ${integer}`;
  return [
    `CREATE TABLE jobs (
      id ${serial},
      name ${text} NOT NULL,
      owner ${text} NOT NULL,
      idempotency_key ${text},
      priority ${integer} NOT NULL,
      walltime ${real} NOT NULL,
      on_cluster_loss ${text} NOT NULL ${oneOf('on_cluster_loss', 'wait', 'requeue', 'fail', 'duplicate')},
      submitted_at ${integer} NOT NULL,
      state ${text} NOT NULL,
      reason_code ${text} NOT NULL,
      reason_message ${text} NOT NULL,
      epoch ${integer} NOT NULL CHECK (epoch >= 1),${attempt},
      lease_expires_at ${integer},
      cancel_requested_at ${integer},
      ${STATE_CHECK}
    ) ${strict}`,
    `CREATE UNIQUE INDEX jobs_key ON jobs (owner, idempotency_key) WHERE idempotency_key IS NOT NULL`,
    `CREATE INDEX jobs_owner ON jobs (owner, state, id)`,
    `CREATE INDEX jobs_cluster ON jobs (cluster, state, id) WHERE cluster IS NOT NULL`,
    `CREATE INDEX jobs_state ON jobs (state, id)`,
    // PostgreSQL has no `INDEXED BY`, and compares a row with a place in the order only where both go the same way.
    `CREATE INDEX jobs_pending ON jobs (${engine === 'postgres' ? '(-priority)' : 'priority DESC'}, id) WHERE state = 'pending'`,
    `CREATE INDEX jobs_assigned ON jobs (cluster, priority DESC, id) WHERE state = 'assigned'`,
    `CREATE INDEX jobs_lease ON jobs (lease_expires_at, id) WHERE state = 'received' AND lease_expires_at IS NOT NULL`,
    `CREATE TABLE job_documents (
      job_id ${integer} NOT NULL PRIMARY KEY REFERENCES jobs (id) ON DELETE CASCADE,
      jobspec ${text} NOT NULL,
      candidates ${text} NOT NULL,
      policy ${text} NOT NULL,
      policy_options ${text} NOT NULL,
      allocation ${text}
    ) ${strict}`,
    `CREATE TABLE attempts (
      job_id ${integer} NOT NULL REFERENCES jobs (id) ON DELETE CASCADE,
      epoch ${integer} NOT NULL,
      state ${text} NOT NULL CHECK (state IN ${STATES}),
      reason_code ${text} NOT NULL,
      reason_message ${text} NOT NULL,${attempt},
      PRIMARY KEY (job_id, epoch)
    ) ${strict}`,
    `CREATE TABLE decisions (
      id ${serial},
      job_id ${integer} NOT NULL REFERENCES jobs (id) ON DELETE CASCADE,
      epoch ${integer} NOT NULL,
      at ${integer} NOT NULL,
      decision ${text} NOT NULL
    ) ${strict}`,
    `CREATE INDEX decisions_job ON decisions (job_id, id)`,
    `CREATE TABLE job_numbers (
      cluster_id ${integer} NOT NULL REFERENCES clusters (id) ON DELETE CASCADE,
      number ${integer} NOT NULL CHECK (number >= 1),
      job_id ${integer} NOT NULL REFERENCES jobs (id) ON DELETE CASCADE,
      PRIMARY KEY (cluster_id, number)
    ) ${strict}`,
    `CREATE UNIQUE INDEX job_numbers_job ON job_numbers (job_id, cluster_id)`,
  ];
}

function records({ eventNumber, integer, bytes, text, strict }: Words): string[] {
  return [
    `CREATE TABLE events (
      seq ${eventNumber},
      at ${integer} NOT NULL,
      subject ${text} NOT NULL ${oneOf('subject', 'job', 'cluster', 'group')},
      job_id ${integer},
      owner ${text},
      cluster ${text},
      kind ${text} NOT NULL,
      epoch ${integer},
      reason_code ${text},
      reason_message ${text},
      detail ${text}
    ) ${strict}`,
    `CREATE INDEX events_job ON events (job_id, seq) WHERE job_id IS NOT NULL`,
    `CREATE INDEX events_owner ON events (owner, seq) WHERE owner IS NOT NULL`,
    `CREATE TABLE output_streams (
      job_id ${integer} NOT NULL REFERENCES jobs (id) ON DELETE CASCADE,
      epoch ${integer} NOT NULL,
      task ${integer} NOT NULL,
      stream ${text} NOT NULL CHECK (stream IN ('stdout','stderr')),
      next_offset ${integer} NOT NULL,
      kept_bytes ${integer} NOT NULL,
      PRIMARY KEY (job_id, epoch, task, stream)
    ) ${strict}`,
    `CREATE TABLE output_chunks (
      job_id ${integer} NOT NULL REFERENCES jobs (id) ON DELETE CASCADE,
      epoch ${integer} NOT NULL,
      number ${integer} NOT NULL,
      task ${integer} NOT NULL,
      stream ${text} NOT NULL CHECK (stream IN ('stdout','stderr')),
      start_offset ${integer} NOT NULL,
      at ${integer} NOT NULL,
      data ${bytes} NOT NULL,
      PRIMARY KEY (job_id, epoch, number)
    ) ${strict}`,
    `CREATE TABLE settings (
      key ${text} NOT NULL PRIMARY KEY,
      value ${text} NOT NULL
    ) ${strict}`,
  ];
}

/** The newest event's number, where the engine has many writers: src/store/postgres/write-events.ts. */
function eventCounter({ engine, integer }: Words): string[] {
  if (engine === 'sqlite') return [];
  return [
    `CREATE TABLE event_counter (
      id ${integer} NOT NULL PRIMARY KEY CHECK (id = 1),
      last ${integer} NOT NULL
    )`,
    'INSERT INTO event_counter (id, last) VALUES (1, 0)',
  ];
}

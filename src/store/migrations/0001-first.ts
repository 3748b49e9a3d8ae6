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
const ENDED = "('completed','failed','canceled','rejected')";

export const first: Migration = {
  number: 1,
  name: 'first',
  statements: (words) => [...clusters(words), ...jobs(words), ...records(words)],
};

function clusters({ serial, integer, bytes, strict }: Words): string[] {
  return [
    `CREATE TABLE names (
      name TEXT NOT NULL PRIMARY KEY,
      kind TEXT NOT NULL CHECK (kind IN ('cluster','group'))
    ) ${strict}`,
    `CREATE TABLE clusters (
      id ${serial},
      name TEXT NOT NULL UNIQUE REFERENCES names (name),
      secret_hash ${bytes} NOT NULL,
      token_hash ${bytes} NOT NULL,
      registered_at ${integer} NOT NULL,
      graph_version ${integer} NOT NULL,
      counts TEXT NOT NULL,
      state TEXT,
      last_seen_at ${integer},
      instance TEXT
    ) ${strict}`,
    `CREATE TABLE cluster_graphs (
      cluster_id ${integer} NOT NULL PRIMARY KEY REFERENCES clusters (id) ON DELETE CASCADE,
      graph TEXT NOT NULL
    ) ${strict}`,
    `CREATE TABLE subsystems (
      cluster_id ${integer} NOT NULL REFERENCES clusters (id) ON DELETE CASCADE,
      name TEXT NOT NULL,
      graph TEXT NOT NULL,
      PRIMARY KEY (cluster_id, name)
    ) ${strict}`,
    `CREATE TABLE cluster_groups (
      name TEXT NOT NULL PRIMARY KEY REFERENCES names (name),
      token_hash ${bytes} NOT NULL,
      created_at ${integer} NOT NULL
    ) ${strict}`,
    `CREATE TABLE group_members (
      group_name TEXT NOT NULL REFERENCES cluster_groups (name) ON DELETE CASCADE,
      position ${integer} NOT NULL,
      cluster_id ${integer} NOT NULL REFERENCES clusters (id) ON DELETE CASCADE,
      PRIMARY KEY (group_name, position)
    ) ${strict}`,
    'CREATE INDEX group_members_cluster ON group_members (cluster_id)',
  ];
}

function jobs({ serial, integer, real, strict }: Words): string[] {
  const attempt = `
      cluster TEXT,
      cluster_id ${integer},
      native_id TEXT,
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
      name TEXT NOT NULL,
      owner TEXT NOT NULL,
      idempotency_key TEXT,
      priority ${integer} NOT NULL,
      walltime ${real} NOT NULL,
      on_cluster_loss TEXT NOT NULL CHECK (on_cluster_loss IN ('wait','requeue','fail','duplicate')),
      submitted_at ${integer} NOT NULL,
      state TEXT NOT NULL CHECK (state IN ${STATES}),
      reason_code TEXT NOT NULL,
      reason_message TEXT NOT NULL,
      epoch ${integer} NOT NULL CHECK (epoch >= 1),${attempt},
      lease_expires_at ${integer},
      cancel_requested_at ${integer},
      CHECK ((ended_at IS NOT NULL) = (state IN ${ENDED})),
      CHECK (state NOT IN ('assigned','received','accepted','running','unknown') OR cluster_id IS NOT NULL),
      CHECK (state <> 'pending' OR cluster_id IS NULL)
    ) ${strict}`,
    `CREATE UNIQUE INDEX jobs_key ON jobs (owner, idempotency_key) WHERE idempotency_key IS NOT NULL`,
    `CREATE INDEX jobs_owner ON jobs (owner, state, id)`,
    `CREATE INDEX jobs_cluster ON jobs (cluster, state, id) WHERE cluster IS NOT NULL`,
    `CREATE INDEX jobs_state ON jobs (state, id)`,
    `CREATE INDEX jobs_pending ON jobs (priority DESC, id) WHERE state = 'pending'`,
    `CREATE INDEX jobs_assigned ON jobs (cluster, priority DESC, id) WHERE state = 'assigned'`,
    `CREATE INDEX jobs_lease ON jobs (lease_expires_at, id) WHERE state = 'received' AND lease_expires_at IS NOT NULL`,
    `CREATE TABLE job_documents (
      job_id ${integer} NOT NULL PRIMARY KEY REFERENCES jobs (id) ON DELETE CASCADE,
      jobspec TEXT NOT NULL,
      candidates TEXT NOT NULL,
      policy TEXT NOT NULL,
      policy_options TEXT NOT NULL,
      allocation TEXT
    ) ${strict}`,
    `CREATE TABLE attempts (
      job_id ${integer} NOT NULL REFERENCES jobs (id) ON DELETE CASCADE,
      epoch ${integer} NOT NULL,
      state TEXT NOT NULL CHECK (state IN ${STATES}),
      reason_code TEXT NOT NULL,
      reason_message TEXT NOT NULL,${attempt},
      PRIMARY KEY (job_id, epoch)
    ) ${strict}`,
    `CREATE TABLE decisions (
      id ${serial},
      job_id ${integer} NOT NULL REFERENCES jobs (id) ON DELETE CASCADE,
      epoch ${integer} NOT NULL,
      at ${integer} NOT NULL,
      decision TEXT NOT NULL
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

function records({ serial, integer, bytes, strict }: Words): string[] {
  return [
    `CREATE TABLE events (
      seq ${serial},
      at ${integer} NOT NULL,
      subject TEXT NOT NULL CHECK (subject IN ('job','cluster','group')),
      job_id ${integer},
      owner TEXT,
      cluster TEXT,
      kind TEXT NOT NULL,
      epoch ${integer},
      reason_code TEXT,
      reason_message TEXT,
      detail TEXT
    ) ${strict}`,
    `CREATE INDEX events_job ON events (job_id, seq) WHERE job_id IS NOT NULL`,
    `CREATE INDEX events_owner ON events (owner, seq) WHERE owner IS NOT NULL`,
    `CREATE TABLE output_streams (
      job_id ${integer} NOT NULL REFERENCES jobs (id) ON DELETE CASCADE,
      epoch ${integer} NOT NULL,
      task ${integer} NOT NULL,
      stream TEXT NOT NULL CHECK (stream IN ('stdout','stderr')),
      next_offset ${integer} NOT NULL,
      kept_bytes ${integer} NOT NULL,
      PRIMARY KEY (job_id, epoch, task, stream)
    ) ${strict}`,
    `CREATE TABLE output_chunks (
      job_id ${integer} NOT NULL REFERENCES jobs (id) ON DELETE CASCADE,
      epoch ${integer} NOT NULL,
      number ${integer} NOT NULL,
      task ${integer} NOT NULL,
      stream TEXT NOT NULL CHECK (stream IN ('stdout','stderr')),
      start_offset ${integer} NOT NULL,
      at ${integer} NOT NULL,
      data ${bytes} NOT NULL,
      PRIMARY KEY (job_id, epoch, number)
    ) ${strict}`,
    `CREATE TABLE settings (
      key TEXT NOT NULL PRIMARY KEY,
      value TEXT NOT NULL
    ) ${strict}`,
  ];
}

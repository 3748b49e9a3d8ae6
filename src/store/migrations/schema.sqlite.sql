CREATE TABLE attempts (
      job_id INTEGER NOT NULL REFERENCES jobs (id) ON DELETE CASCADE,
      epoch INTEGER NOT NULL,
      state TEXT NOT NULL CHECK (state IN ('pending','assigned','received','accepted','running','unknown','completed','failed','canceled','rejected')),
      reason_code TEXT NOT NULL,
      reason_message TEXT NOT NULL,
      cluster TEXT,
      cluster_id INTEGER,
      native_id TEXT,
      exit_code INTEGER,
      signal INTEGER,
      assigned_at INTEGER,
      received_at INTEGER,
      accepted_at INTEGER,
      started_at INTEGER,
      ended_at INTEGER,
      PRIMARY KEY (job_id, epoch)
    ) STRICT;

CREATE TABLE cluster_graphs (
      cluster_id INTEGER NOT NULL PRIMARY KEY REFERENCES clusters (id) ON DELETE CASCADE,
      graph TEXT NOT NULL
    ) STRICT;

CREATE TABLE cluster_groups (
      name TEXT NOT NULL PRIMARY KEY REFERENCES names (name),
      token_hash BLOB NOT NULL,
      created_at INTEGER NOT NULL
    ) STRICT;

CREATE TABLE clusters (
      id INTEGER PRIMARY KEY AUTOINCREMENT,
      name TEXT NOT NULL UNIQUE REFERENCES names (name),
      secret_hash BLOB NOT NULL,
      token_hash BLOB NOT NULL,
      registered_at INTEGER NOT NULL,
      graph_version INTEGER NOT NULL,
      counts TEXT NOT NULL,
      state TEXT,
      last_seen_at INTEGER,
      instance TEXT
    , service TEXT) STRICT;

CREATE TABLE decisions (
      id INTEGER PRIMARY KEY AUTOINCREMENT,
      job_id INTEGER NOT NULL REFERENCES jobs (id) ON DELETE CASCADE,
      epoch INTEGER NOT NULL,
      at INTEGER NOT NULL,
      decision TEXT NOT NULL
    ) STRICT;

CREATE INDEX decisions_job ON decisions (job_id, id);

CREATE TABLE events (
      seq INTEGER PRIMARY KEY AUTOINCREMENT,
      at INTEGER NOT NULL,
      subject TEXT NOT NULL CHECK (subject IN ('job','cluster','group')),
      job_id INTEGER,
      owner TEXT,
      cluster TEXT,
      kind TEXT NOT NULL,
      epoch INTEGER,
      reason_code TEXT,
      reason_message TEXT,
      detail TEXT
    ) STRICT;

CREATE INDEX events_job ON events (job_id, seq) WHERE job_id IS NOT NULL;

CREATE INDEX events_owner ON events (owner, seq) WHERE owner IS NOT NULL;

CREATE TABLE group_members (
      group_name TEXT NOT NULL REFERENCES cluster_groups (name) ON DELETE CASCADE,
      position INTEGER NOT NULL,
      cluster_id INTEGER NOT NULL REFERENCES clusters (id) ON DELETE CASCADE,
      PRIMARY KEY (group_name, position)
    ) STRICT;

CREATE INDEX group_members_cluster ON group_members (cluster_id);

CREATE TABLE job_documents (
      job_id INTEGER NOT NULL PRIMARY KEY REFERENCES jobs (id) ON DELETE CASCADE,
      jobspec TEXT NOT NULL,
      candidates TEXT NOT NULL,
      policy TEXT NOT NULL,
      policy_options TEXT NOT NULL,
      allocation TEXT
    ) STRICT;

CREATE TABLE job_numbers (
      cluster_id INTEGER NOT NULL REFERENCES clusters (id) ON DELETE CASCADE,
      number INTEGER NOT NULL CHECK (number >= 1),
      job_id INTEGER NOT NULL REFERENCES jobs (id) ON DELETE CASCADE,
      PRIMARY KEY (cluster_id, number)
    ) STRICT;

CREATE UNIQUE INDEX job_numbers_job ON job_numbers (job_id, cluster_id);

CREATE TABLE jobs (
      id INTEGER PRIMARY KEY AUTOINCREMENT,
      name TEXT NOT NULL,
      owner TEXT NOT NULL,
      idempotency_key TEXT,
      priority INTEGER NOT NULL,
      walltime REAL NOT NULL,
      on_cluster_loss TEXT NOT NULL CHECK (on_cluster_loss IN ('wait','requeue','fail','duplicate')),
      submitted_at INTEGER NOT NULL,
      state TEXT NOT NULL CHECK (state IN ('pending','assigned','received','accepted','running','unknown','completed','failed','canceled','rejected')),
      reason_code TEXT NOT NULL,
      reason_message TEXT NOT NULL,
      epoch INTEGER NOT NULL CHECK (epoch >= 1),
      cluster TEXT,
      cluster_id INTEGER,
      native_id TEXT,
      exit_code INTEGER,
      signal INTEGER,
      assigned_at INTEGER,
      received_at INTEGER,
      accepted_at INTEGER,
      started_at INTEGER,
      ended_at INTEGER,
      lease_expires_at INTEGER,
      cancel_requested_at INTEGER,
      CHECK ((ended_at IS NOT NULL) = (state IN ('completed','failed','canceled','rejected'))),
      CHECK (state NOT IN ('assigned','received','accepted','running','unknown') OR cluster_id IS NOT NULL),
      CHECK (state <> 'pending' OR cluster_id IS NULL)
    ) STRICT;

CREATE INDEX jobs_assigned ON jobs (cluster, priority DESC, id) WHERE state = 'assigned';

CREATE INDEX jobs_cluster ON jobs (cluster, state, id) WHERE cluster IS NOT NULL;

CREATE UNIQUE INDEX jobs_key ON jobs (owner, idempotency_key) WHERE idempotency_key IS NOT NULL;

CREATE INDEX jobs_lease ON jobs (lease_expires_at, id) WHERE state = 'received' AND lease_expires_at IS NOT NULL;

CREATE INDEX jobs_owner ON jobs (owner, state, id);

CREATE INDEX jobs_pending ON jobs (priority DESC, id) WHERE state = 'pending';

CREATE INDEX jobs_state ON jobs (state, id);

CREATE TABLE names (
      name TEXT NOT NULL PRIMARY KEY,
      kind TEXT NOT NULL CHECK (kind IN ('cluster','group'))
    ) STRICT;

CREATE TABLE output_chunks (
      job_id INTEGER NOT NULL REFERENCES jobs (id) ON DELETE CASCADE,
      epoch INTEGER NOT NULL,
      number INTEGER NOT NULL,
      task INTEGER NOT NULL,
      stream TEXT NOT NULL CHECK (stream IN ('stdout','stderr')),
      start_offset INTEGER NOT NULL,
      at INTEGER NOT NULL,
      data BLOB NOT NULL,
      PRIMARY KEY (job_id, epoch, number)
    ) STRICT;

CREATE TABLE output_streams (
      job_id INTEGER NOT NULL REFERENCES jobs (id) ON DELETE CASCADE,
      epoch INTEGER NOT NULL,
      task INTEGER NOT NULL,
      stream TEXT NOT NULL CHECK (stream IN ('stdout','stderr')),
      next_offset INTEGER NOT NULL,
      kept_bytes INTEGER NOT NULL,
      PRIMARY KEY (job_id, epoch, task, stream)
    ) STRICT;

CREATE TABLE schema_versions (number INTEGER NOT NULL PRIMARY KEY, name TEXT NOT NULL, applied_at INTEGER NOT NULL) STRICT;

CREATE TABLE settings (
      key TEXT NOT NULL PRIMARY KEY,
      value TEXT NOT NULL
    ) STRICT;

CREATE TABLE subsystems (
      cluster_id INTEGER NOT NULL REFERENCES clusters (id) ON DELETE CASCADE,
      name TEXT NOT NULL,
      graph TEXT NOT NULL,
      PRIMARY KEY (cluster_id, name)
    ) STRICT;

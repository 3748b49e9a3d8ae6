CREATE TABLE arrays (
      id INTEGER NOT NULL PRIMARY KEY,
      name TEXT NOT NULL,
      owner TEXT NOT NULL,
      indices TEXT NOT NULL,
      most_at_once INTEGER,
      tasks INTEGER NOT NULL CHECK (tasks >= 1),
      least_index INTEGER NOT NULL,
      most_index INTEGER NOT NULL,
      priority INTEGER NOT NULL,
      submitted_at INTEGER NOT NULL,
      ended_at INTEGER,
      ended INTEGER NOT NULL DEFAULT 0,
      completed INTEGER NOT NULL DEFAULT 0,
      failed INTEGER NOT NULL DEFAULT 0,
      canceled INTEGER NOT NULL DEFAULT 0,
      exit_code INTEGER,
      cancel_requested_at INTEGER,
      cancel_code TEXT,
      cancel_message TEXT,
      waits INTEGER NOT NULL DEFAULT 0,
      depended_on INTEGER NOT NULL DEFAULT 0,
      jobspec TEXT NOT NULL,
      candidates TEXT NOT NULL
    , image TEXT) STRICT;

CREATE INDEX arrays_cancel ON arrays (id) WHERE cancel_requested_at IS NOT NULL AND ended_at IS NULL;

CREATE INDEX arrays_ended ON arrays (ended_at, id) WHERE ended_at IS NOT NULL;

CREATE INDEX arrays_open ON arrays (owner, name, id) WHERE ended_at IS NULL;

CREATE INDEX arrays_owner ON arrays (owner, id);

CREATE INDEX arrays_owner_ended ON arrays (owner, ended_at, id) WHERE ended_at IS NOT NULL;

CREATE INDEX arrays_settle ON arrays (id) WHERE waits >= 16;

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

CREATE TABLE bid_counts (
      cluster_id INTEGER NOT NULL REFERENCES clusters (id) ON DELETE CASCADE,
      kind TEXT NOT NULL,
      count INTEGER NOT NULL,
      PRIMARY KEY (cluster_id, kind)
    ) STRICT;

CREATE TABLE bid_outcomes (
      id INTEGER PRIMARY KEY AUTOINCREMENT,
      job_id INTEGER NOT NULL REFERENCES jobs (id) ON DELETE CASCADE,
      epoch INTEGER NOT NULL,
      cluster_id INTEGER NOT NULL REFERENCES clusters (id) ON DELETE CASCADE,
      shape_class TEXT NOT NULL,
      decided_at INTEGER NOT NULL,
      start_p50 INTEGER NOT NULL,
      start_p90 INTEGER NOT NULL,
      started_at INTEGER NOT NULL,
      never_started INTEGER NOT NULL CHECK (never_started IN (0, 1)),
      ended_at INTEGER,
      currency TEXT,
      cost_bid REAL,
      cost_actual REAL,
      UNIQUE (job_id, epoch)
    ) STRICT;

CREATE INDEX bid_outcomes_cluster ON bid_outcomes (cluster_id, id);

CREATE TABLE blob_pieces (
      blob_id INTEGER NOT NULL REFERENCES blobs (id) ON DELETE CASCADE,
      number INTEGER NOT NULL,
      data BLOB NOT NULL,
      PRIMARY KEY (blob_id, number)
    ) STRICT;

CREATE TABLE blobs (
      id INTEGER PRIMARY KEY AUTOINCREMENT,
      owner TEXT NOT NULL,
      sha256 TEXT NOT NULL,
      bytes INTEGER NOT NULL CHECK (bytes >= 0),
      whole INTEGER NOT NULL CHECK (whole IN (0, 1)),
      unused_since INTEGER
    , sent_with TEXT NOT NULL DEFAULT '') STRICT;

CREATE UNIQUE INDEX blobs_digest ON blobs (owner, sha256) WHERE whole = 1;

CREATE INDEX blobs_unused ON blobs (unused_since, id) WHERE unused_since IS NOT NULL;

CREATE TABLE cluster_graphs (
      cluster_id INTEGER NOT NULL PRIMARY KEY REFERENCES clusters (id) ON DELETE CASCADE,
      graph TEXT NOT NULL
    ) STRICT;

CREATE TABLE cluster_groups (
      name TEXT NOT NULL PRIMARY KEY REFERENCES names (name),
      token_hash BLOB NOT NULL,
      created_at INTEGER NOT NULL
    ) STRICT;

CREATE TABLE cluster_streams (
      cluster_id INTEGER NOT NULL PRIMARY KEY REFERENCES clusters (id) ON DELETE CASCADE,
      server TEXT NOT NULL,
      stream TEXT NOT NULL,
      bids INTEGER NOT NULL CHECK (bids IN (0, 1))
    ) STRICT;

CREATE INDEX cluster_streams_server ON cluster_streams (server);

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

CREATE INDEX decisions_at ON decisions (at, id);

CREATE INDEX decisions_job ON decisions (job_id, id);

CREATE TABLE deleted_clusters (
      cluster_id INTEGER NOT NULL PRIMARY KEY,
      name TEXT NOT NULL,
      secret_hash BLOB NOT NULL,
      deleted_at INTEGER NOT NULL
    ) STRICT;

CREATE INDEX deleted_clusters_secret ON deleted_clusters (name, secret_hash);

CREATE TABLE dependencies (
      job_id INTEGER NOT NULL,
      on_id INTEGER NOT NULL,
      kind TEXT NOT NULL CHECK (kind IN ('afterok','afterany','afternotok','after','singleton')),
      minutes INTEGER NOT NULL DEFAULT 0,
      PRIMARY KEY (job_id, on_id, kind)
    ) STRICT;

CREATE INDEX dependencies_on ON dependencies (on_id, job_id);

CREATE TABLE document_pieces (
      cluster_id INTEGER NOT NULL REFERENCES clusters (id) ON DELETE CASCADE,
      subsystem TEXT NOT NULL,
      number INTEGER NOT NULL,
      data BLOB NOT NULL,
      PRIMARY KEY (cluster_id, subsystem, number)
    ) STRICT;

CREATE TABLE events (
      seq INTEGER PRIMARY KEY AUTOINCREMENT,
      at INTEGER NOT NULL,
      subject TEXT NOT NULL CHECK (subject = 'job' OR subject = 'cluster' OR subject = 'group'),
      job_id INTEGER,
      owner TEXT,
      cluster TEXT,
      kind TEXT NOT NULL,
      epoch INTEGER,
      reason_code TEXT,
      reason_message TEXT,
      detail TEXT
    , array_id INTEGER) STRICT;

CREATE INDEX events_array ON events (array_id, seq) WHERE array_id IS NOT NULL;

CREATE INDEX events_job ON events (job_id, seq) WHERE job_id IS NOT NULL;

CREATE INDEX events_owner ON events (owner, seq) WHERE owner IS NOT NULL;

CREATE TABLE file_owners (
      owner TEXT NOT NULL PRIMARY KEY,
      bytes INTEGER NOT NULL
    ) STRICT;

CREATE TABLE file_set_blobs (
      set_id INTEGER NOT NULL REFERENCES file_sets (id) ON DELETE CASCADE,
      blob_id INTEGER NOT NULL REFERENCES blobs (id),
      PRIMARY KEY (set_id, blob_id)
    ) STRICT;

CREATE INDEX file_set_blobs_blob ON file_set_blobs (blob_id);

CREATE TABLE file_sets (
      id INTEGER PRIMARY KEY AUTOINCREMENT,
      owner TEXT NOT NULL,
      sha256 TEXT NOT NULL,
      files INTEGER NOT NULL,
      bytes INTEGER NOT NULL,
      manifest TEXT NOT NULL,
      unused_since INTEGER
    ) STRICT;

CREATE UNIQUE INDEX file_sets_digest ON file_sets (owner, sha256);

CREATE INDEX file_sets_unused ON file_sets (unused_since, id) WHERE unused_since IS NOT NULL;

CREATE TABLE free_reports (
      cluster_id INTEGER NOT NULL PRIMARY KEY REFERENCES clusters (id) ON DELETE CASCADE,
      number INTEGER NOT NULL,
      graph_version INTEGER NOT NULL,
      report TEXT NOT NULL
    ) STRICT;

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
    , later TEXT, handling TEXT, bidding TEXT, image TEXT) STRICT;

CREATE TABLE job_files (
      job_id INTEGER NOT NULL,
      epoch INTEGER NOT NULL,
      set_id INTEGER NOT NULL REFERENCES file_sets (id),
      notes TEXT NOT NULL,
      PRIMARY KEY (job_id, epoch)
    ) STRICT;

CREATE INDEX job_files_set ON job_files (set_id);

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
      on_cluster_loss TEXT NOT NULL CHECK (on_cluster_loss = 'wait' OR on_cluster_loss = 'requeue' OR on_cluster_loss = 'fail' OR on_cluster_loss = 'duplicate'),
      submitted_at INTEGER NOT NULL,
      state TEXT NOT NULL,
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
      cancel_requested_at INTEGER, waits INTEGER NOT NULL DEFAULT 0, begin_at INTEGER, start_before INTEGER, deadline INTEGER, start_by INTEGER, question TEXT, array_id INTEGER, array_index INTEGER, depended_on INTEGER NOT NULL DEFAULT 0, cancel_code TEXT, overcommit TEXT CHECK (overcommit = 'queue' OR overcommit = 'deny'), left_until INTEGER, ended_by INTEGER, claimed_by TEXT, claimed_until INTEGER, cancel_message TEXT,
      CHECK (CASE state
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
        ELSE FALSE END)
    ) STRICT;

CREATE INDEX jobs_array ON jobs (array_id, state, id) WHERE array_id IS NOT NULL;

CREATE INDEX jobs_array_limit ON jobs (array_id, id) WHERE state = 'pending' AND (waits & 8) <> 0;

CREATE INDEX jobs_assigned ON jobs (cluster, priority DESC, id) WHERE state = 'assigned';

CREATE INDEX jobs_begin ON jobs (begin_at, id) WHERE state = 'pending' AND (waits & 4) <> 0;

CREATE INDEX jobs_cluster ON jobs (cluster, state, id) WHERE cluster IS NOT NULL;

CREATE INDEX jobs_deadline ON jobs (deadline, id)
      WHERE deadline IS NOT NULL AND state IN ('running','unknown') AND cancel_requested_at IS NULL;

CREATE INDEX jobs_ended ON jobs (ended_at, id) WHERE ended_at IS NOT NULL AND array_id IS NULL;

CREATE UNIQUE INDEX jobs_key ON jobs (owner, idempotency_key) WHERE idempotency_key IS NOT NULL;

CREATE INDEX jobs_lease ON jobs (lease_expires_at, id) WHERE state = 'received' AND lease_expires_at IS NOT NULL;

CREATE INDEX jobs_left ON jobs (left_until, id) WHERE state = 'assigned' AND left_until IS NOT NULL;

CREATE INDEX jobs_owner ON jobs (owner, state, id) WHERE array_id IS NULL;

CREATE INDEX jobs_owner_ended ON jobs (owner, ended_at, id) WHERE ended_at IS NOT NULL AND array_id IS NULL;

CREATE INDEX jobs_pending ON jobs (priority DESC, id) WHERE state = 'pending' AND waits = 0;

CREATE INDEX jobs_settle ON jobs (id) WHERE state = 'pending' AND waits >= 16;

CREATE INDEX jobs_start_by ON jobs (start_by, id)
      WHERE start_by IS NOT NULL AND state IN ('pending','assigned','received','accepted') AND cancel_requested_at IS NULL;

CREATE INDEX jobs_state ON jobs (state, id) WHERE array_id IS NULL;

CREATE TABLE letters (
      id INTEGER PRIMARY KEY AUTOINCREMENT,
      receiver TEXT NOT NULL,
      sent_at INTEGER NOT NULL,
      body TEXT NOT NULL
    ) STRICT;

CREATE INDEX letters_receiver ON letters (receiver, id);

CREATE INDEX letters_sent ON letters (sent_at);

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

CREATE INDEX output_chunks_stream ON output_chunks (job_id, epoch, task, stream, number);

CREATE TABLE output_streams (
      job_id INTEGER NOT NULL REFERENCES jobs (id) ON DELETE CASCADE,
      epoch INTEGER NOT NULL,
      task INTEGER NOT NULL,
      stream TEXT NOT NULL CHECK (stream IN ('stdout','stderr')),
      next_offset INTEGER NOT NULL,
      kept_bytes INTEGER NOT NULL, tail_from INTEGER NOT NULL DEFAULT 0, merged_to INTEGER NOT NULL DEFAULT 0, loose INTEGER NOT NULL DEFAULT 0,
      PRIMARY KEY (job_id, epoch, task, stream)
    ) STRICT;

CREATE TABLE schema_versions (number INTEGER NOT NULL PRIMARY KEY, name TEXT NOT NULL, applied_at INTEGER NOT NULL) STRICT;

CREATE TABLE servers (
      id TEXT NOT NULL PRIMARY KEY,
      name TEXT NOT NULL,
      version TEXT NOT NULL,
      started_at INTEGER NOT NULL,
      seen_at INTEGER NOT NULL
    ) STRICT;

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

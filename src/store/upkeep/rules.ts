/**
 * What is true of every store that only Rainbow has written, as questions for what is not: each is a SELECT of `place`
 * (a text: which job, cluster, array …) and `what` is wrong there, in the SQL that both engines share. The caller adds a
 * LIMIT. They say nothing of what may be either way, as what a server does between two of its writes.
 */
export interface Rule {
  /** Stable, for programs. */
  readonly name: string;
  /** Before the place, as in `job 17`. */
  readonly subject: string;
  readonly sql: string;
  readonly remedy: string;
}

const STATES =
  "('pending','assigned','received','accepted','running','unknown','completed','failed','canceled','rejected')";
const ENDED = "('completed','failed','canceled','rejected')";
const PLACED = "('assigned','received','accepted','running','unknown')";

const RESTORE = 'something other than Rainbow has written here, or the disk has lost a write: restore a backup';
const REPORT = 'the job itself is safe to cancel and submit again; please report it';

const JOBS: readonly Rule[] = [
  {
    name: 'job-state',
    subject: 'job',
    sql: `SELECT CAST(id AS TEXT) AS place, 'its state is ' || state AS what FROM jobs WHERE state NOT IN ${STATES}`,
    remedy: RESTORE,
  },
  {
    name: 'job-ended',
    subject: 'job',
    sql: `SELECT CAST(id AS TEXT) AS place, 'it is ' || state || CASE WHEN ended_at IS NULL THEN ' without' ELSE ' with' END
         || ' a time of its end' AS what FROM jobs
       WHERE (ended_at IS NOT NULL AND state NOT IN ${ENDED}) OR (ended_at IS NULL AND state IN ${ENDED})`,
    remedy: RESTORE,
  },
  {
    name: 'job-document',
    subject: 'job',
    sql: `SELECT CAST(id AS TEXT) AS place, 'its jobspec is missing' AS what FROM jobs
       WHERE NOT EXISTS (SELECT 1 FROM job_documents WHERE job_documents.job_id = jobs.id)`,
    remedy: RESTORE,
  },
  {
    name: 'job-cluster',
    subject: 'job',
    sql: `SELECT CAST(jobs.id AS TEXT) AS place,
         'it is ' || jobs.state || ' at cluster ' || COALESCE(jobs.cluster, '?') || ', which is not registered' AS what
       FROM jobs LEFT JOIN clusters ON clusters.id = jobs.cluster_id AND clusters.name = jobs.cluster
       WHERE jobs.state IN ${PLACED} AND clusters.id IS NULL`,
    remedy: 'nobody will ever report it: cancel it (rainbow job cancel), and please report it',
  },
  {
    name: 'job-waits',
    subject: 'job',
    sql: `SELECT CAST(id AS TEXT) AS place, 'it is ' || state || ' and is said to wait (' || CAST(waits AS TEXT) || ')' AS what
       FROM jobs WHERE state IN ${PLACED} AND waits <> 0`,
    remedy: REPORT,
  },
  {
    name: 'job-attempts',
    subject: 'job',
    sql: `SELECT CAST(jobs.id AS TEXT) AS place, 'it is in attempt ' || CAST(jobs.epoch AS TEXT) || ' and '
         || CAST(COALESCE(kept.attempts, 0) AS TEXT) || ' earlier ones are kept' AS what
       FROM jobs LEFT JOIN (SELECT job_id, COUNT(*) AS attempts, MAX(epoch) AS newest FROM attempts GROUP BY job_id) AS kept
         ON kept.job_id = jobs.id
       WHERE COALESCE(kept.attempts, 0) <> jobs.epoch - 1 OR kept.newest > jobs.epoch`,
    remedy: RESTORE,
  },
  {
    name: 'job-event',
    subject: 'job',
    sql: `SELECT CAST(jobs.id AS TEXT) AS place, 'it is ' || jobs.state || ' in attempt ' || CAST(jobs.epoch AS TEXT)
         || '; its newest event says ' || told.kind || ' in attempt ' || CAST(COALESCE(told.epoch, 0) AS TEXT) AS what
       FROM jobs JOIN events AS told ON told.seq =
         (SELECT MAX(events.seq) FROM events WHERE events.job_id = jobs.id AND events.kind IN ${STATES})
       WHERE told.kind <> jobs.state OR told.epoch <> jobs.epoch`,
    remedy: `whoever follows its events was told otherwise; ${REPORT}`,
  },
  {
    name: 'job-unheard',
    subject: 'job',
    sql: `SELECT CAST(id AS TEXT) AS place, 'no event tells of it' AS what FROM jobs
       WHERE array_id IS NULL AND NOT EXISTS (SELECT 1 FROM events WHERE events.job_id = jobs.id)`,
    remedy: RESTORE,
  },
  {
    name: 'job-dependency',
    subject: 'job',
    sql: `SELECT CAST(id AS TEXT) AS place, 'it waits for other jobs, and for none' AS what FROM jobs
       WHERE state = 'pending' AND (waits & 2) <> 0
         AND NOT EXISTS (SELECT 1 FROM dependencies WHERE dependencies.job_id = COALESCE(jobs.array_id, jobs.id))`,
    remedy: 'it would wait for ever: cancel it and submit it again, and please report it',
  },
];

const ARRAYS: readonly Rule[] = [
  {
    name: 'array-tasks',
    subject: 'array',
    sql: `SELECT CAST(arrays.id AS TEXT) AS place, 'it has ' || CAST(arrays.tasks AS TEXT) || ' tasks, and '
         || CAST(COALESCE(kept.tasks, 0) AS TEXT) || ' of them are there' AS what
       FROM arrays LEFT JOIN (SELECT array_id, COUNT(*) AS tasks FROM jobs WHERE array_id IS NOT NULL GROUP BY array_id) AS kept
         ON kept.array_id = arrays.id
       WHERE COALESCE(kept.tasks, 0) > arrays.tasks OR (arrays.ended_at IS NULL AND COALESCE(kept.tasks, 0) <> arrays.tasks)`,
    remedy: RESTORE,
  },
  {
    name: 'array-counts',
    subject: 'array',
    sql: `SELECT CAST(arrays.id AS TEXT) AS place, 'it counts ' || CAST(arrays.ended AS TEXT) || ' ended tasks ('
         || CAST(arrays.completed AS TEXT) || ' completed, ' || CAST(arrays.failed AS TEXT) || ' failed, '
         || CAST(arrays.canceled AS TEXT) || ' canceled), and ' || CAST(COALESCE(found.ended, 0) AS TEXT) || ' have ended ('
         || CAST(COALESCE(found.completed, 0) AS TEXT) || ', ' || CAST(COALESCE(found.failed, 0) AS TEXT) || ', '
         || CAST(COALESCE(found.canceled, 0) AS TEXT) || ')' AS what
       FROM arrays LEFT JOIN
         (SELECT array_id, COUNT(*) AS ended, SUM(CASE WHEN state = 'completed' THEN 1 ELSE 0 END) AS completed,
            SUM(CASE WHEN state = 'failed' THEN 1 ELSE 0 END) AS failed,
            SUM(CASE WHEN state = 'canceled' THEN 1 ELSE 0 END) AS canceled
          FROM jobs WHERE array_id IS NOT NULL AND ended_at IS NOT NULL GROUP BY array_id) AS found
         ON found.array_id = arrays.id
       WHERE arrays.ended_at IS NULL
         AND (arrays.ended <> COALESCE(found.ended, 0) OR arrays.completed <> COALESCE(found.completed, 0)
           OR arrays.failed <> COALESCE(found.failed, 0) OR arrays.canceled <> COALESCE(found.canceled, 0))`,
    remedy: 'what depends on it may wait for ever: cancel it and submit the rest again, and please report it',
  },
  {
    name: 'array-ended',
    subject: 'array',
    sql: `SELECT CAST(id AS TEXT) AS place, CAST(ended AS TEXT) || ' of its ' || CAST(tasks AS TEXT) || ' tasks have ended, and it has'
         || CASE WHEN ended_at IS NULL THEN ' not' ELSE '' END AS what
       FROM arrays WHERE (ended_at IS NULL AND ended >= tasks) OR (ended_at IS NOT NULL AND ended <> tasks)`,
    remedy: REPORT,
  },
  {
    name: 'array-missing',
    subject: 'job',
    sql: `SELECT CAST(jobs.id AS TEXT) AS place, 'it is a task of array ' || CAST(jobs.array_id AS TEXT) || ', which is not there' AS what
       FROM jobs LEFT JOIN arrays ON arrays.id = jobs.array_id WHERE jobs.array_id IS NOT NULL AND arrays.id IS NULL`,
    remedy: RESTORE,
  },
  {
    name: 'array-number',
    subject: 'array',
    sql: `SELECT CAST(arrays.id AS TEXT) AS place, 'a job has the same number' AS what FROM arrays JOIN jobs ON jobs.id = arrays.id`,
    remedy: RESTORE,
  },
];

const CLUSTERS: readonly Rule[] = [
  {
    name: 'name',
    subject: 'name',
    sql: `SELECT names.name AS place, 'it is said to be a ' || names.kind || ', and there is none' AS what
       FROM names LEFT JOIN clusters ON clusters.name = names.name LEFT JOIN cluster_groups ON cluster_groups.name = names.name
       WHERE (names.kind = 'cluster' AND clusters.name IS NULL) OR (names.kind = 'group' AND cluster_groups.name IS NULL)
         OR (clusters.name IS NOT NULL AND cluster_groups.name IS NOT NULL)`,
    remedy: 'nobody can have that name until its row in `names` is deleted; please report it',
  },
  {
    name: 'cluster-graph',
    subject: 'cluster',
    sql: `SELECT clusters.name AS place, 'its resource graph is missing' AS what FROM clusters
       WHERE NOT EXISTS (SELECT 1 FROM cluster_graphs WHERE cluster_graphs.cluster_id = clusters.id)`,
    remedy: 'register it again: rainbow register cluster',
  },
  {
    name: 'document-pieces',
    subject: 'cluster',
    sql: `SELECT clusters.name AS place, 'of ' || CASE WHEN pieces.subsystem = '' THEN 'its graph' ELSE 'subsystem ' || pieces.subsystem END
         || ' there are ' || CAST(pieces.found AS TEXT) || ' pieces, numbered up to ' || CAST(pieces.newest AS TEXT) AS what
       FROM (SELECT cluster_id, subsystem, COUNT(*) AS found, MAX(number) AS newest, MIN(number) AS oldest
             FROM document_pieces GROUP BY cluster_id, subsystem) AS pieces
         JOIN clusters ON clusters.id = pieces.cluster_id
       WHERE pieces.oldest <> 0 OR pieces.found <> pieces.newest + 1`,
    remedy: 'register its graph, or that subsystem, again',
  },
  {
    name: 'document-owner',
    subject: 'cluster',
    sql: `SELECT DISTINCT clusters.name AS place, 'there are pieces of subsystem ' || document_pieces.subsystem || ', which it does not have' AS what
       FROM document_pieces JOIN clusters ON clusters.id = document_pieces.cluster_id
         LEFT JOIN subsystems ON subsystems.cluster_id = document_pieces.cluster_id AND subsystems.name = document_pieces.subsystem
       WHERE document_pieces.subsystem <> '' AND subsystems.name IS NULL`,
    remedy: 'they only take room: register and delete that subsystem; please report it',
  },
];

const RECORDS: readonly Rule[] = [
  {
    name: 'event-owner',
    subject: 'event',
    sql: `SELECT CAST(events.seq AS TEXT) AS place, 'it tells of job ' || CAST(events.job_id AS TEXT) || ', which is not there' AS what
       FROM events LEFT JOIN jobs ON jobs.id = events.job_id LEFT JOIN arrays ON arrays.id = events.job_id
       WHERE events.subject = 'job' AND jobs.id IS NULL AND arrays.id IS NULL`,
    remedy: 'it only takes room; please report it',
  },
  {
    name: 'dependency-owner',
    subject: 'dependency',
    sql: `SELECT CAST(dependencies.job_id AS TEXT) || ' on ' || CAST(dependencies.on_id AS TEXT) AS place, 'nobody has it' AS what
       FROM dependencies LEFT JOIN jobs ON jobs.id = dependencies.job_id LEFT JOIN arrays ON arrays.id = dependencies.job_id
       WHERE jobs.id IS NULL AND arrays.id IS NULL`,
    remedy: 'it only takes room; please report it',
  },
  {
    name: 'output-bytes',
    subject: 'output of job',
    sql: `SELECT CAST(output_streams.job_id AS TEXT) || '.' || CAST(output_streams.epoch AS TEXT) || ' task '
         || CAST(output_streams.task AS TEXT) || ' ' || output_streams.stream AS place,
         CAST(output_streams.kept_bytes AS TEXT) || ' bytes are kept, and ' || CAST(COALESCE(found.bytes, 0) AS TEXT) || ' are there' AS what
       FROM output_streams LEFT JOIN
         (SELECT job_id, epoch, task, stream, SUM(LENGTH(data)) AS bytes, MAX(start_offset + LENGTH(data)) AS reach
          FROM output_chunks GROUP BY job_id, epoch, task, stream) AS found
         ON found.job_id = output_streams.job_id AND found.epoch = output_streams.epoch
           AND found.task = output_streams.task AND found.stream = output_streams.stream
       WHERE COALESCE(found.bytes, 0) <> output_streams.kept_bytes OR found.reach > output_streams.next_offset`,
    remedy: 'what the job wrote is not complete here; its state is not touched by that; please report it',
  },
  {
    name: 'output-owner',
    subject: 'output of job',
    sql: `SELECT DISTINCT CAST(output_chunks.job_id AS TEXT) || '.' || CAST(output_chunks.epoch AS TEXT) AS place,
         'there are pieces of a stream that is not there' AS what
       FROM output_chunks LEFT JOIN output_streams ON output_streams.job_id = output_chunks.job_id
         AND output_streams.epoch = output_chunks.epoch AND output_streams.task = output_chunks.task
         AND output_streams.stream = output_chunks.stream
       WHERE output_streams.job_id IS NULL`,
    remedy: 'they only take room; please report it',
  },
  ...(['decisions', 'output_streams', 'bid_outcomes'] as const).map((table): Rule => ({
    name: `${table.replace('_', '-')}-epoch`,
    subject: 'job',
    sql: `SELECT DISTINCT CAST(jobs.id AS TEXT) AS place, 'it is in attempt ' || CAST(jobs.epoch AS TEXT) || ', and ${table} tells of attempt '
         || CAST(${table}.epoch AS TEXT) AS what
       FROM ${table} JOIN jobs ON jobs.id = ${table}.job_id WHERE ${table}.epoch > jobs.epoch`,
    remedy: RESTORE,
  })),
];

const FILES: readonly Rule[] = [
  {
    name: 'file-bytes',
    subject: 'contents',
    sql: `SELECT blobs.sha256 AS place, CAST(COALESCE(found.bytes, 0) AS TEXT) || ' of its ' || CAST(blobs.bytes AS TEXT)
         || ' bytes are there' AS what
       FROM blobs LEFT JOIN (SELECT blob_id, SUM(LENGTH(data)) AS bytes FROM blob_pieces GROUP BY blob_id) AS found
         ON found.blob_id = blobs.id
       WHERE blobs.whole = 1 AND COALESCE(found.bytes, 0) <> blobs.bytes`,
    remedy: RESTORE,
  },
  {
    name: 'file-quota',
    subject: 'files of',
    sql: `SELECT COALESCE(found.owner, file_owners.owner) AS place, CAST(COALESCE(file_owners.bytes, 0) AS TEXT)
         || ' bytes are counted, and ' || CAST(COALESCE(found.bytes, 0) AS TEXT) || ' are there' AS what
       FROM file_owners FULL JOIN (SELECT owner, SUM(bytes) AS bytes FROM blobs GROUP BY owner) AS found
         ON found.owner = file_owners.owner
       WHERE COALESCE(file_owners.bytes, 0) <> COALESCE(found.bytes, 0)`,
    remedy: 'what that owner may send is wrongly bounded, nothing else; please report it',
  },
  {
    name: 'file-job',
    subject: 'files of job',
    sql: `SELECT CAST(job_files.job_id AS TEXT) AS place, 'there is no such job' AS what
       FROM job_files LEFT JOIN jobs ON jobs.id = job_files.job_id LEFT JOIN arrays ON arrays.id = job_files.job_id
       WHERE jobs.id IS NULL AND arrays.id IS NULL`,
    remedy: 'they only take room; please report it',
  },
];

export const RULES: readonly Rule[] = [...JOBS, ...ARRAYS, ...CLUSTERS, ...RECORDS, ...FILES];

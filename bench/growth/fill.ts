/**
 * A store as it is after so many jobs, written straight into its tables: the same rows in both databases. Half of the
 * jobs have ended, a quarter are assigned (half of those to one cluster), a quarter wait: 64 questions, nothing free.
 */
import { DatabaseSync } from 'node:sqlite';
import { Client } from 'pg';
import { generateGraph } from '../../src/core/graph/generate.ts';
import { openDatabase } from '../../src/store/sqlite/open-database.ts';

export interface Size {
  readonly jobs: number;
  readonly clusters: number;
  readonly owners: number;
}

export function sizeOf(jobs: number): Size {
  return { jobs, clusters: Math.max(10, Math.min(10_000, jobs / 100)), owners: 100 };
}

/** Of each cluster. */
export const GRAPH = JSON.stringify(JSON.parse(generateGraph({ name: 'c', nodes: 4, coresPerNode: 64 })));

/** What is submitted, as the filled jobs have it. */
export const JOBSPEC = JSON.stringify({
  version: 1,
  resources: [
    { type: 'node', count: 1, with: [{ type: 'slot', count: 1, label: 'task', with: [{ type: 'core', count: 4 }] }] },
  ],
  tasks: [{ command: ['app'], slot: 'task', count: { per_slot: 1 } }],
  attributes: { system: { duration: 60 } },
});
/** When the first was submitted; one each millisecond. */
export const BEGAN = 1_700_000_000_000;

interface Dialect {
  /** A table `n` of the numbers `i` from 1 to `count`. */
  readonly series: (count: number) => string;
  readonly hash: string;
}

const SQLITE: Dialect = {
  series: (count) => `WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ${count})`,
  hash: 'zeroblob(32)',
};
const POSTGRES: Dialect = {
  series: (count) => `WITH n (i) AS (SELECT generate_series(CAST(1 AS BIGINT), ${count}))`,
  hash: `decode(repeat('00', 32), 'hex')`,
};

function statements({ series, hash }: Dialect, { jobs, clusters, owners }: Size): readonly string[] {
  const counts = quoted(JSON.stringify([]));
  const ended = `i <= ${jobs / 2}`;
  const assigned = `i <= ${(jobs * 3) / 4}`;
  const cluster = `CASE WHEN i % 2 = 0 THEN 1 ELSE i % ${clusters} + 1 END`;
  const at = `${BEGAN} + i`;
  return [
    `${series(clusters)} INSERT INTO names (name, kind) SELECT 'c' || i, 'cluster' FROM n`,
    `${series(clusters)} INSERT INTO clusters (id, name, secret_hash, token_hash, registered_at, graph_version, counts)
       SELECT i, 'c' || i, ${hash}, ${hash}, ${BEGAN}, 1, ${counts} FROM n`,
    `${series(clusters)} INSERT INTO cluster_graphs (cluster_id, graph) SELECT i, ${quoted(GRAPH)} FROM n`,
    `${series(jobs)} INSERT INTO jobs (id, name, owner, priority, walltime, on_cluster_loss, submitted_at, state, reason_code,
         reason_message, epoch, cluster, cluster_id, assigned_at, started_at, ended_at, exit_code, question)
       SELECT i, 'job', 'owner' || (i % ${owners}), i % 3, 60, 'wait', ${at},
         CASE WHEN ${ended} THEN CASE WHEN i % 10 = 0 THEN 'failed' ELSE 'completed' END WHEN ${assigned} THEN 'assigned' ELSE 'pending' END,
         CASE WHEN ${ended} THEN 'exit' WHEN ${assigned} THEN 'selected' ELSE 'nothing_free' END, '', 1,
         CASE WHEN ${assigned} THEN 'c' || (${cluster}) END, CASE WHEN ${assigned} THEN ${cluster} END,
         CASE WHEN ${assigned} THEN ${at} END, CASE WHEN ${ended} THEN ${at} END, CASE WHEN ${ended} THEN ${at} + 60000 END,
         CASE WHEN ${ended} THEN CASE WHEN i % 10 = 0 THEN 1 ELSE 0 END END, 'question ' || (i % 64)
       FROM n`,
    `${series(jobs)} INSERT INTO job_documents (job_id, jobspec, candidates, policy, policy_options)
       SELECT i, ${quoted(JOBSPEC)}, '[{"name":"c1","id":1}]', 'random', '{}' FROM n`,
    `${series(jobs)} INSERT INTO decisions (job_id, epoch, at, decision) SELECT i, 1, ${at}, '{"policy":"random"}' FROM n`,
    `${series(jobs * 3)} INSERT INTO events (seq, at, subject, job_id, owner, kind, epoch, reason_code, reason_message)
       SELECT i, ${BEGAN} + i / 3, 'job', (i + 2) / 3, 'owner' || ((i + 2) / 3 % ${owners}), 'pending', 1, 'submitted', '' FROM n`,
  ];
}

export function fillSqlite(path: string, size: Size): void {
  openDatabase(path, 0).close();
  const database = new DatabaseSync(path);
  database.exec('PRAGMA synchronous = OFF; PRAGMA cache_size = -262144; BEGIN');
  for (const statement of statements(SQLITE, size)) database.exec(statement);
  database.exec('COMMIT; PRAGMA wal_checkpoint(TRUNCATE)');
  database.close();
}

/** `url`: of a database with the newest schema. */
export async function fillPostgres(url: string, size: Size): Promise<void> {
  const client = new Client({ connectionString: url });
  await client.connect();
  for (const statement of statements(POSTGRES, size)) await client.query(statement);
  await client.query(`SELECT setval(pg_get_serial_sequence('jobs', 'id'), ${size.jobs})`);
  await client.query(`SELECT setval(pg_get_serial_sequence('clusters', 'id'), ${size.clusters})`);
  await client.query(`UPDATE event_counter SET last = ${size.jobs * 3}`);
  // As its own maintenance would have it by then.
  await client.query('VACUUM ANALYZE');
  await client.query('CHECKPOINT');
  await client.end();
}

function quoted(text: string): string {
  return `'${text.replaceAll("'", "''")}'`;
}

/**
 * What jobs ask for beside their jobspec (retries, output, when to go elsewhere), attempts that run beside each other,
 * jobs that an agent leaves lying, clusters that were deleted, and output as head and tail.
 *
 * - Deleted clusters are remembered with the hash of their secret: the agent that has it is told, whenever it calls in.
 * - `output_streams.tail_from` is the first byte kept behind the head; `merged_to` the last piece that is as large as
 *   pieces get, `loose` how many small ones follow it: they are joined now and then (operations/join-output.ts).
 */
import type { Migration } from './migration.ts';

export const agentLife: Migration = {
  number: 3,
  name: 'agent-life',
  statements: ({ integer, text, bytes, strict }) => [
    `ALTER TABLE job_documents ADD COLUMN handling ${text}`,
    `ALTER TABLE jobs ADD COLUMN left_until ${integer}`,
    `ALTER TABLE jobs ADD COLUMN ended_by ${integer}`,
    `CREATE INDEX jobs_left ON jobs (left_until, id) WHERE state = 'assigned' AND left_until IS NOT NULL`,
    `CREATE TABLE deleted_clusters (
      cluster_id ${integer} NOT NULL PRIMARY KEY,
      name ${text} NOT NULL,
      secret_hash ${bytes} NOT NULL,
      deleted_at ${integer} NOT NULL
    ) ${strict}`,
    'CREATE INDEX deleted_clusters_secret ON deleted_clusters (name, secret_hash)',
    `ALTER TABLE output_streams ADD COLUMN tail_from ${integer} NOT NULL DEFAULT 0`,
    `ALTER TABLE output_streams ADD COLUMN merged_to ${integer} NOT NULL DEFAULT 0`,
    `ALTER TABLE output_streams ADD COLUMN loose ${integer} NOT NULL DEFAULT 0`,
    'CREATE INDEX output_chunks_stream ON output_chunks (job_id, epoch, task, stream, number)',
  ],
};

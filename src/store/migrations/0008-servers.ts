/**
 * Several servers on one database: who is alive, which server holds the stream of which cluster's agent, letters from
 * server to server, what agents last said is free, and who is just deciding on a pending job.
 *
 * - A server is alive while its `seen_at`, by the database's clock, is young.
 * - `cluster_streams` is the fence: a session writes only while its stream is the one that stands there.
 * - Letters are hints (a question for an agent, its answer, who follows output): one that is lost is asked for again.
 */
import type { Migration } from './migration.ts';

export const servers: Migration = {
  number: 8,
  name: 'servers',
  statements: ({ serial, integer, text, strict }) => [
    `CREATE TABLE servers (
      id ${text} NOT NULL PRIMARY KEY,
      name ${text} NOT NULL,
      version ${text} NOT NULL,
      started_at ${integer} NOT NULL,
      seen_at ${integer} NOT NULL
    ) ${strict}`,
    `CREATE TABLE cluster_streams (
      cluster_id ${integer} NOT NULL PRIMARY KEY REFERENCES clusters (id) ON DELETE CASCADE,
      server ${text} NOT NULL,
      stream ${text} NOT NULL,
      bids ${integer} NOT NULL CHECK (bids IN (0, 1))
    ) ${strict}`,
    'CREATE INDEX cluster_streams_server ON cluster_streams (server)',
    `CREATE TABLE free_reports (
      cluster_id ${integer} NOT NULL PRIMARY KEY REFERENCES clusters (id) ON DELETE CASCADE,
      number ${integer} NOT NULL,
      graph_version ${integer} NOT NULL,
      report ${text} NOT NULL
    ) ${strict}`,
    `CREATE TABLE letters (
      id ${serial},
      receiver ${text} NOT NULL,
      sent_at ${integer} NOT NULL,
      body ${text} NOT NULL
    ) ${strict}`,
    'CREATE INDEX letters_receiver ON letters (receiver, id)',
    'CREATE INDEX letters_sent ON letters (sent_at)',
    `ALTER TABLE jobs ADD COLUMN claimed_by ${text}`,
    `ALTER TABLE jobs ADD COLUMN claimed_until ${integer}`,
  ],
};

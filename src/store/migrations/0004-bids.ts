/**
 * Bids: what a job's owner wants of them, what became of those that led to an assignment, how each cluster answers;
 * and decisions by their time, for whoever runs them again.
 */
import type { Migration } from './migration.ts';

export const bids: Migration = {
  number: 4,
  name: 'bids',
  statements: ({ serial, integer, real, text, strict }) => [
    `ALTER TABLE job_documents ADD COLUMN bidding ${text}`,
    `CREATE TABLE bid_outcomes (
      id ${serial},
      job_id ${integer} NOT NULL REFERENCES jobs (id) ON DELETE CASCADE,
      epoch ${integer} NOT NULL,
      cluster_id ${integer} NOT NULL REFERENCES clusters (id) ON DELETE CASCADE,
      shape_class ${text} NOT NULL,
      decided_at ${integer} NOT NULL,
      start_p50 ${integer} NOT NULL,
      start_p90 ${integer} NOT NULL,
      started_at ${integer} NOT NULL,
      never_started ${integer} NOT NULL CHECK (never_started IN (0, 1)),
      ended_at ${integer},
      currency ${text},
      cost_bid ${real},
      cost_actual ${real},
      UNIQUE (job_id, epoch)
    ) ${strict}`,
    'CREATE INDEX bid_outcomes_cluster ON bid_outcomes (cluster_id, id)',
    `CREATE TABLE bid_counts (
      cluster_id ${integer} NOT NULL REFERENCES clusters (id) ON DELETE CASCADE,
      kind ${text} NOT NULL,
      count ${integer} NOT NULL,
      PRIMARY KEY (cluster_id, kind)
    ) ${strict}`,
    'CREATE INDEX decisions_at ON decisions (at, id)',
  ],
};

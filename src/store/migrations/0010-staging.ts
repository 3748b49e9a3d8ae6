/**
 * Files that travel with jobs (docs/files.md).
 *
 * - `blobs`: contents by digest, of one owner; in pieces, so that nobody is held up by a large one. One that is not
 *   `whole` is still coming, or never came to its end.
 * - `file_sets`: a list of files as JSON; `file_set_blobs` are the contents that it names.
 * - `job_files`: of a job or an array (one space of numbers): what was sent along (epoch 0), and what attempts left.
 * - `unused_since`: nothing names it since then, and after a while it goes; null: something does.
 * - `file_owners`: the bytes of each owner's blobs, which a quota bounds.
 */
import type { Migration } from './migration.ts';

export const staging: Migration = {
  number: 10,
  name: 'staging',
  statements: ({ serial, integer, text, bytes, strict }) => [
    `CREATE TABLE file_owners (
      owner ${text} NOT NULL PRIMARY KEY,
      bytes ${integer} NOT NULL
    ) ${strict}`,
    `CREATE TABLE blobs (
      id ${serial},
      owner ${text} NOT NULL,
      sha256 ${text} NOT NULL,
      bytes ${integer} NOT NULL CHECK (bytes >= 0),
      whole ${integer} NOT NULL CHECK (whole IN (0, 1)),
      unused_since ${integer}
    ) ${strict}`,
    'CREATE UNIQUE INDEX blobs_digest ON blobs (owner, sha256) WHERE whole = 1',
    'CREATE INDEX blobs_unused ON blobs (unused_since, id) WHERE unused_since IS NOT NULL',
    `CREATE TABLE blob_pieces (
      blob_id ${integer} NOT NULL REFERENCES blobs (id) ON DELETE CASCADE,
      number ${integer} NOT NULL,
      data ${bytes} NOT NULL,
      PRIMARY KEY (blob_id, number)
    ) ${strict}`,
    `CREATE TABLE file_sets (
      id ${serial},
      owner ${text} NOT NULL,
      sha256 ${text} NOT NULL,
      files ${integer} NOT NULL,
      bytes ${integer} NOT NULL,
      manifest ${text} NOT NULL,
      unused_since ${integer}
    ) ${strict}`,
    'CREATE UNIQUE INDEX file_sets_digest ON file_sets (owner, sha256)',
    'CREATE INDEX file_sets_unused ON file_sets (unused_since, id) WHERE unused_since IS NOT NULL',
    `CREATE TABLE file_set_blobs (
      set_id ${integer} NOT NULL REFERENCES file_sets (id) ON DELETE CASCADE,
      blob_id ${integer} NOT NULL REFERENCES blobs (id),
      PRIMARY KEY (set_id, blob_id)
    ) ${strict}`,
    'CREATE INDEX file_set_blobs_blob ON file_set_blobs (blob_id)',
    `CREATE TABLE job_files (
      job_id ${integer} NOT NULL,
      epoch ${integer} NOT NULL,
      set_id ${integer} NOT NULL REFERENCES file_sets (id),
      notes ${text} NOT NULL,
      PRIMARY KEY (job_id, epoch)
    ) ${strict}`,
    'CREATE INDEX job_files_set ON job_files (set_id)',
  ],
};

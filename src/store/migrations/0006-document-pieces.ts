/**
 * Large graphs and subsystems in pieces of bytes, as whoever registers them packs them; then the text beside them is
 * empty. A value of 250 MB would be written, sent and read as one, and hold everybody up each time.
 */
import type { Migration } from './migration.ts';

export const documentPieces: Migration = {
  number: 6,
  name: 'document pieces',
  statements: ({ integer, text, bytes, strict }) => [
    `CREATE TABLE document_pieces (
      cluster_id ${integer} NOT NULL REFERENCES clusters (id) ON DELETE CASCADE,
      subsystem ${text} NOT NULL,
      number ${integer} NOT NULL,
      data ${bytes} NOT NULL,
      PRIMARY KEY (cluster_id, subsystem, number)
    ) ${strict}`,
  ],
};

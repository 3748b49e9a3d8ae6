/**
 * With which token a content was sent: of what no job has each token has a share. `sent_with` is the SHA-256 of the token in
 * hexadecimal digits; '': sent by an agent, by an operator, or before this was known.
 */
import type { Migration } from './migration.ts';

export const sentWith: Migration = {
  number: 11,
  name: 'sent with',
  statements: ({ text }) => [`ALTER TABLE blobs ADD COLUMN sent_with ${text} NOT NULL DEFAULT ''`],
};

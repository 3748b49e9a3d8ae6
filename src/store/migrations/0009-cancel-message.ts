/** What whoever asked for a job's end said: the agent that holds it confirms later, and does not know. */
import type { Migration } from './migration.ts';

export const cancelMessage: Migration = {
  number: 9,
  name: 'cancel message',
  statements: ({ text }) => [`ALTER TABLE jobs ADD COLUMN cancel_message ${text}`],
};

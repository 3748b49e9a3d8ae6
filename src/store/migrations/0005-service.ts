/** Whether a cluster takes new jobs: drained by a person, and windows of maintenance that no job may run into. */
import type { Migration } from './migration.ts';

export const service: Migration = {
  number: 5,
  name: 'service',
  // As JSON: { drained: { at, reason } | null, windows: [{ from, until, reason }] }; null: it serves.
  statements: ({ text }) => [`ALTER TABLE clusters ADD COLUMN service ${text}`],
};

/**
 * Two more kinds of dependencies: `after` (with minutes) and `singleton`. That a job is a singleton is a row with `on_id`
 * 0; the job that is in its way is another. Arrays that have not ended are found by their name; jobs are not, since an
 * index of theirs would be paid by every job.
 */
import type { Migration, Words } from './migration.ts';

export const dependencyKinds: Migration = {
  number: 12,
  name: 'dependency kinds',
  statements: (words) => [
    ...(words.engine === 'sqlite' ? rebuilt(words) : altered(words)),
    'CREATE INDEX arrays_open ON arrays (owner, name, id) WHERE ended_at IS NULL',
  ],
};

const CHECK = `CHECK (kind IN ('afterok','afterany','afternotok','after','singleton'))`;

/** SQLite changes no CHECK. */
function rebuilt({ integer, text, strict }: Words): string[] {
  return [
    'ALTER TABLE dependencies RENAME TO earlier_dependencies',
    'DROP INDEX dependencies_on',
    `CREATE TABLE dependencies (
      job_id ${integer} NOT NULL,
      on_id ${integer} NOT NULL,
      kind ${text} NOT NULL ${CHECK},
      minutes ${integer} NOT NULL DEFAULT 0,
      PRIMARY KEY (job_id, on_id, kind)
    ) ${strict}`,
    'INSERT INTO dependencies (job_id, on_id, kind) SELECT job_id, on_id, kind FROM earlier_dependencies',
    'DROP TABLE earlier_dependencies',
    'CREATE INDEX dependencies_on ON dependencies (on_id, job_id)',
  ];
}

function altered({ integer }: Words): string[] {
  return [
    `ALTER TABLE dependencies DROP CONSTRAINT dependencies_kind_check`,
    `ALTER TABLE dependencies ADD CONSTRAINT dependencies_kind_check ${CHECK}`,
    `ALTER TABLE dependencies ADD COLUMN minutes ${integer} NOT NULL DEFAULT 0`,
  ];
}

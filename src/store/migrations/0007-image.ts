/**
 * What a job's image needs, as it was found at submit (JSON; core/image/resolved.ts): whoever decides later, on whatever
 * server, goes by the same. Null where the job names no image. Of an array it is kept once.
 */
import type { Migration } from './migration.ts';

export const image: Migration = {
  number: 7,
  name: 'image',
  statements: ({ text }) => [
    `ALTER TABLE job_documents ADD COLUMN image ${text}`,
    `ALTER TABLE arrays ADD COLUMN image ${text}`,
  ],
};

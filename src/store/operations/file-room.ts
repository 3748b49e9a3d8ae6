/**
 * Room for contents: an owner's quota, counted in his own row with a condition, and what no job names, of all owners
 * together, which is looked up: what is named and what is not changes in many places, and a count that is wrong once
 * stays wrong. Both hold however many uploads come at once.
 */
import { RainbowError } from '../../core/errors.ts';
import { sizeText } from '../../core/staging/size.ts';
import type { FileRoom } from '../file-store.ts';
import { one, run, type Operation } from './statement.ts';

/** Bytes that a content counts at least: a row and its places in the indexes are not for nothing. */
const LEAST = 4096;

/** Whose row is locked, so that uploads look at what no job names one after the other; nobody is called so. */
const EVERYBODY = '';

/** Takes room for contents of these sizes; `resource_exhausted` where there is not enough. */
export function* charge(owner: string, sizes: readonly number[], { quota, unused }: FileRoom): Operation<void> {
  const bytes = sum(sizes);
  if (bytes === 0) return;
  if (unused !== null) yield* checkUnused(sum(sizes.map((size) => Math.max(size, LEAST))), unused);
  const counted =
    bytes > quota
      ? undefined
      : yield* one<{ bytes: number }>(
          `INSERT INTO file_owners (owner, bytes) VALUES (?, ?)
           ON CONFLICT (owner) DO UPDATE SET bytes = file_owners.bytes + excluded.bytes
           WHERE file_owners.bytes + excluded.bytes <= ? RETURNING bytes`,
          owner,
          bytes,
          quota,
        );
  if (counted !== undefined) return;
  const used = yield* usedBytes(owner);
  throw new RainbowError(
    'resource_exhausted',
    `${sizeText(bytes)} more would be too much: your files on this server may have ${sizeText(quota)}, and have ` +
      `${sizeText(used)}; they go with the jobs that they belong to, and what no job names goes by itself after a while`,
  );
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((all, each) => all + each, 0);
}

export function* refund(owner: string, bytes: number): Operation<void> {
  if (bytes > 0) yield* run('UPDATE file_owners SET bytes = bytes - ? WHERE owner = ?', bytes, owner);
}

export function* usedBytes(owner: string): Operation<number> {
  return (yield* one<{ bytes: number }>('SELECT bytes FROM file_owners WHERE owner = ?', owner))?.bytes ?? 0;
}

/** Contents that no list names, and those that only lists name which no job has. */
export function* unusedBytes(): Operation<number> {
  const counted = `CASE WHEN blobs.bytes < ${LEAST} THEN ${LEAST} ELSE blobs.bytes END`;
  const unnamed = yield* one<{ bytes: number | null }>(
    `SELECT CAST(SUM(${counted}) AS BIGINT) AS bytes FROM blobs WHERE unused_since >= 0`,
  );
  // Of several such lists that name a content the first counts it.
  const listed = yield* one<{ bytes: number | null }>(
    `SELECT CAST(SUM((SELECT ${counted} FROM blobs WHERE blobs.id = named.blob_id)) AS BIGINT) AS bytes
     FROM file_sets JOIN file_set_blobs AS named ON named.set_id = file_sets.id
     WHERE file_sets.unused_since >= 0 AND (
       SELECT other.set_id FROM file_set_blobs AS other WHERE other.blob_id = named.blob_id AND (
         other.set_id < named.set_id
         OR (SELECT used.unused_since FROM file_sets AS used WHERE used.id = other.set_id) IS NULL
       ) LIMIT 1) IS NULL`,
  );
  return (unnamed?.bytes ?? 0) + (listed?.bytes ?? 0);
}

function* checkUnused(bytes: number, most: number): Operation<void> {
  // 1. One at a time: the next one sees what this one adds.
  yield* run(
    `INSERT INTO file_owners (owner, bytes) VALUES (?, 0)
     ON CONFLICT (owner) DO UPDATE SET bytes = file_owners.bytes`,
    EVERYBODY,
  );
  // 2. What there is.
  const unused = yield* unusedBytes();
  if (unused + bytes <= most) return;
  throw new RainbowError(
    'resource_exhausted',
    `${sizeText(bytes)} more would be too much: this server keeps ${sizeText(most)} of files that no job has (yet), of ` +
      `everybody together, and has ${sizeText(unused)}; such files go by themselves after an hour: try again later, or ` +
      'ask its operator for more (`files.unusedBytes`)',
  );
}

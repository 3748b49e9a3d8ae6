/**
 * Room for contents: an owner's quota, counted in his own row with a condition, and what no job names, of all owners
 * together, which is looked up: what is named and what is not changes in many places, and a count that is wrong once
 * stays wrong. Of the latter one owner, and what was sent with one token, has a share: keys are made up by anybody, tokens
 * are not. All hold however many uploads come at once.
 */
import { RainbowError } from '../../core/errors.ts';
import { sizeText } from '../../core/staging/size.ts';
import type { FileRoom } from '../file-store.ts';
import { one, run, type Operation } from './statement.ts';

/** Bytes that a content counts at least: a row and its places in the indexes are not for nothing. */
const LEAST = 4096;

/** Whose row is locked, so that uploads look at what no job names one after the other; nobody is called so. */
const EVERYBODY = '';

/**
 * Takes room for contents of these sizes; `resource_exhausted` where there is not enough, or not for `whole` bytes, of which
 * these are the first.
 */
export function* charge(
  owner: string,
  sizes: readonly number[],
  room: FileRoom,
  whole: number = sum(sizes),
): Operation<void> {
  const bytes = sum(sizes);
  if (bytes === 0) return;
  const { quota } = room;
  yield* checkUnused(owner, Math.max(whole, sum(sizes.map((size) => Math.max(size, LEAST)))), room);
  const counted =
    whole > quota
      ? undefined
      : yield* one<{ bytes: number }>(
          `INSERT INTO file_owners (owner, bytes) VALUES (?, ?)
           ON CONFLICT (owner) DO UPDATE SET bytes = file_owners.bytes + excluded.bytes
           WHERE file_owners.bytes + ? <= ? RETURNING bytes`,
          owner,
          bytes,
          whole,
          quota,
        );
  if (counted !== undefined) return;
  const used = yield* usedBytes(owner);
  throw new RainbowError(
    'resource_exhausted',
    `${sizeText(whole)} more would be too much: your files on this server may have ${sizeText(quota)}, and have ` +
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

interface Unused {
  readonly everything: number;
  /** Of one owner. */
  readonly owned: number;
  /** Sent with one token. */
  readonly sent: number;
}

export function* unusedBytes(): Operation<number> {
  return (yield* unusedOf('', '')).everything;
}

/** Contents that no list names, and those that only lists name which no job has. */
function* unusedOf(owner: string, sentWith: string): Operation<Unused> {
  const counted = `CASE WHEN blobs.bytes < ${LEAST} THEN ${LEAST} ELSE blobs.bytes END`;
  const summed = (value: string): string => `CAST(COALESCE(SUM(${value}), 0) AS BIGINT)`;
  const sums = (any: string, owned: string, sent: string): string =>
    `${summed(any)} AS everything, ${summed(owned)} AS owned, ${summed(sent)} AS sent`;
  const unnamed = yield* one<Unused>(
    `SELECT ${sums(
      counted,
      `CASE WHEN blobs.owner = ? THEN ${counted} ELSE 0 END`,
      `CASE WHEN blobs.sent_with = ? THEN ${counted} ELSE 0 END`,
    )} FROM blobs WHERE unused_since >= 0`,
    owner,
    sentWith,
  );
  // Of several such lists that name a content the first counts it.
  const of = (value: string): string => `(SELECT ${value} FROM blobs WHERE blobs.id = named.blob_id)`;
  const listed = yield* one<Unused>(
    `SELECT ${sums(
      of(counted),
      `CASE WHEN file_sets.owner = ? THEN ${of(counted)} ELSE 0 END`,
      of(`CASE WHEN blobs.sent_with = ? THEN ${counted} ELSE 0 END`),
    )}
     FROM file_sets JOIN file_set_blobs AS named ON named.set_id = file_sets.id
     WHERE file_sets.unused_since >= 0 AND (
       SELECT other.set_id FROM file_set_blobs AS other WHERE other.blob_id = named.blob_id AND (
         other.set_id < named.set_id
         OR (SELECT used.unused_since FROM file_sets AS used WHERE used.id = other.set_id) IS NULL
       ) LIMIT 1) IS NULL`,
    owner,
    sentWith,
  );
  const both = (key: keyof Unused): number => (unnamed?.[key] ?? 0) + (listed?.[key] ?? 0);
  return { everything: both('everything'), owned: both('owned'), sent: both('sent') };
}

function* checkUnused(owner: string, bytes: number, { unused: most, share }: FileRoom): Operation<void> {
  if (most === null) return;
  // 1. One at a time: the next one sees what this one adds.
  yield* run(
    `INSERT INTO file_owners (owner, bytes) VALUES (?, 0)
     ON CONFLICT (owner) DO UPDATE SET bytes = file_owners.bytes`,
    EVERYBODY,
  );
  // 2. What there is.
  const { everything: all, owned, sent } = yield* unusedOf(owner, share?.sentWith ?? '');
  if (all + bytes > most) throw noRoom(bytes, most, 'everybody together', all);
  if (share === undefined) return;
  if (owned + bytes > share.bytes) throw noRoom(bytes, share.bytes, 'one owner', owned);
  if (sent + bytes > share.bytes) throw noRoom(bytes, share.bytes, 'all who send with one token', sent);
}

function noRoom(bytes: number, most: number, whose: string, unused: number): RainbowError {
  return new RainbowError(
    'resource_exhausted',
    `${sizeText(bytes)} more would be too much: this server keeps ${sizeText(most)} of files that no job has (yet), of ` +
      `${whose}, and has ${sizeText(unused)}; such files go by themselves after an hour: try again later, or ` +
      'ask its operator for more (`files.unusedBytes`)',
  );
}

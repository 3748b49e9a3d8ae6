/**
 * What no job names: contents that no list names, and those that only lists name which no job has. How much that is, whose,
 * and how lists go.
 */
import { all, chunksOf, filledUp, one, places, run, type Operation } from './statement.ts';

/** Bytes that a content counts at least: a row and its places in the indexes are not for nothing. */
export const LEAST_BYTES = 4096;

/** What a row of `blobs` counts. */
export const COUNTED = `CASE WHEN blobs.bytes < ${LEAST_BYTES} THEN ${LEAST_BYTES} ELSE blobs.bytes END`;

/** Contents that only lists name which no job has; of several such lists that name a content the first counts it. */
const LISTED = `FROM file_sets JOIN file_set_blobs AS named ON named.set_id = file_sets.id
     WHERE file_sets.unused_since >= 0 AND (
       SELECT other.set_id FROM file_set_blobs AS other WHERE other.blob_id = named.blob_id AND (
         other.set_id < named.set_id
         OR (SELECT used.unused_since FROM file_sets AS used WHERE used.id = other.set_id) IS NULL
       ) LIMIT 1) IS NULL`;

/** A value of the row in `blobs`, where that is `named`. */
const of = (value: string): string => `(SELECT ${value} FROM blobs WHERE blobs.id = named.blob_id)`;

export interface Unused {
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
export function* unusedOf(owner: string, sentWith: string): Operation<Unused> {
  const summed = (value: string): string => `CAST(COALESCE(SUM(${value}), 0) AS BIGINT)`;
  const sums = (any: string, owned: string, sent: string): string =>
    `${summed(any)} AS everything, ${summed(owned)} AS owned, ${summed(sent)} AS sent`;
  const unnamed = yield* one<Unused>(
    `SELECT ${sums(
      COUNTED,
      `CASE WHEN blobs.owner = ? THEN ${COUNTED} ELSE 0 END`,
      `CASE WHEN blobs.sent_with = ? THEN ${COUNTED} ELSE 0 END`,
    )} FROM blobs WHERE unused_since >= 0`,
    owner,
    sentWith,
  );
  const listed = yield* one<Unused>(
    `SELECT ${sums(
      of(COUNTED),
      `CASE WHEN file_sets.owner = ? THEN ${of(COUNTED)} ELSE 0 END`,
      of(`CASE WHEN blobs.sent_with = ? THEN ${COUNTED} ELSE 0 END`),
    )}
     ${LISTED}`,
    owner,
    sentWith,
  );
  const both = (key: keyof Unused): number => (unnamed?.[key] ?? 0) + (listed?.[key] ?? 0);
  return { everything: both('everything'), owned: both('owned'), sent: both('sent') };
}

/** The same by token; '' stands for what agents and operators send. */
export function* unusedByToken(): Operation<Map<string, number>> {
  const rows = yield* all<{ token: string; bytes: number }>(
    `SELECT token, CAST(SUM(bytes) AS BIGINT) AS bytes FROM (
       SELECT sent_with AS token, ${COUNTED} AS bytes FROM blobs WHERE unused_since >= 0
       UNION ALL
       SELECT ${of('sent_with')} AS token, ${of(COUNTED)} AS bytes ${LISTED}
     ) AS held GROUP BY token`,
  );
  return new Map(rows.map(({ token, bytes }) => [token, bytes]));
}

/** Is the row of `blobs` named by a list? */
const NAMED = '(SELECT set_id FROM file_set_blobs WHERE file_set_blobs.blob_id = blobs.id LIMIT 1)';

/**
 * A list that no job has; what only it named is unused since then. Its contents are locked by one statement and marked by
 * the next: one that waits for a lock still sees the lists of when it began, and not that of whoever had the lock.
 */
export function* deleteSet(set: bigint, unusedSince: number): Operation<void> {
  const named = yield* all<{ id: string }>(
    'SELECT CAST(blob_id AS TEXT) AS id FROM file_set_blobs WHERE set_id = ? ORDER BY file_set_blobs.blob_id',
    set,
  );
  yield* run('DELETE FROM file_sets WHERE id = ?', set);
  for (const chunk of chunksOf(named)) {
    const blobs = filledUp(chunk.map(({ id }) => BigInt(id)));
    yield* all(`SELECT 1 AS found FROM blobs WHERE id IN (${places(blobs)}) ORDER BY blobs.id FOR UPDATE`, ...blobs);
    yield* run(
      `UPDATE blobs SET unused_since = ? WHERE id IN (${places(blobs)}) AND ${NAMED} IS NULL`,
      unusedSince,
      ...blobs,
    );
  }
}

/** Of contents marked as unused, and locked: those that may go. What a list names all the same is marked no more. */
export function* reallyUnused<B extends { readonly id: string }>(marked: readonly B[]): Operation<readonly B[]> {
  const named = new Set<string>();
  for (const chunk of chunksOf(marked)) {
    const blobs = filledUp(chunk.map(({ id }) => BigInt(id)));
    const rows = yield* all<{ id: string }>(
      `UPDATE blobs SET unused_since = NULL WHERE id IN (${places(blobs)}) AND ${NAMED} IS NOT NULL
       RETURNING CAST(id AS TEXT) AS id`,
      ...blobs,
    );
    for (const { id } of rows) named.add(id);
  }
  return marked.filter(({ id }) => !named.has(id));
}

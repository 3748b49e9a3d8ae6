/**
 * Who gets in where the room for what no job names is full. The room's bytes, by as many tokens as have some of it and that
 * of the newcomer, is a fair share. A newcomer who stays within his gets in: the oldest of the token that has most goes, for
 * as long as that has more than a fair share. So a few cannot keep another out, and two cannot push each other out in turn:
 * who has a fair share or less loses nothing.
 *
 * Only what is whole and no job names goes; what is being written, and what agents and operators sent, stays. What was
 * removed is sent again by the submit that misses it (server/jobs/staging.ts).
 */
import { all, filledUp, one, places, run, type Operation } from './statement.ts';
import { COUNTED, deleteSet, reallyUnused, unusedByToken } from './unused-files.ts';

/** Contents that are removed at a time. */
const BATCH = 64;

export interface Newcomer {
  /** Stands for his token; '': an operator. */
  readonly sentWith: string;
  /** What he wants to add. */
  readonly bytes: number;
  /** Of these, what there is no room for. */
  readonly over: number;
  /** The room. */
  readonly most: number;
}

/** Bytes of each owner that were removed; null: there is no room for him. Then what was removed is to be undone. */
export function* makeRoom({ sentWith, bytes, over, most }: Newcomer): Operation<ReadonlyMap<string, number> | null> {
  // 1. What is fair.
  const held = yield* unusedByToken();
  const own = held.get(sentWith) ?? 0;
  held.delete(sentWith);
  // Nobody's to be pushed out.
  const kept = held.get('') ?? 0;
  held.delete('');
  const fair = (most - kept) / (held.size + 1);
  if (own + bytes > fair) return null;
  // 2. From whoever has most, as long as he has more.
  const freed = new Map<string, number>();
  for (let left = over; left > 0;) {
    const [token, has] = [...held].reduce((first, each) => (each[1] > first[1] ? each : first), ['', 0]);
    if (has <= fair) return null;
    const dropped = yield* dropOldest(token, Math.min(left, has - fair));
    for (const { owner, bytes: was, counted } of dropped) {
      freed.set(owner, (freed.get(owner) ?? 0) + was);
      left -= counted;
      held.set(token, held.get(token)! - counted);
    }
    // What he is writing stays.
    if (dropped.length === 0) held.delete(token);
  }
  return freed;
}

interface Dropped {
  readonly id: string;
  readonly owner: string;
  readonly bytes: number;
  readonly counted: number;
}

/** At least so many bytes, or a batch; none: there is nothing more that may go. */
function* dropOldest(token: string, least: number): Operation<readonly Dropped[]> {
  let oldest: readonly Dropped[] = [];
  while (oldest.length === 0) {
    const marked = yield* all<Dropped>(
      `SELECT CAST(id AS TEXT) AS id, owner, bytes, ${COUNTED} AS counted FROM blobs
       WHERE unused_since IS NOT NULL AND whole = 1 AND sent_with = ?
       ORDER BY unused_since, blobs.id LIMIT ? FOR UPDATE SKIP LOCKED`,
      token,
      BATCH,
    );
    if (marked.length === 0 && !(yield* dropOldestList(token))) return [];
    oldest = yield* reallyUnused(marked);
  }
  const dropped: Dropped[] = [];
  for (let left = least; left > 0 && dropped.length < oldest.length; left -= dropped.at(-1)!.counted) {
    dropped.push(oldest[dropped.length]!);
  }
  const ids = filledUp(dropped.map(({ id }) => BigInt(id)));
  yield* run(`DELETE FROM blobs WHERE id IN (${places(ids)})`, ...ids);
  return dropped;
}

/** A list that no job has, so that what only it names may go. */
function* dropOldestList(token: string): Operation<boolean> {
  const list = yield* one<{ id: string; unused_since: number }>(
    `SELECT CAST(id AS TEXT) AS id, unused_since FROM file_sets
     WHERE unused_since IS NOT NULL AND (
       SELECT blob_id FROM file_set_blobs WHERE set_id = file_sets.id
         AND (SELECT sent_with FROM blobs WHERE blobs.id = blob_id) = ? LIMIT 1) IS NOT NULL
     ORDER BY unused_since, file_sets.id LIMIT 1 FOR UPDATE SKIP LOCKED`,
    token,
  );
  if (list === undefined) return false;
  yield* deleteSet(BigInt(list.id), list.unused_since);
  return true;
}

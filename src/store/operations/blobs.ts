/**
 * Contents by digest, each owner's own. What nothing names carries the time since when; every statement that makes one
 * be named, or no more, keeps that. How much may be kept is in file-room.ts.
 */
import { RainbowError } from '../../core/errors.ts';
import type { FileRoom, NewBlob } from '../file-store.ts';
import { charge, refund } from './file-room.ts';
import { all, chunksOf, filledUp, limitOf, one, places, run, type Operation } from './statement.ts';
import { reallyUnused } from './unused-files.ts';

export interface FoundBlob {
  readonly id: string;
  readonly sha256: string;
  readonly bytes: number;
}

/** Those that are whole; locked, so that none is dropped meanwhile. */
export function* findBlobs(owner: string, digests: readonly string[]): Operation<readonly FoundBlob[]> {
  const found: FoundBlob[] = [];
  for (const chunk of chunksOf(digests)) {
    const values = filledUp(chunk);
    found.push(
      ...(yield* all<FoundBlob>(
        `SELECT CAST(id AS TEXT) AS id, sha256, bytes FROM blobs
         WHERE owner = ? AND whole = 1 AND sha256 IN (${places(values)}) FOR UPDATE`,
        owner,
        ...values,
      )),
    );
  }
  return found;
}

export function* missingBlobs(owner: string, digests: readonly string[], at: number): Operation<readonly string[]> {
  const distinct = [...new Set(digests)];
  const found = yield* findBlobs(owner, distinct);
  yield* touch(found, at);
  const there = new Set(found.map(({ sha256 }) => sha256));
  return distinct.filter((digest) => !there.has(digest));
}

function* touch(blobs: readonly FoundBlob[], at: number): Operation<void> {
  for (const chunk of chunksOf(blobs)) {
    const values = filledUp(chunk.map(({ id }) => BigInt(id)));
    yield* run(
      `UPDATE blobs SET unused_since = ? WHERE id IN (${places(values)}) AND unused_since IS NOT NULL`,
      at,
      ...values,
    );
  }
}

export function* keepSmallBlobs(
  owner: string,
  contents: readonly { readonly sha256: string; readonly data: Uint8Array }[],
  room: FileRoom,
  at: number,
): Operation<void> {
  const missing = new Set(
    yield* missingBlobs(
      owner,
      contents.map(({ sha256 }) => sha256),
      at,
    ),
  );
  const fresh = contents.filter(({ sha256 }) => missing.delete(sha256));
  yield* charge(
    owner,
    fresh.map(({ data }) => data.byteLength),
    room,
  );
  for (const { sha256, data } of fresh) {
    const id = yield* insertBlob({ owner, sha256, bytes: data.byteLength }, 1, room, at);
    // Another server's came first.
    if (id === null) yield* refund(owner, data.byteLength);
    else if (data.byteLength > 0) yield* insertPiece(id, 0, data);
  }
}

export function* beginBlob(blob: NewBlob, room: FileRoom, at: number): Operation<string | null> {
  const { owner, sha256, bytes, size } = blob;
  if ((yield* missingBlobs(owner, [sha256], at)).length === 0) return null;
  yield* charge(owner, [bytes], room, size);
  return yield* insertBlob(blob, 0, room, at);
}

function* insertBlob(
  { owner, sha256, bytes }: NewBlob,
  whole: 0 | 1,
  { share }: FileRoom,
  at: number,
): Operation<string | null> {
  const inserted = yield* one<{ id: string }>(
    `INSERT INTO blobs (owner, sha256, bytes, whole, unused_since, sent_with) VALUES (?, ?, ?, ?, ?, ?)
     ON CONFLICT (owner, sha256) WHERE whole = 1 DO NOTHING RETURNING CAST(id AS TEXT) AS id`,
    owner,
    sha256,
    bytes,
    whole,
    at,
    share?.sentWith ?? '',
  );
  return inserted?.id ?? null;
}

function* insertPiece(blob: string, number: number, data: Uint8Array): Operation<void> {
  yield* run('INSERT INTO blob_pieces (blob_id, number, data) VALUES (?, ?, ?)', BigInt(blob), number, data);
}

export function* extendBlob(blob: string, bytes: number, room: FileRoom, at: number): Operation<void> {
  const row = yield* one<{ owner: string }>(
    'SELECT owner FROM blobs WHERE id = ? AND whole = 0 FOR UPDATE',
    BigInt(blob),
  );
  if (row === undefined) throw dropped();
  yield* charge(row.owner, [bytes], room);
  yield* run('UPDATE blobs SET bytes = bytes + ?, unused_since = ? WHERE id = ?', bytes, at, BigInt(blob));
}

export function* appendBlob(blob: string, number: number, data: Uint8Array, at: number): Operation<void> {
  const there = yield* one<{ id: string }>(
    'UPDATE blobs SET unused_since = ? WHERE id = ? AND whole = 0 RETURNING CAST(id AS TEXT) AS id',
    at,
    BigInt(blob),
  );
  if (there === undefined) throw dropped();
  yield* insertPiece(blob, number, data);
}

export function* finishBlob(blob: string, at: number): Operation<void> {
  const row = yield* one<{ owner: string; sha256: string }>(
    'SELECT owner, sha256 FROM blobs WHERE id = ? AND whole = 0 FOR UPDATE',
    BigInt(blob),
  );
  if (row === undefined) throw dropped();
  const isFirst = (yield* missingBlobs(row.owner, [row.sha256], at)).length > 0;
  if (isFirst) yield* run('UPDATE blobs SET whole = 1, unused_since = ? WHERE id = ?', at, BigInt(blob));
  else yield* dropBlob(blob);
}

function dropped(): RainbowError {
  return new RainbowError('aborted', 'the upload took too long, and was dropped: begin it again');
}

export function* dropBlob(blob: string): Operation<void> {
  const row = yield* one<{ owner: string; bytes: number }>(
    'DELETE FROM blobs WHERE id = ? AND whole = 0 RETURNING owner, bytes',
    BigInt(blob),
  );
  if (row !== undefined) yield* refund(row.owner, row.bytes);
}

export function* readBlob(owner: string, sha256: string, number: number): Operation<Uint8Array | null> {
  const row = yield* one<{ data: Uint8Array }>(
    `SELECT data FROM blob_pieces
     WHERE blob_id = (SELECT id FROM blobs WHERE owner = ? AND sha256 = ? AND whole = 1) AND number = ?`,
    owner,
    sha256,
    number,
  );
  return row?.data ?? null;
}

/** What nothing names since then, the first first. */
export function* pruneBlobs(unusedSince: number, limit: number): Operation<number> {
  const rows = yield* all<{ id: string; owner: string; bytes: number }>(
    `SELECT CAST(id AS TEXT) AS id, owner, bytes FROM blobs WHERE unused_since IS NOT NULL AND unused_since < ?
     ORDER BY unused_since, blobs.id LIMIT ? FOR UPDATE SKIP LOCKED`,
    unusedSince,
    limitOf(limit),
  );
  for (const { id, owner, bytes } of yield* reallyUnused(rows)) {
    yield* run('DELETE FROM blobs WHERE id = ?', BigInt(id));
    yield* refund(owner, bytes);
  }
  return rows.length;
}

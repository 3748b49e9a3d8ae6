/**
 * Lists of files, and whose they are: what was sent along with a job or an array, what attempts left behind. A list
 * goes with the last job that has it, and marks what only it named; a list that no job ever had goes after a while.
 */
import { RainbowError } from '../../core/errors.ts';
import type { Handling } from '../../core/job/handling.ts';
import { isFinal, type JobState } from '../../core/job/state.ts';
import { bytesIn, type FileEntry } from '../../core/staging/manifest.ts';
import type { FileSetRecord, FileStore, JobFilesRecord } from '../file-store.ts';
import type { JobId } from '../store.ts';
import { findBlobs, pruneBlobs } from './blobs.ts';
import { idOf } from './job-row.ts';
import { all, chunksOf, filledUp, limitOf, one, places, run, type Operation } from './statement.ts';
import { deleteSet } from './unused-files.ts';
import { writeJobEvent } from './write-event.ts';

export function* keepFileSet(
  owner: string,
  sha256: string,
  files: readonly FileEntry[],
  at: number,
): Operation<Awaited<ReturnType<FileStore['keepSet']>>> {
  // 1. It may be there; then so is all that it names.
  const there = yield* one<{ id: string }>(
    'SELECT CAST(id AS TEXT) AS id FROM file_sets WHERE owner = ? AND sha256 = ? FOR UPDATE',
    owner,
    sha256,
  );
  if (there !== undefined) {
    yield* run('UPDATE file_sets SET unused_since = ? WHERE id = ? AND unused_since IS NOT NULL', at, BigInt(there.id));
    return { set: there.id };
  }
  // 2. What it names.
  const digests = [...new Set(files.map((file) => file.sha256))].sort();
  const found = yield* findBlobs(owner, digests);
  if (found.length < digests.length) {
    const known = new Set(found.map((blob) => blob.sha256));
    return { missing: digests.filter((digest) => !known.has(digest)) };
  }
  const sizes = new Map(found.map((blob) => [blob.sha256, blob.bytes]));
  const unlike = files.find((file) => file.size !== sizes.get(file.sha256));
  if (unlike !== undefined) {
    throw new RainbowError(
      'invalid_input',
      `${unlike.path}: the content with this digest has ${sizes.get(unlike.sha256)} bytes, and not ${unlike.size}`,
    );
  }
  // 3. Keep it.
  const inserted = yield* one<{ id: string }>(
    `INSERT INTO file_sets (owner, sha256, files, bytes, manifest, unused_since) VALUES (?, ?, ?, ?, ?, ?)
     RETURNING CAST(id AS TEXT) AS id`,
    owner,
    sha256,
    files.length,
    bytesIn(files),
    JSON.stringify(files),
    at,
  );
  const { id } = inserted as { id: string };
  for (const chunk of chunksOf(found)) {
    const blobs = filledUp(chunk.map((blob) => BigInt(blob.id)));
    yield* run(
      `INSERT INTO file_set_blobs (set_id, blob_id) VALUES ${places(blobs, '(?, ?)')} ON CONFLICT DO NOTHING`,
      ...blobs.flatMap((blob) => [BigInt(id), blob]),
    );
    yield* run(`UPDATE blobs SET unused_since = NULL WHERE id IN (${places(blobs)})`, ...blobs);
  }
  return { set: id };
}

export function* getFileSet(id: string): Operation<FileSetRecord | null> {
  const key = idOf(id);
  if (key === null) return null;
  const row = yield* one<{ manifest: string }>('SELECT manifest FROM file_sets WHERE id = ?', key);
  return row === undefined ? null : { id, files: JSON.parse(row.manifest) as readonly FileEntry[] };
}

export function* getJobFiles(id: JobId): Operation<readonly JobFilesRecord[]> {
  const key = idOf(id);
  if (key === null) return [];
  const rows = yield* all<{ epoch: number; set_id: string; files: number; bytes: number; notes: string }>(
    `SELECT epoch, CAST(set_id AS TEXT) AS set_id, notes,
       (SELECT files FROM file_sets WHERE file_sets.id = job_files.set_id) AS files,
       (SELECT bytes FROM file_sets WHERE file_sets.id = job_files.set_id) AS bytes
     FROM job_files WHERE job_id = ? ORDER BY epoch`,
    key,
  );
  return rows.map(({ epoch, set_id, files, bytes, notes }) => ({
    epoch,
    set: set_id,
    files,
    bytes,
    notes: JSON.parse(notes) as readonly string[],
  }));
}

/** A job or array that was just stored has its files from now on. Throws `aborted` where they have been dropped. */
export function* attachStaged(id: JobId, { staging }: Handling): Operation<void> {
  if (staging === undefined || staging.set === null) return;
  yield* attach(BigInt(id), 0, staging.set, []);
}

function* attach(key: bigint, epoch: number, set: string, notes: readonly string[]): Operation<void> {
  const kept = yield* one<{ id: string }>(
    'UPDATE file_sets SET unused_since = NULL WHERE id = ? RETURNING CAST(id AS TEXT) AS id',
    BigInt(set),
  );
  if (kept === undefined)
    throw new RainbowError('aborted', 'the files were dropped meanwhile: send them, and submit, again');
  yield* run(
    `INSERT INTO job_files (job_id, epoch, set_id, notes) VALUES (?, ?, ?, ?)
     ON CONFLICT (job_id, epoch) DO UPDATE SET set_id = excluded.set_id, notes = excluded.notes`,
    key,
    epoch,
    BigInt(set),
    JSON.stringify(notes),
  );
}

export function* keepCollected(
  { id, epoch, set, notes, message }: Parameters<FileStore['collected']>[0],
  at: number,
): Operation<boolean> {
  const key = idOf(id);
  const job =
    key === null
      ? undefined
      : yield* one<{ state: JobState; owner: string; cluster: string | null; array_id: string | null }>(
          'SELECT state, owner, cluster, CAST(array_id AS TEXT) AS array_id FROM jobs WHERE id = ? FOR UPDATE',
          key,
        );
  if (key === null || job === undefined || isFinal(job.state)) return false;
  const before = yield* one<{ set_id: string; notes: string }>(
    'SELECT CAST(set_id AS TEXT) AS set_id, notes FROM job_files WHERE job_id = ? AND epoch = ?',
    key,
    epoch,
  );
  if (before?.set_id === set && before.notes === JSON.stringify(notes)) return true;
  yield* attach(key, epoch, set, notes);
  if (before !== undefined && before.set_id !== set) yield* releaseSet(BigInt(before.set_id));
  const array = job.array_id === null ? null : { id: job.array_id };
  yield* writeJobEvent(
    { id, owner: job.owner, epoch, array },
    'files',
    job.cluster,
    { code: 'collected', message },
    at,
  );
  return true;
}

/** The job or array is being deleted. */
export function* releaseJobFiles(key: bigint): Operation<void> {
  const rows = yield* all<{ set_id: string }>(
    'DELETE FROM job_files WHERE job_id = ? RETURNING CAST(set_id AS TEXT) AS set_id',
    key,
  );
  for (const set of new Set(rows.map(({ set_id }) => set_id))) yield* releaseSet(BigInt(set));
}

/** Where no job has it any more it goes, and what only it named goes next. */
function* releaseSet(set: bigint): Operation<void> {
  const used = yield* one<{ job_id: string }>(
    'SELECT CAST(job_id AS TEXT) AS job_id FROM job_files WHERE set_id = ? LIMIT 1',
    set,
  );
  if (used === undefined) yield* deleteSet(set, 0);
}

export function* pruneFiles(unusedSince: number, limit: number): Operation<number> {
  const sets = yield* all<{ id: string; unused_since: number }>(
    `SELECT CAST(id AS TEXT) AS id, unused_since FROM file_sets WHERE unused_since IS NOT NULL AND unused_since < ?
     ORDER BY unused_since, file_sets.id LIMIT ? FOR UPDATE SKIP LOCKED`,
    unusedSince,
    limitOf(limit),
  );
  for (const { id, unused_since } of sets) yield* deleteSet(BigInt(id), unused_since);
  return sets.length + (yield* pruneBlobs(unusedSince, limit - sets.length));
}

/**
 * What tasks wrote, in chunks. Per (job, epoch, task, stream) the next offset expected is kept: bytes below it are
 * there already and are dropped, a jump over it is a gap that the sender's own cap left.
 */
import { RainbowError } from '../../core/errors.ts';
import type { JobId, OutputChunk } from '../store.ts';
import { idOf } from './job-row.ts';
import { all, limitOf, one, run, type Operation } from './statement.ts';

interface StreamEnd {
  readonly task: number;
  readonly stream: 'stdout' | 'stderr';
  offset: number;
  kept: number;
}

export function* appendOutput(
  id: JobId,
  epoch: number,
  chunks: readonly OutputChunk[],
  cap: number,
): Operation<readonly { readonly task: number; readonly stream: 'stdout' | 'stderr'; readonly offset: number }[]> {
  // 1. The attempt must have been.
  const key = idOf(id);
  const job =
    key === null ? undefined : yield* one<{ epoch: number }>('SELECT epoch FROM jobs WHERE id = ? FOR UPDATE', key);
  if (key === null || job === undefined) throw new RainbowError('not_found', `there is no job ${id}`);
  if (!(epoch >= 1 && epoch <= job.epoch)) {
    throw new RainbowError('not_found', `job ${id} has no attempt ${epoch}; its newest is ${job.epoch}`);
  }

  // 2. What is new of each chunk, as far as the cap allows.
  const last = yield* one<{ number: number | null }>(
    'SELECT MAX(number) AS number FROM output_chunks WHERE job_id = ? AND epoch = ?',
    key,
    epoch,
  );
  let number = last?.number ?? 0;
  const ends = new Map<string, StreamEnd>();
  for (const chunk of chunks) {
    const name = `${chunk.task} ${chunk.stream}`;
    let end = ends.get(name);
    if (end === undefined) {
      end = yield* endOf(key, epoch, chunk);
      ends.set(name, end);
    }
    const known = Math.max(0, end.offset - chunk.offset);
    const fresh = chunk.data.subarray(known);
    if (fresh.byteLength === 0) {
      end.offset = Math.max(end.offset, chunk.offset);
      continue;
    }
    const kept = fresh.subarray(0, Math.max(0, cap - end.kept));
    if (kept.byteLength > 0) {
      number += 1;
      yield* run(
        `INSERT INTO output_chunks (job_id, epoch, number, task, stream, start_offset, at, data)
         VALUES (?, ?, ?, ?, ?, ?, ?, ?)`,
        key,
        epoch,
        number,
        chunk.task,
        chunk.stream,
        chunk.offset + known,
        Math.trunc(chunk.at),
        kept,
      );
      end.kept += kept.byteLength;
    }
    end.offset = chunk.offset + chunk.data.byteLength;
  }

  // 3. How far each stream is.
  for (const end of ends.values()) {
    yield* run(
      `INSERT INTO output_streams (job_id, epoch, task, stream, next_offset, kept_bytes) VALUES (?, ?, ?, ?, ?, ?)
       ON CONFLICT (job_id, epoch, task, stream)
       DO UPDATE SET next_offset = excluded.next_offset, kept_bytes = excluded.kept_bytes`,
      key,
      epoch,
      end.task,
      end.stream,
      end.offset,
      end.kept,
    );
  }
  return [...ends.values()].map(({ task, stream, offset }) => ({ task, stream, offset }));
}

function* endOf(key: bigint, epoch: number, { task, stream }: OutputChunk): Operation<StreamEnd> {
  const row = yield* one<{ next_offset: number; kept_bytes: number }>(
    'SELECT next_offset, kept_bytes FROM output_streams WHERE job_id = ? AND epoch = ? AND task = ? AND stream = ?',
    key,
    epoch,
    task,
    stream,
  );
  return { task, stream, offset: row?.next_offset ?? 0, kept: row?.kept_bytes ?? 0 };
}

interface ChunkRow {
  readonly number: number;
  readonly task: number;
  readonly stream: 'stdout' | 'stderr';
  readonly start_offset: number;
  readonly at: number;
  readonly data: Uint8Array;
}

export function* readOutput(
  id: JobId,
  epoch: number,
  after: number,
  limit: number,
): Operation<{ readonly chunks: readonly OutputChunk[]; readonly next: number }> {
  const key = idOf(id);
  if (key === null) return { chunks: [], next: after };
  const rows = yield* all<ChunkRow>(
    `SELECT number, task, stream, start_offset, at, data FROM output_chunks
     WHERE job_id = ? AND epoch = ? AND number > ? ORDER BY number LIMIT ?`,
    key,
    epoch,
    after,
    limitOf(limit),
  );
  const chunks = rows.map(({ task, stream, start_offset, at, data }) => ({
    task,
    stream,
    offset: start_offset,
    at,
    data,
  }));
  return { chunks, next: rows.at(-1)?.number ?? after };
}

export function* cutOutput(
  id: JobId,
  epoch: number,
): Operation<readonly { readonly task: number; readonly stream: 'stdout' | 'stderr'; readonly offset: number }[]> {
  const key = idOf(id);
  if (key === null) return [];
  const rows = yield* all<{ task: number; stream: 'stdout' | 'stderr'; next_offset: number }>(
    `SELECT task, stream, next_offset FROM output_streams
     WHERE job_id = ? AND epoch = ? AND next_offset > kept_bytes ORDER BY task, stream`,
    key,
    epoch,
  );
  // Of each task stdout first; in SQL that would be a sort.
  const inOrder = rows.toSorted((a, b) => a.task - b.task || (a.stream < b.stream ? 1 : -1));
  return inOrder.map(({ task, stream, next_offset }) => ({ task, stream, offset: next_offset }));
}

/**
 * What tasks wrote, in pieces: of each stream the first half of its cap and, as a ring, the last half. Per (job, epoch,
 * task, stream) the next offset expected is kept: bytes below it are there already and are dropped, a jump over it is a
 * gap that the sender left.
 * Stored cheaply: small pieces are joined now and then (join-output.ts), and what falls out of the ring goes in steps of
 * a piece, so that neither costs a write for each line.
 */
import { RainbowError } from '../../core/errors.ts';
import type { JobId, OutputChunk, OutputEnd } from '../store.ts';
import { idOf } from './job-row.ts';
import { joinLoose, MOST_LOOSE, type StreamRow } from './join-output.ts';
import { all, limitOf, one, run, type Operation } from './statement.ts';

/** Largest piece; a small cap has smaller ones, so that its ring turns in small steps. */
const PIECE = 64 * 1024;
const LEAST_PIECE = 16;

export function* appendOutput(
  id: JobId,
  epoch: number,
  chunks: readonly OutputChunk[],
  cap: number,
  room: number,
): Operation<readonly OutputEnd[]> {
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
  const writer = new Writer(key, epoch, cap, room, last?.number ?? 0);
  const streams = new Map<string, StreamRow>();
  const before = new Map<string, number>();
  for (const chunk of chunks) {
    const name = `${chunk.task} ${chunk.stream}`;
    let stream = streams.get(name);
    if (stream === undefined) {
      stream = yield* streamOf(key, epoch, chunk);
      streams.set(name, stream);
      before.set(name, stream.kept);
    }
    yield* writer.append(stream, chunk);
  }

  // 3. How far each stream is.
  const ends: OutputEnd[] = [];
  for (const [name, stream] of streams) {
    if (stream.loose >= MOST_LOOSE) yield* joinLoose(stream, writer.headEnd, writer.piece);
    yield* run(
      `INSERT INTO output_streams (job_id, epoch, task, stream, next_offset, kept_bytes, tail_from, merged_to, loose)
       VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)
       ON CONFLICT (job_id, epoch, task, stream)
       DO UPDATE SET next_offset = excluded.next_offset, kept_bytes = excluded.kept_bytes,
         tail_from = excluded.tail_from, merged_to = excluded.merged_to, loose = excluded.loose`,
      key,
      epoch,
      stream.task,
      stream.stream,
      stream.offset,
      stream.kept,
      stream.tailFrom,
      stream.mergedTo,
      stream.loose,
    );
    const { task, offset, kept } = stream;
    ends.push({ task, stream: stream.stream, offset, grown: kept - (before.get(name) ?? 0) });
  }
  return ends;
}

/** Writes pieces of one attempt, in order. */
class Writer {
  readonly headEnd: number;
  readonly piece: number;
  readonly #key: bigint;
  readonly #epoch: number;
  readonly #tail: number;
  #room: number;
  #number: number;

  constructor(key: bigint, epoch: number, cap: number, room: number, number: number) {
    this.#key = key;
    this.#epoch = epoch;
    this.headEnd = Math.ceil(cap / 2);
    this.#tail = cap - this.headEnd;
    this.piece = Math.max(LEAST_PIECE, Math.min(PIECE, Math.floor(this.#tail / 8)));
    this.#room = room;
    this.#number = number;
  }

  *append(stream: StreamRow, chunk: OutputChunk): Operation<void> {
    const end = chunk.offset + chunk.data.byteLength;
    const from = Math.max(stream.offset, chunk.offset);
    if (end > from) {
      const data = chunk.data.subarray(from - chunk.offset);
      const ofHead = Math.max(0, Math.min(data.byteLength, this.headEnd - from));
      const head = data.subarray(0, Math.min(ofHead, Math.max(0, this.#room)));
      if (head.byteLength > 0) yield* this.#insert(stream, from, head, chunk.at);
      const tail = data.subarray(ofHead);
      if (tail.byteLength > 0) yield* this.#ring(stream, end, tail, chunk.at);
    }
    stream.offset = Math.max(stream.offset, end, chunk.offset);
  }

  /** The newest alone; what falls out makes room for it. */
  *#ring(stream: StreamRow, end: number, tail: Uint8Array, at: number): Operation<void> {
    const oldest = end - this.#tail;
    if (oldest - Math.max(stream.tailFrom, this.headEnd) > this.piece) yield* this.#drop(stream, oldest);
    const most = Math.min(tail.byteLength, this.#tail, Math.max(0, this.#room));
    if (most > 0) yield* this.#insert(stream, end - most, tail.subarray(tail.byteLength - most), at);
  }

  *#drop(stream: StreamRow, oldest: number): Operation<void> {
    const gone = yield* all<{ bytes: number }>(
      `DELETE FROM output_chunks WHERE job_id = ? AND epoch = ? AND task = ? AND stream = ?
         AND start_offset >= ? AND start_offset + length(data) <= ? RETURNING length(data) AS bytes`,
      this.#key,
      this.#epoch,
      stream.task,
      stream.stream,
      this.headEnd,
      oldest,
    );
    for (const { bytes } of gone) {
      stream.kept -= bytes;
      this.#room += bytes;
    }
    stream.tailFrom = oldest;
  }

  *#insert(stream: StreamRow, offset: number, data: Uint8Array, at: number): Operation<void> {
    for (let from = 0; from < data.byteLength; from += this.piece) {
      const piece = data.subarray(from, from + this.piece);
      this.#number += 1;
      yield* run(
        `INSERT INTO output_chunks (job_id, epoch, number, task, stream, start_offset, at, data)
         VALUES (?, ?, ?, ?, ?, ?, ?, ?)`,
        this.#key,
        this.#epoch,
        this.#number,
        stream.task,
        stream.stream,
        offset + from,
        Math.trunc(at),
        piece,
      );
      if (stream.loose === 0 && piece.byteLength * 2 >= this.piece) stream.mergedTo = this.#number;
      else stream.loose += 1;
    }
    stream.kept += data.byteLength;
    this.#room -= data.byteLength;
  }
}

function* streamOf(key: bigint, epoch: number, { task, stream }: OutputChunk): Operation<StreamRow> {
  const row = yield* one<{
    next_offset: number;
    kept_bytes: number;
    tail_from: number;
    merged_to: number;
    loose: number;
  }>(
    `SELECT next_offset, kept_bytes, tail_from, merged_to, loose FROM output_streams
     WHERE job_id = ? AND epoch = ? AND task = ? AND stream = ?`,
    key,
    epoch,
    task,
    stream,
  );
  return {
    key,
    epoch,
    task,
    stream,
    offset: row?.next_offset ?? 0,
    kept: row?.kept_bytes ?? 0,
    tailFrom: row?.tail_from ?? 0,
    mergedTo: row?.merged_to ?? 0,
    loose: row?.loose ?? 0,
  };
}

/** Bytes of one attempt, of all its streams. */
export function* keptOutput(id: JobId, epoch: number): Operation<number> {
  const key = idOf(id);
  if (key === null) return 0;
  const row = yield* one<{ bytes: number | null }>(
    'SELECT CAST(SUM(kept_bytes) AS BIGINT) AS bytes FROM output_streams WHERE job_id = ? AND epoch = ?',
    key,
    epoch,
  );
  return row?.bytes ?? 0;
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

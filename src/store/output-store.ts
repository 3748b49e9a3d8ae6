/** What the store keeps of what tasks write; a part of store.ts, whose words on times, ids and errors hold here. */
import type { JobId } from './store.ts';

export interface OutputChunk {
  readonly task: number;
  readonly stream: 'stdout' | 'stderr';
  /** Where the bytes stood in what the task wrote. */
  readonly offset: number;
  readonly data: Uint8Array;
  readonly at: number;
}

/** How far a stream is dealt with. */
export interface OutputEnd {
  readonly task: number;
  readonly stream: 'stdout' | 'stderr';
  readonly offset: number;
  /** Bytes that are kept more than before; less than 0 where more fell out of the tail than came. */
  readonly grown: number;
}

export interface OutputStore {
  /**
   * An empty chunk says how far its stream is, of which the rest was not kept.
   * Appends; bytes at offsets that are there already are dropped, so a repeated report changes nothing. Of each task's
   * stream the first half of `cap` bytes is kept and, as a ring, the last half (a little more, by a piece); of all of
   * them together no more than `room` bytes beyond what is kept already. Resolves to the offset up to which all is dealt
   * with (kept, or dropped), per (task, stream) in the chunks: the sender may forget what is below it.
   * `not_found` where there is no such job or attempt.
   */
  append(
    id: JobId,
    epoch: number,
    chunks: readonly OutputChunk[],
    cap: number,
    room?: number,
  ): Promise<readonly OutputEnd[]>;
  /** Bytes that are kept of that attempt, of all its streams. */
  kept(id: JobId, epoch: number): Promise<number>;
  /**
   * In the order in which they came, after the `after`-th, at most `limit` chunks. Pieces may have been joined since:
   * then one comes that begins before what was read.
   */
  read(
    id: JobId,
    epoch: number,
    after: number,
    limit: number,
  ): Promise<{ readonly chunks: readonly OutputChunk[]; readonly next: number }>;
  /** Streams of which something was not kept, and their full length as far as it was reported. */
  cut(
    id: JobId,
    epoch: number,
  ): Promise<readonly { readonly task: number; readonly stream: 'stdout' | 'stderr'; readonly offset: number }[]>;
  /** Called after each commit that wrote output of this job. */
  subscribe(id: JobId, listener: () => void): () => void;
}

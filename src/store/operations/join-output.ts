/**
 * Small pieces of a stream, joined to larger ones: a job that prints a line now and then would else cost a row for each.
 * The last of a run takes in the others, so a reader who stands among them meets bytes that it has seen (and knows by
 * their offset), and misses none. The last piece stays open as long as it is small: the next run joins it.
 */
import { all, run, type Operation } from './statement.ts';

/** How far one stream is, as its row says. */
export interface StreamRow {
  readonly key: bigint;
  readonly epoch: number;
  readonly task: number;
  readonly stream: 'stdout' | 'stderr';
  offset: number;
  kept: number;
  /** Nothing behind the head is kept before it. */
  tailFrom: number;
  /** Pieces up to this number are not joined any more. */
  mergedTo: number;
  /** Pieces after that. */
  loose: number;
}

/** Small pieces of one stream before they are joined. */
export const MOST_LOOSE = 32;

interface PieceRow {
  readonly number: number;
  readonly start_offset: number;
  readonly data: Uint8Array;
}

/** `headEnd`: no piece reaches over it. `most`: bytes of one piece. */
export function* joinLoose(stream: StreamRow, headEnd: number, most: number): Operation<void> {
  const { key, epoch, task } = stream;
  const place = [key, epoch, task, stream.stream] as const;
  const pieces = yield* all<PieceRow>(
    `SELECT number, start_offset, data FROM output_chunks
     WHERE job_id = ? AND epoch = ? AND task = ? AND stream = ? AND number > ? ORDER BY number`,
    ...place,
    stream.mergedTo,
  );
  const runs = runsOf(pieces, headEnd, most);
  for (const several of runs) {
    const [first] = several;
    const last = several.at(-1);
    if (first === undefined || last === undefined || several.length === 1) continue;
    yield* run(
      'UPDATE output_chunks SET start_offset = ?, data = ? WHERE job_id = ? AND epoch = ? AND number = ?',
      first.start_offset,
      Buffer.concat(several.map(({ data }) => data)),
      key,
      epoch,
      last.number,
    );
    yield* run(
      `DELETE FROM output_chunks WHERE job_id = ? AND epoch = ? AND task = ? AND stream = ?
         AND number >= ? AND number < ?`,
      ...place,
      first.number,
      last.number,
    );
  }
  const open = runs.at(-1) ?? [];
  const isSmall = bytesOf(open) * 2 < most;
  const closed = isSmall ? runs.at(-2) : open;
  stream.mergedTo = closed?.at(-1)?.number ?? stream.mergedTo;
  stream.loose = isSmall ? 1 : 0;
}

/** Pieces that follow each other without a gap, as many as fit into one. */
function runsOf(pieces: readonly PieceRow[], headEnd: number, most: number): readonly (readonly PieceRow[])[] {
  const runs: PieceRow[][] = [];
  for (const piece of pieces) {
    const run = runs.at(-1);
    const before = run?.at(-1);
    const follows =
      run !== undefined &&
      before !== undefined &&
      before.start_offset + before.data.byteLength === piece.start_offset &&
      piece.start_offset !== headEnd &&
      bytesOf(run) + piece.data.byteLength <= most;
    if (follows) run.push(piece);
    else runs.push([piece]);
  }
  return runs;
}

function bytesOf(run: readonly PieceRow[]): number {
  return run.reduce((sum, { data }) => sum + data.byteLength, 0);
}

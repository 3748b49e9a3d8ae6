/**
 * Output of an agent's jobs, kept up to a cap and acknowledged after the commit. Only of attempts that are, or were,
 * at this agent's cluster; what belongs to others is dropped, and acknowledged, so that it is not sent for ever.
 * Invariant: whatever an agent sends, one attempt takes a bounded part of the disk: of one task's stream at most the
 * cap, of all its tasks together at most 64 caps, in at most a million pieces, and of the first 10,000 tasks alone.
 * What is over that is dropped and acknowledged, too: an agent that is told "no" could only send it again.
 */
import type { MessageInitShape } from '@bufbuild/protobuf';
import { timestampMs } from '@bufbuild/protobuf/wkt';
import { invalid } from '../../core/errors.ts';
import type { OutputOffsetSchema } from '../../gen/rainbow/v1/agent_pb.js';
import { OutputStream, type OutputChunk as WireChunk } from '../../gen/rainbow/v1/jobs_pb.js';
import type { JobId, OutputChunk, Store } from '../../store/store.ts';

type Offset = MessageInitShape<typeof OutputOffsetSchema>;

export interface OutputKeeper {
  /**
   * Resolves, after the commit, to the offsets that need not be sent again. Not called for one attempt again before it
   * has resolved.
   */
  keep(id: JobId, epoch: number, chunks: readonly WireChunk[], now: number): Promise<Offset[]>;
}

/** Tasks of which output is kept: those of the lowest ranks. */
const MOST_TASKS = 10_000;
/** What one attempt may have in all, in caps of one stream. */
const MOST_CAPS = 64;
/** Pieces of one attempt: each costs the store a row, however short it is. */
const MOST_PIECES = 1_000_000;
/** Attempts, and streams of them, of which it is remembered what is kept; of others it is counted anew. */
const MOST_KNOWN = 10_000;
const MOST_STREAMS = 100_000;
/** Pieces looked at in one read, where what is kept has to be counted. */
const PAGE = 64;

const STREAMS = { stdout: OutputStream.STDOUT, stderr: OutputStream.STDERR } as const;

/** What the store has of one attempt. */
interface Kept {
  bytes: number;
  pieces: number;
  readonly streams: Map<string, { bytes: number; end: number }>;
}

export function keepOutput(
  store: Pick<Store, 'jobs' | 'output'>,
  cluster: { readonly id: number; readonly name: string },
  cap: number,
): OutputKeeper {
  /** In order of last use. Null: not of this cluster. */
  const known = new Map<string, Kept | null>();
  let streams = 0;

  const isOurs = async (id: JobId, epoch: number): Promise<boolean> => {
    const job = await store.jobs.get(id);
    if (job === null) return false;
    if (epoch === job.epoch) return job.clusterId === cluster.id;
    if (epoch > job.epoch) return false;
    const attempts = await store.jobs.attempts(id);
    return attempts.some((attempt) => attempt.epoch === epoch && attempt.cluster === cluster.name);
  };

  const countKept = async (id: JobId, epoch: number): Promise<Kept> => {
    const kept: Kept = { bytes: 0, pieces: 0, streams: new Map() };
    for (let after = 0; ;) {
      const { chunks, next } = await store.output.read(id, epoch, after, PAGE);
      for (const chunk of chunks) addTo(kept, chunk, chunk.data.byteLength);
      if (chunks.length < PAGE) return kept;
      after = next;
    }
  };

  const keptOf = async (id: JobId, epoch: number): Promise<Kept | null> => {
    const key = `${id}.${epoch}`;
    const found = known.get(key);
    if (found !== undefined) {
      known.delete(key);
      known.set(key, found);
      return found;
    }
    const counted = (await isOurs(id, epoch)) ? await countKept(id, epoch) : null;
    known.set(key, counted);
    streams += counted?.streams.size ?? 0;
    return counted;
  };

  const forgetOldest = (): void => {
    for (const [key, oldest] of known) {
      if (known.size <= MOST_KNOWN && (streams <= MOST_STREAMS || known.size === 1)) return;
      known.delete(key);
      streams -= oldest?.streams.size ?? 0;
    }
  };

  return {
    async keep(id, epoch, wireChunks, now) {
      const chunks = wireChunks.map((chunk, place) => readChunk(chunk, `output.chunks[${place}]`, now));
      const kept = await keptOf(id, epoch);
      if (kept !== null) {
        const before = kept.streams.size;
        const fitting = chunks.flatMap((chunk) => fit(kept, chunk, cap));
        streams += kept.streams.size - before;
        if (fitting.length > 0) await store.output.append(id, epoch, fitting, cap);
      }
      forgetOldest();
      return endsOf(chunks);
    },
  };
}

/** As much of a chunk as there is room for, and counts it; nothing where all of it is there already. */
function fit(kept: Kept, chunk: OutputChunk, cap: number): OutputChunk[] {
  if (chunk.task >= MOST_TASKS || kept.pieces >= MOST_PIECES) return [];
  const stream = kept.streams.get(nameOf(chunk));
  const repeated = Math.max(0, (stream?.end ?? 0) - chunk.offset);
  const room = Math.min(cap - (stream?.bytes ?? 0), cap * MOST_CAPS - kept.bytes);
  const added = chunk.data.byteLength - repeated;
  const fresh = Math.max(0, Math.min(added, room));
  if (added <= 0) return [];
  const fitting = { ...chunk, data: chunk.data.subarray(0, repeated + fresh) };
  if (fresh > 0) addTo(kept, fitting, fresh);
  // What does not fit is not kept, but how long the stream is, so that a reader sees that something is missing.
  const end = { ...chunk, offset: chunk.offset + chunk.data.byteLength, data: chunk.data.subarray(0, 0) };
  return [...(fresh > 0 ? [fitting] : []), ...(fresh < added ? [end] : [])];
}

function addTo(kept: Kept, chunk: OutputChunk, bytes: number): void {
  const name = nameOf(chunk);
  const stream = kept.streams.get(name) ?? { bytes: 0, end: 0 };
  stream.bytes += bytes;
  stream.end = Math.max(stream.end, chunk.offset + chunk.data.byteLength);
  kept.streams.set(name, stream);
  kept.bytes += bytes;
  kept.pieces += 1;
}

function nameOf({ task, stream }: OutputChunk): string {
  return `${task} ${stream}`;
}

/** How far each stream has come with these chunks, whether they were kept or dropped. */
function endsOf(chunks: readonly OutputChunk[]): Offset[] {
  const ends = new Map<string, Offset & { offset: string }>();
  for (const chunk of chunks) {
    const end = chunk.offset + chunk.data.byteLength;
    const name = nameOf(chunk);
    if (end > Number(ends.get(name)?.offset ?? -1)) {
      ends.set(name, { task: chunk.task, stream: STREAMS[chunk.stream], offset: String(end) });
    }
  }
  return [...ends.values()];
}

function readChunk(chunk: WireChunk, place: string, now: number): OutputChunk {
  const offset = Number(chunk.offset);
  if (!Number.isSafeInteger(offset) || offset < 0) throw invalid(`${place}.offset`, `${chunk.offset} is no offset`);
  if (chunk.task < 0) throw invalid(`${place}.task`, `${chunk.task} is no rank of a task`);
  if (chunk.stream !== OutputStream.STDOUT && chunk.stream !== OutputStream.STDERR) {
    throw invalid(`${place}.stream`, `is ${chunk.stream}; it must be STDOUT or STDERR`);
  }
  const at = chunk.at === undefined ? now : timestampMs(chunk.at);
  return {
    task: chunk.task,
    stream: chunk.stream === OutputStream.STDOUT ? 'stdout' : 'stderr',
    offset,
    data: chunk.data,
    at: Number.isFinite(at) && at > 0 ? Math.min(at, now) : now,
  };
}

/**
 * Output of an agent's jobs, kept up to a cap and acknowledged after the commit. Only of attempts that are, or were,
 * at this agent's cluster; what belongs to others is dropped, and acknowledged, so that it is not sent for ever.
 * Invariant: whatever an agent sends, one attempt takes a bounded part of the disk: of one task's stream its cap (half
 * from the beginning, half to the end), of all its tasks together 64 caps, and of the first 10,000 tasks alone.
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
/** Attempts of which it is remembered how much is kept; of others it is asked anew. */
const MOST_KNOWN = 10_000;

const STREAMS = { stdout: OutputStream.STDOUT, stderr: OutputStream.STDERR } as const;

/** What the store has of one attempt, and what it may have of a stream. */
interface Kept {
  bytes: number;
  readonly cap: number;
}

/** `cap`: bytes of one stream, where a job asks for none of its own. */
export function keepOutput(
  store: Pick<Store, 'jobs' | 'output'>,
  cluster: { readonly id: number; readonly name: string },
  cap: number,
): OutputKeeper {
  /** In order of last use. Null: not of this cluster. */
  const known = new Map<string, Kept | null>();

  /** Null: not of this cluster. */
  const look = async (id: JobId, epoch: number): Promise<Kept | null> => {
    const job = await store.jobs.get(id);
    if (job === null || epoch > job.epoch) return null;
    const attempts = epoch === job.epoch && job.endedBy === null ? [] : await store.jobs.attempts(id);
    const isOurs =
      attempts.length === 0
        ? job.clusterId === cluster.id
        : attempts.some((attempt) => attempt.epoch === epoch && attempt.cluster === cluster.name);
    if (!isOurs) return null;
    return { bytes: await store.output.kept(id, epoch), cap: job.handling.outputCap ?? cap };
  };

  const keptOf = async (id: JobId, epoch: number): Promise<Kept | null> => {
    const key = `${id}.${epoch}`;
    const found = known.get(key);
    const kept = found === undefined ? await look(id, epoch) : found;
    known.delete(key);
    known.set(key, kept);
    for (const oldest of known.keys()) {
      if (known.size <= MOST_KNOWN) break;
      known.delete(oldest);
    }
    return kept;
  };

  return {
    async keep(id, epoch, wireChunks, now) {
      const chunks = wireChunks.map((chunk, place) => readChunk(chunk, `output.chunks[${place}]`, now));
      const kept = await keptOf(id, epoch);
      const fitting = chunks.filter(({ task }) => task < MOST_TASKS);
      if (kept !== null && fitting.length > 0) {
        const room = Math.max(0, kept.cap * MOST_CAPS - kept.bytes);
        const ends = await store.output.append(id, epoch, fitting, kept.cap, room);
        for (const { grown } of ends) kept.bytes += grown;
      }
      return endsOf(chunks);
    },
  };
}

/** How far each stream has come with these chunks, whether they were kept or dropped. */
function endsOf(chunks: readonly OutputChunk[]): Offset[] {
  const ends = new Map<string, Offset & { offset: string }>();
  for (const chunk of chunks) {
    const end = chunk.offset + chunk.data.byteLength;
    const name = `${chunk.task} ${chunk.stream}`;
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

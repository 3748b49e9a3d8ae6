/**
 * Output of an agent's jobs, kept up to a cap and acknowledged after the commit. Only of attempts that are, or were,
 * at this agent's cluster; what belongs to others is dropped, and acknowledged, so that it is not sent for ever.
 */
import type { MessageInitShape } from '@bufbuild/protobuf';
import { timestampMs } from '@bufbuild/protobuf/wkt';
import { invalid } from '../../core/errors.ts';
import type { OutputOffsetSchema } from '../../gen/rainbow/v1/agent_pb.js';
import { OutputStream, type OutputChunk as WireChunk } from '../../gen/rainbow/v1/jobs_pb.js';
import type { JobId, OutputChunk, Store } from '../../store/store.ts';

type Offset = MessageInitShape<typeof OutputOffsetSchema>;

export interface OutputKeeper {
  /** Resolves, after the commit, to the offsets that need not be sent again. */
  keep(id: JobId, epoch: number, chunks: readonly WireChunk[], now: number): Promise<Offset[]>;
}

/** Attempts of which it is remembered whose they are. */
const MOST_KNOWN = 10_000;
/** Ranks of tasks; more tasks than any job here has. */
const MOST_TASKS = 1_000_000;

const STREAMS = { stdout: OutputStream.STDOUT, stderr: OutputStream.STDERR } as const;

export function keepOutput(
  store: Pick<Store, 'jobs' | 'output'>,
  cluster: { readonly id: number; readonly name: string },
  cap: number,
): OutputKeeper {
  const known = new Map<string, boolean>();

  const isOurs = async (id: JobId, epoch: number): Promise<boolean> => {
    const key = `${id}.${epoch}`;
    const found = known.get(key);
    if (found !== undefined) return found;
    const job = await store.jobs.get(id);
    let ours = job !== null && job.epoch === epoch && job.clusterId === cluster.id;
    if (!ours && job !== null && epoch < job.epoch) {
      const attempts = await store.jobs.attempts(id);
      ours = attempts.some((attempt) => attempt.epoch === epoch && attempt.cluster === cluster.name);
    }
    known.set(key, ours);
    for (const oldest of known.keys()) {
      if (known.size <= MOST_KNOWN) break;
      known.delete(oldest);
    }
    return ours;
  };

  return {
    async keep(id, epoch, wireChunks, now) {
      const chunks = wireChunks.map((chunk, place) => readChunk(chunk, `output.chunks[${place}]`, now));
      if (await isOurs(id, epoch)) await store.output.append(id, epoch, chunks, cap);
      const ends = new Map<string, Offset & { offset: string }>();
      for (const { task, stream, offset, data } of chunks) {
        const end = offset + data.byteLength;
        const key = `${task} ${stream}`;
        if (end > Number(ends.get(key)?.offset ?? -1))
          ends.set(key, { task, stream: STREAMS[stream], offset: String(end) });
      }
      return [...ends.values()];
    },
  };
}

function readChunk(chunk: WireChunk, place: string, now: number): OutputChunk {
  const offset = Number(chunk.offset);
  if (!Number.isSafeInteger(offset) || offset < 0) throw invalid(`${place}.offset`, `${chunk.offset} is no offset`);
  if (chunk.task < 0 || chunk.task >= MOST_TASKS) throw invalid(`${place}.task`, `${chunk.task} is no rank of a task`);
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

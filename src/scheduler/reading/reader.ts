/**
 * Reads graphs and subsystems beside everything else: a small one at once, a large one in a thread of its own, piece
 * by piece as it comes, so that it is never here as a whole. Whoever sends faster than it is read waits.
 *
 * Limits: two threads at once, later documents wait for one of them; 2 GiB of memory each (a document of 250 MB takes
 * some 250 MB). A reading that fails, or whose source does, leaves nothing: its thread is ended. So does a source that
 * is not heard of for too long (in-time.ts): nobody holds a thread by saying nothing.
 */
import { Worker } from 'node:worker_threads';
import { errorOf, RainbowError } from '../../core/errors.ts';
import type { ResourceCount } from '../../core/graph/counts.ts';
import type { Subsystem } from '../../core/graph/graph.ts';
import type { Ids } from '../../core/match/ids.ts';
import type { TreePlan } from '../../core/match/plan.ts';
import type { RDocument } from '../../core/match/r-document.ts';
import type { Document } from '../../store/store.ts';
import { inSlices, type Slicing } from '../in-slices.ts';
import { inTime } from './in-time.ts';
import { PIECE, piecesOf, unpackPiece } from './pack.ts';
import { unpackSubsystem } from './subsystem.ts';
import { begin, type Kind, type Results, type Task, type TaskOf, type Work } from './task.ts';
import type { FromThread, Piece, ThreadStart, ToThread } from './thread.ts';

/** A document as it is stored, or in pieces as it comes, of text or packed (pack.ts). */
export type Source = Document | AsyncIterable<string | Uint8Array>;

export interface GraphRead {
  readonly plan: TreePlan;
  readonly counts: readonly ResourceCount[];
  /** To be stored. */
  readonly document: Document;
}

export interface SubsystemRead {
  readonly subsystem: Subsystem;
  readonly document: Document;
}

/**
 * Errors: `invalid_input` with the place, `resource_exhausted` (memory), `deadline_exceeded` (nothing came for too long),
 * `unavailable` (stopped); and the source's own.
 */
export interface Reading {
  graph(source: Source): Promise<GraphRead>;
  /** `ids`: of the resource graph that it is linked to. */
  subsystem(name: string, source: Source, ids: Ids): Promise<SubsystemRead>;
  placement(source: Source, task: Omit<TaskOf<'placement'>, 'kind'>): Promise<RDocument>;
  /** Ends what is under way. */
  stop(): Promise<void>;
}

export interface ReadingOptions {
  /** Characters up to which a document is read at once; 1 Mi: some 5 ms. */
  readonly small?: number;
  /** Characters that a document may have; 256 Mi. */
  readonly longest?: number;
}

const SMALL = 1 << 20;
/** Under V8's longest string (2^29 - 24). */
const LONGEST = 256 << 20;
const THREADS = 2;
/** Pieces that may be on their way to a thread. */
const AHEAD = 4;
const MEMORY_MIB = 2_048;

interface Read<K extends Kind> {
  readonly result: Results[K];
  readonly document: Document;
}

/** From source the thread is a module beside this one; a bundle has it beside itself, as an entry of its own. */
function threadUrl(): URL {
  return import.meta.url.endsWith('.ts')
    ? new URL('./thread.ts', import.meta.url)
    : new URL('./reading-worker.js', import.meta.url);
}

export function createReading(slicing: Slicing, { small = SMALL, longest = LONGEST }: ReadingOptions = {}): Reading {
  const threads = new Set<Worker>();
  const queue: (() => void)[] = [];
  let free = THREADS;
  let stopped = false;

  const acquire = async (): Promise<void> => {
    if (free > 0) free--;
    else await new Promise<void>((resolve) => void queue.push(resolve));
  };
  const release = (): void => {
    const next = queue.shift();
    if (next === undefined) free++;
    else next();
  };

  const read = async <K extends Kind>(task: TaskOf<K>, source: Source, pack: boolean): Promise<Read<K>> => {
    const whole = await firstOf(source, small, slicing);
    if (typeof whole === 'string') {
      const work = begin(task) as Work<K>;
      work.push(whole);
      return { result: work.finish(), document: whole };
    }
    await acquire();
    try {
      return await inThread<K>(task, whole, pack);
    } finally {
      release();
    }
  };

  const inThread = async <K extends Kind>(task: Task, pieces: Pieces, pack: boolean): Promise<Read<K>> => {
    if (stopped) throw stoppedError();
    const worker = new Worker(threadUrl(), {
      workerData: { task, pack, longest } satisfies ThreadStart,
      execArgv: [],
      name: 'rainbow-reading',
      resourceLimits: { maxOldGenerationSizeMb: MEMORY_MIB },
    });
    threads.add(worker);
    try {
      return await converse<K>(worker, unpackAhead(pieces));
    } finally {
      threads.delete(worker);
      // Not waited for: a source that has stalled ends with its call.
      void Promise.resolve(pieces.return?.(undefined)).catch(() => undefined);
      await worker.terminate();
    }
  };

  return {
    async graph(source) {
      const { result, document } = await read<'graph'>({ kind: 'graph' }, source, true);
      return { ...result, document };
    },
    async subsystem(name, source, ids) {
      const { result, document } = await read<'subsystem'>({ kind: 'subsystem', name, ids }, source, true);
      return { subsystem: await inSlices(unpackSubsystem(result), slicing), document };
    },
    async placement(source, task) {
      return (await read<'placement'>({ kind: 'placement', ...task }, source, false)).result;
    },
    async stop() {
      stopped = true;
      await Promise.all([...threads].map((thread) => thread.terminate()));
    },
  };
}

type Pieces = AsyncIterator<string | Uint8Array>;

/** All of a small document; else an iterator over it from its beginning. */
async function firstOf(source: Source, small: number, slicing: Slicing): Promise<string | Pieces> {
  if (typeof source === 'string') return source.length <= small ? source : iterate(piecesOf(source));
  if (!(Symbol.asyncIterator in source)) return iterate(source);
  const rest = inTime(source[Symbol.asyncIterator](), slicing);
  const first: string[] = [];
  for (let length = 0; length <= small;) {
    const step = await rest.next();
    if (step.done === true) return first.join('');
    if (typeof step.value !== 'string') return iterate([...first, step.value], rest);
    first.push(step.value);
    length += step.value.length;
  }
  return iterate(first, rest);
}

async function* iterate(
  first: Iterable<string | Uint8Array>,
  rest?: AsyncIterator<string | Uint8Array>,
): AsyncGenerator<string | Uint8Array> {
  try {
    yield* first;
    if (rest === undefined) return;
    for (let step = await rest.next(); step.done !== true; step = await rest.next()) yield step.value;
  } finally {
    await rest?.return?.(undefined);
  }
}

/** Packed pieces are unpacked while those before them are read. */
async function* unpackAhead(pieces: Pieces): AsyncGenerator<Piece> {
  const waiting: Promise<Piece>[] = [];
  for (let step = await pieces.next(); step.done !== true; step = await pieces.next()) {
    if (typeof step.value === 'string') {
      yield* await Promise.all(waiting.splice(0));
      yield step.value;
      continue;
    }
    const piece = unpack(step.value);
    // It is waited for in its turn, or nobody reads on.
    piece.catch(() => undefined);
    waiting.push(piece);
    if (waiting.length > AHEAD) yield await waiting.shift()!;
  }
  yield* await Promise.all(waiting);
}

async function unpack(piece: Uint8Array): Promise<Piece> {
  // In memory of its own, as it may be a part of what came.
  return { packed: new Uint8Array(piece), unpacked: await unpackPiece(piece) };
}

/** Hands the pieces over, and takes what was made of them. */
async function converse<K extends Kind>(worker: Worker, pieces: AsyncIterator<Piece>): Promise<Read<K>> {
  const under = { way: 0 };
  let wake: () => void = () => undefined;
  const done = new Promise<Read<K>>((resolve, reject) => {
    worker.on('message', (message: FromThread) => {
      if ('taken' in message) {
        under.way--;
        wake();
      } else if ('failed' in message) reject(errorOf(message.failed));
      else resolve({ result: message.result as Results[K], document: message.document });
    });
    worker.once('error', (error) => reject(brokenError(error)));
    worker.once('exit', () => reject(stoppedError()));
  });
  // It is waited for below, at every step.
  done.catch(() => undefined);
  const send = (message: ToThread): void => {
    // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a thread of ours, not a window
    worker.postMessage(message, 'piece' in message ? buffersOf(message.piece) : []);
  };
  for (;;) {
    const step = await Promise.race([pieces.next(), done]);
    if ('document' in step) return step;
    if (step.done === true) break;
    for (const piece of typeof step.value === 'string' ? piecesOf(step.value) : [step.value]) {
      under.way++;
      send({ piece });
      while (under.way >= AHEAD) await Promise.race([new Promise<void>((resolve) => (wake = resolve)), done]);
    }
  }
  send({ end: true });
  return await done;
}

/** Memory that is given to the thread, not copied: what is the piece's own. */
function buffersOf(piece: Piece): ArrayBuffer[] {
  if (typeof piece === 'string') return [];
  const { packed, unpacked } = piece;
  // A small buffer may be a part of one that others have, too.
  return unpacked.buffer.byteLength > PIECE ? [packed.buffer, unpacked.buffer as ArrayBuffer] : [packed.buffer];
}

function brokenError(cause: unknown): RainbowError {
  if ((cause as { code?: unknown } | null)?.code === 'ERR_WORKER_OUT_OF_MEMORY') {
    return new RainbowError(
      'resource_exhausted',
      `reading it takes more than ${MEMORY_MIB >> 10} GiB of memory; leave out metadata that no job asks for`,
      { place: 'graph', cause },
    );
  }
  return new RainbowError('internal', 'the thread that reads graphs has failed', { cause });
}

function stoppedError(): RainbowError {
  return new RainbowError('unavailable', 'the server stops; register it again when it is back');
}

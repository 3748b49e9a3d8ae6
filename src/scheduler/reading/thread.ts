/**
 * The thread that reads one large document and ends. It is handed pieces, text or packed, says after each that it may
 * have another, and at the end answers what was read; where it is asked to, with all it was handed as packed pieces.
 */
import { parentPort, workerData, type MessagePort } from 'node:worker_threads';
import { failureFrom, RainbowError, type Failure } from '../../core/errors.ts';
import { packPiece, PIECE, textOf } from './pack.ts';
import { begin, type Kind, type Results, type Task } from './task.ts';

/** What the thread is started with. */
export interface ThreadStart {
  readonly task: Task;
  /** Is the document wanted back, packed? */
  readonly pack: boolean;
  /** Characters that it may have. */
  readonly longest: number;
}

/** A piece of text, or one that came packed. */
export type Piece = string | { readonly packed: Uint8Array<ArrayBuffer>; readonly unpacked: Uint8Array };

export type ToThread = { readonly piece: Piece } | { readonly end: true };

export type FromThread =
  | { readonly taken: true }
  | { readonly failed: Failure }
  | { readonly result: Results[Kind]; readonly document: readonly Uint8Array[] };

function serve(port: MessagePort, { task, pack, longest }: ThreadStart): void {
  const work = begin(task);
  const document: Uint8Array<ArrayBuffer>[] = [];
  // Pieces come in whatever size they were sent; packed they are all of about one.
  let unpacked: string[] = [];
  let length = 0;
  let total = 0;
  const keep = (text: string): void => {
    unpacked.push(text);
    length += text.length;
    if (length >= PIECE) packAll();
  };
  /** Is it as we would have packed it? */
  const isKeepable = (packed: Uint8Array, text: string): boolean =>
    length === 0 && text.length >= PIECE / 2 && packed.length < text.length / 2;
  const packAll = (): void => {
    if (length > 0) document.push(packPiece(unpacked.join('')));
    unpacked = [];
    length = 0;
  };
  port.on('message', (message: ToThread) => {
    try {
      if ('piece' in message) {
        const { piece } = message;
        const text = typeof piece === 'string' ? piece : textOf(piece.unpacked);
        total += text.length;
        if (total > longest) throw tooLong(longest);
        work.push(text);
        if (pack && typeof piece !== 'string' && isKeepable(piece.packed, text)) document.push(piece.packed);
        else if (pack) keep(text);
        post(port, { taken: true });
      } else {
        const result = work.finish();
        packAll();
        post(port, { result, document }, [...buffersIn(result), ...document.map(({ buffer }) => buffer)]);
        port.close();
      }
    } catch (error) {
      const known =
        error instanceof RainbowError ? error : new RainbowError('internal', `reading failed: ${String(error)}`);
      post(port, { failed: failureFrom(known) });
      port.close();
    }
  });
}

function tooLong(longest: number): RainbowError {
  return new RainbowError(
    'resource_exhausted',
    `is over ${longest >> 20} MiB; leave out metadata that no job asks for`,
    { place: 'graph' },
  );
}

function post(port: MessagePort, message: FromThread, give: readonly ArrayBuffer[] = []): void {
  port.postMessage(message, give);
}

/** The memory of all columns: it is given to the other side, not copied. */
function buffersIn(value: unknown): ArrayBuffer[] {
  if (value instanceof Int32Array) return [value.buffer as ArrayBuffer];
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return [];
  return Object.values(value).flatMap(buffersIn);
}

if (parentPort !== null) serve(parentPort, workerData as ThreadStart);

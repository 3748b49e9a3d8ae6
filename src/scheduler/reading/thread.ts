/**
 * The thread that reads one large document and ends. It is handed pieces, text or packed, says after each that it may
 * have another, and at the end answers what was read; where it is asked to, with all it was handed as packed pieces.
 */
import { parentPort, workerData, type MessagePort } from 'node:worker_threads';
import { failureFrom, RainbowError, type Failure } from '../../core/errors.ts';
import { packPiece, PIECE, unpackPiece } from './pack.ts';
import { begin, type Kind, type Results, type Task } from './task.ts';

/** What the thread is started with. */
export interface ThreadStart {
  readonly task: Task;
  /** Is the document wanted back, packed? */
  readonly pack: boolean;
}

export type ToThread = { readonly piece: string | Uint8Array } | { readonly end: true };

export type FromThread =
  | { readonly taken: true }
  | { readonly failed: Failure }
  | { readonly result: Results[Kind]; readonly document: readonly Uint8Array[] };

function serve(port: MessagePort, { task, pack }: ThreadStart): void {
  const work = begin(task);
  const document: Uint8Array<ArrayBuffer>[] = [];
  // Pieces come in whatever size they were sent; packed they are all of one.
  let unpacked: string[] = [];
  let length = 0;
  const keep = (text: string): void => {
    unpacked.push(text);
    length += text.length;
    if (length >= PIECE) packAll();
  };
  const packAll = (): void => {
    if (length > 0) document.push(packPiece(unpacked.join('')));
    unpacked = [];
    length = 0;
  };
  port.on('message', (message: ToThread) => {
    try {
      if ('piece' in message) {
        const text = typeof message.piece === 'string' ? message.piece : unpackPiece(message.piece);
        work.push(text);
        if (pack) keep(text);
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

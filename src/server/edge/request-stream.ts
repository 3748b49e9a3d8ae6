/**
 * The messages of a client's stream as an AsyncIterable with flow control: the socket is read only while the handler
 * asks. At most the few messages that grpc-js has framed already are held (16 and what came in one data frame).
 * Ends at the client's half-close; throws the call's reason when the call is aborted, and `invalid_input` at a
 * message that is no protobuf. A client that breaks off looks to grpc-js like a half-close at first, and is told as
 * an abort within the same turn of the event loop: so an end counts only one turn later.
 */
import type { Readable } from 'node:stream';
import type { Timers } from '../../system/system.ts';
import { callerLeft, type OpenCall } from './open-call.ts';

interface Waiter<T> {
  readonly resolve: (step: IteratorResult<T>) => void;
  readonly reject: (error: unknown) => void;
}

export function requestStream<T>(
  incoming: Readable,
  call: OpenCall,
  decode: (bytes: Buffer) => T,
  timers: Timers,
): AsyncIterableIterator<T> {
  const held: Buffer[] = [];
  let waiter: Waiter<T> | null = null;
  let started = false;
  let ended = false;

  function start(): void {
    started = true;
    incoming.on('data', (bytes: Buffer) => {
      if (waiter === null) {
        held.push(bytes);
        incoming.pause();
        return;
      }
      const { resolve, reject } = waiter;
      waiter = null;
      deliver(bytes, resolve, reject);
    });
    incoming.on('end', () => {
      timers.after(0, () => {
        ended = true;
        waiter?.resolve({ done: true, value: undefined });
        waiter = null;
      });
    });
    // Closed without an end: the caller broke off. Usually the call was aborted already, with its reason.
    incoming.on('close', () => {
      if (!incoming.readableEnded) call.abort(callerLeft());
    });
  }

  function deliver(bytes: Buffer, resolve: Waiter<T>['resolve'], reject: Waiter<T>['reject']): void {
    try {
      resolve({ done: false, value: decode(bytes) });
    } catch (error) {
      reject(error);
    }
  }

  return {
    [Symbol.asyncIterator]() {
      return this;
    },
    next() {
      if (call.reason !== null) return Promise.reject(call.reason);
      const first = held.shift();
      if (first !== undefined) return new Promise((resolve, reject) => deliver(first, resolve, reject));
      if (ended) return Promise.resolve({ done: true, value: undefined });
      return call.orAborted(
        new Promise<IteratorResult<T>>((resolve, reject) => {
          waiter = { resolve, reject };
          if (started) incoming.resume();
          else start();
        }),
      );
    },
    /** The handler wants no more: what still comes is read and dropped, so that the client is not left blocked. */
    return() {
      ended = true;
      held.length = 0;
      waiter = null;
      incoming.removeAllListeners('data');
      incoming.resume();
      return Promise.resolve({ done: true, value: undefined });
    },
  };
}

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

type Step<T> = IteratorResult<T, undefined>;

export class RequestStream<T> implements AsyncIterableIterator<T, undefined> {
  readonly #incoming: Readable;
  readonly #call: OpenCall;
  readonly #decode: (bytes: Buffer) => T;
  readonly #timers: Timers;
  readonly #held: Buffer[] = [];
  #waiter: { readonly resolve: (step: Step<T>) => void; readonly reject: (error: unknown) => void } | null = null;
  #started = false;
  #ended = false;

  constructor(incoming: Readable, call: OpenCall, decode: (bytes: Buffer) => T, timers: Timers) {
    this.#incoming = incoming;
    this.#call = call;
    this.#decode = decode;
    this.#timers = timers;
  }

  #start(): void {
    this.#started = true;
    this.#incoming.on('data', (bytes: Buffer) => {
      if (this.#waiter === null) {
        this.#held.push(bytes);
        this.#incoming.pause();
        return;
      }
      const { resolve, reject } = this.#waiter;
      this.#waiter = null;
      this.#deliver(bytes, resolve, reject);
    });
    this.#incoming.on('end', () => {
      this.#timers.after(0, () => {
        this.#ended = true;
        this.#waiter?.resolve({ done: true, value: undefined });
        this.#waiter = null;
      });
    });
    // Closed without an end: the caller broke off. Usually the call was aborted already, with its reason.
    this.#incoming.on('close', () => {
      if (!this.#incoming.readableEnded) this.#call.abort(callerLeft());
    });
    this.#call.onAbort((reason) => {
      this.#waiter?.reject(reason);
      this.#waiter = null;
    });
  }

  #deliver(bytes: Buffer, resolve: (step: Step<T>) => void, reject: (error: unknown) => void): void {
    try {
      resolve({ done: false, value: this.#decode(bytes) });
    } catch (error) {
      reject(error);
    }
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  next(): Promise<Step<T>> {
    if (this.#call.reason !== null) return Promise.reject(this.#call.reason);
    const first = this.#held.shift();
    if (first !== undefined) return new Promise((resolve, reject) => this.#deliver(first, resolve, reject));
    if (this.#ended) return Promise.resolve({ done: true, value: undefined });
    return new Promise((resolve, reject) => {
      this.#waiter = { resolve, reject };
      if (this.#started) this.#incoming.resume();
      else this.#start();
    });
  }

  /** The handler wants no more: what still comes is read and dropped, so that the client is not left blocked. */
  return(): Promise<Step<T>> {
    this.#ended = true;
    this.#held.length = 0;
    this.#waiter = null;
    this.#incoming.removeAllListeners('data');
    this.#incoming.resume();
    return Promise.resolve({ done: true, value: undefined });
  }
}

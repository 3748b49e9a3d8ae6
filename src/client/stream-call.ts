/**
 * One streaming call as an AsyncIterable of its answers, while the requests are pumped from another. Both ways are
 * flow-controlled: a request is pulled when the last one could be written, the socket is read while somebody asks.
 * The call ends with the server's status, with an abort of `signal` (at once), or when the reader leaves.
 */
import type { ClientDuplexStream, StatusObject } from '@grpc/grpc-js';
import { Interruption } from '../wire/interruption.ts';
import { canceled } from './call-error.ts';

export interface StreamParts<I, O> {
  readonly input: AsyncIterable<I>;
  encode(request: I): Buffer;
  decode(answer: Buffer): O;
  /** Words for a status that is not OK. */
  error(status: StatusObject): Error;
  readonly signal: AbortSignal | undefined;
}

type Call = ClientDuplexStream<Buffer, Buffer>;
interface Waiter<T> {
  readonly resolve: (step: IteratorResult<T>) => void;
  readonly reject: (error: unknown) => void;
}
type Outcome = { readonly error: unknown } | 'ok';

/** Starts at once. Never throws itself: everything comes out of the iterator. */
export function streamCall<I, O>(open: () => Promise<Call>, parts: StreamParts<I, O>): AsyncIterableIterator<O> {
  const { signal } = parts;
  const held: Buffer[] = [];
  const over = new Interruption<'over'>();
  let waiter: Waiter<O> | null = null;
  let call: Call | null = null;
  let status: StatusObject | null = null;
  let outcome: Outcome | null = null;

  // 1. The call ends once, with one outcome.
  function end(how: Outcome): void {
    if (outcome !== null) return;
    outcome = how;
    signal?.removeEventListener('abort', abort);
    over.interrupt('over');
    if (waiter === null) return;
    const { resolve, reject } = waiter;
    waiter = null;
    if (outcome === 'ok') resolve({ done: true, value: undefined });
    else reject(outcome.error);
  }

  function abort(): void {
    held.length = 0;
    end({ error: canceled(signal?.reason) });
    call?.cancel();
  }

  // 2. Answers: what came before the end is handed out first, then the end.
  function deliver(bytes: Buffer): IteratorResult<O> {
    return { done: false, value: parts.decode(bytes) };
  }

  function listen(to: Call): void {
    to.on('error', () => {}); // `status` says the same, with its metadata
    to.on('status', (final: StatusObject) => {
      status = final;
      over.interrupt('over');
    });
    to.on('data', (bytes: Buffer) => {
      if (waiter === null) {
        held.push(bytes);
        to.pause();
        return;
      }
      const { resolve, reject } = waiter;
      waiter = null;
      try {
        resolve(deliver(bytes));
      } catch (error) {
        to.cancel();
        reject(error);
      }
    });
    const finish = () => {
      const code: number = status?.code ?? 0;
      end(status === null || code === 0 ? 'ok' : { error: parts.error(status) });
    };
    // The end of the data and the status come in either order.
    to.on('end', () => (status === null ? to.once('status', finish) : finish()));
  }

  // 3. Requests.
  async function send(to: Call): Promise<void> {
    const requests = parts.input[Symbol.asyncIterator]();
    try {
      for (;;) {
        const step = await over.orInterrupted(requests.next());
        if (step.done === true) break;
        if (!to.write(parts.encode(step.value))) await over.orInterrupted(drained(to));
      }
      to.end();
    } catch (error) {
      requests.return?.()?.catch(() => {});
      if (over.reason !== null) return;
      end({ error });
      to.cancel();
    }
  }

  async function start(): Promise<void> {
    try {
      call = await open();
    } catch (error) {
      end({ error });
      return;
    }
    listen(call);
    if (outcome === null) await send(call);
    else call.cancel();
  }

  if (signal?.aborted === true) {
    end({ error: canceled(signal.reason) });
  } else {
    signal?.addEventListener('abort', abort, { once: true });
    void start();
  }

  return {
    [Symbol.asyncIterator]() {
      return this;
    },
    next() {
      return new Promise((resolve, reject) => {
        const first = held.shift();
        if (first !== undefined) return resolve(deliver(first));
        if (outcome === 'ok') return resolve({ done: true, value: undefined });
        if (outcome !== null) return reject(outcome.error);
        waiter = { resolve, reject };
        call?.resume();
      });
    },
    return(value?: unknown) {
      held.length = 0;
      end('ok');
      call?.cancel();
      return Promise.resolve({ done: true, value: value as undefined });
    },
  };
}

function drained(call: Call): Promise<void> {
  return new Promise((resolve) => call.once('drain', () => resolve()));
}

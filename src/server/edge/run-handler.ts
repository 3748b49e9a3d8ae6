/**
 * Runs a handler for one open call, in either protocol. Both functions close the call in the registry when the
 * handler has finished, which may be later than the answer: an aborted call is answered at once, and a handler that
 * does not listen to `call.signal` goes on without anybody waiting for it but `stop`.
 */
import type { OpenCall, OpenCalls } from './open-call.ts';

/** One answer. Rejects with the handler's error, or with the reason if the call is aborted first. */
export function runForOne<T>(calls: OpenCalls, call: OpenCall, handler: () => Promise<T>): Promise<T> {
  let work: Promise<T>;
  try {
    work = handler();
  } catch (error) {
    calls.close(call);
    return Promise.reject(error);
  }
  return call.orAborted(work).finally(() => {
    work.then(
      () => calls.close(call),
      () => calls.close(call),
    );
  });
}

/**
 * A stream of answers: pulls one, hands it to `write`, and pulls the next only when that has resolved, so that a slow
 * reader slows the handler down.
 */
export async function runForMany<T>(
  calls: OpenCalls,
  call: OpenCall,
  handler: () => AsyncIterable<T>,
  write: (answer: T) => Promise<void> | undefined,
): Promise<void> {
  let source: AsyncIterator<T> | null = null;
  try {
    source = handler()[Symbol.asyncIterator]();
    for (;;) {
      const step = await call.orAborted(source.next());
      if (step.done === true) return calls.close(call);
      const written = write(step.value);
      if (written !== undefined) await call.orAborted(written);
    }
  } catch (error) {
    letGo(calls, call, source);
    throw error;
  }
}

/** The handler's answers as they are pulled. Leaving early lets go of the handler without waiting for it. */
export function relay<T>(calls: OpenCalls, call: OpenCall, handler: () => AsyncIterable<T>): AsyncIterableIterator<T> {
  let source: AsyncIterator<T> | null = null;
  let over = false;

  function leave(): void {
    if (!over) letGo(calls, call, source);
    over = true;
  }

  return {
    [Symbol.asyncIterator]() {
      return this;
    },
    async next() {
      if (over) return { done: true, value: undefined };
      try {
        source ??= handler()[Symbol.asyncIterator]();
        const step = await call.orAborted(source.next());
        if (step.done === true) {
          over = true;
          calls.close(call);
        }
        return step;
      } catch (error) {
        leave();
        throw error;
      }
    },
    return(value?: unknown) {
      leave();
      return Promise.resolve({ done: true as const, value: value as undefined });
    },
  };
}

/** The call is over when the handler has seen that nobody wants its answers. */
function letGo(calls: OpenCalls, call: OpenCall, source: AsyncIterator<unknown> | null): void {
  const close = () => calls.close(call);
  if (source?.return === undefined) close();
  else source.return().then(close, close);
}

/** A call that nobody made: aborted by `signal`, without metadata. */
import type { CallContext } from '../../call.ts';

export function testCall(signal: AbortSignal): CallContext {
  return {
    metadata: () => null,
    signal,
    onAbort(listener) {
      if (signal.aborted) listener();
      else signal.addEventListener('abort', listener, { once: true });
    },
    peer: 'test',
  };
}

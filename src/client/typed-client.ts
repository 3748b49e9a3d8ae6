/**
 * Clients typed as Connect's `Client<typeof Service>`, over any of its transports. Connect's own `createClient` works
 * over ours too; this one spares loading Connect (about 35 ms of a command's start), and leaving the loop over a
 * stream ends the call, where Connect's goes on unseen until its signal is aborted.
 */
import type {
  DescMessage,
  DescMethodStreaming,
  DescMethodUnary,
  DescService,
  MessageInitShape,
} from '@bufbuild/protobuf';
import type { CallOptions, Client, Transport } from '@connectrpc/connect';
import { RainbowError } from '../core/errors.ts';

type Init = MessageInitShape<DescMessage>;

export function typedClient<S extends DescService>(service: S, transport: Transport): Client<S> {
  const client: Record<string, unknown> = {};
  for (const method of service.methods) {
    switch (method.methodKind) {
      case 'unary':
        client[method.localName] = unary(transport, method as DescMethodUnary);
        break;
      case 'server_streaming':
        client[method.localName] = (input: Init, options?: CallOptions) =>
          answers(transport, method as DescMethodStreaming, once(input), options);
        break;
      case 'client_streaming':
        client[method.localName] = clientStreaming(transport, method as DescMethodStreaming);
        break;
      case 'bidi_streaming':
        client[method.localName] = (input: AsyncIterable<Init>, options?: CallOptions) =>
          answers(transport, method as DescMethodStreaming, input, options);
        break;
    }
  }
  return client as Client<S>;
}

function unary(transport: Transport, method: DescMethodUnary) {
  return async (input: Init, options?: CallOptions) => {
    const { signal, timeoutMs, headers, contextValues } = options ?? {};
    const response = await transport.unary(method, signal, timeoutMs, headers, input, contextValues);
    options?.onHeader?.(response.header);
    options?.onTrailer?.(response.trailer);
    return response.message;
  };
}

function clientStreaming(transport: Transport, method: DescMethodStreaming) {
  return async (input: AsyncIterable<Init>, options?: CallOptions) => {
    const received: unknown[] = [];
    for await (const message of answers(transport, method, input, options)) {
      if (received.push(message) > 1) break;
    }
    if (received.length === 1) return received[0];
    throw new RainbowError(
      'internal',
      `${method.parent.typeName}/${method.name}: the server sent ${received.length === 0 ? 'no answer' : 'more than one answer'}`,
    );
  };
}

/** Starts the call at once; iterate it once. */
function answers(
  transport: Transport,
  method: DescMethodStreaming,
  input: AsyncIterable<Init>,
  options: CallOptions = {},
): AsyncIterableIterator<unknown> {
  const { signal, timeoutMs, headers, contextValues } = options;
  const response = transport.stream(method, signal, timeoutMs, headers, input, contextValues);
  response.catch(() => {}); // comes out of `next`
  const iterator = response.then(({ header, message }) => {
    options.onHeader?.(header);
    return message[Symbol.asyncIterator]();
  });
  iterator.catch(() => {});
  return {
    [Symbol.asyncIterator]() {
      return this;
    },
    async next() {
      const step = await (await iterator).next();
      if (step.done === true) options.onTrailer?.((await response).trailer);
      return step;
    },
    async return(value?: unknown) {
      await (await iterator).return?.();
      return { done: true, value };
    },
  };
}

async function* once<T>(input: T): AsyncGenerator<T> {
  yield input;
}

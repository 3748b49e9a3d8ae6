/**
 * Connect's `Transport` over grpc-js, so that clients typed by the generated descriptors speak gRPC. (Connect's own
 * gRPC transport costs five times the CPU per call.) Errors come out as RainbowError, never as ConnectError.
 *
 * Deviations from Connect's transports: `stream` answers at once, before the server has; the response's header fills
 * when it comes, and failures come out of `message`. Leaving `message` early ends the call.
 */
import {
  create,
  fromBinary,
  toBinary,
  type DescMessage,
  type MessageInitShape,
  type MessageShape,
} from '@bufbuild/protobuf';
import type { StreamResponse, Transport, UnaryResponse } from '@connectrpc/connect';
import type { Metadata, ServiceError, StatusObject } from '@grpc/grpc-js';
import { RainbowError } from '../core/errors.ts';
import type { Clock } from '../system/system.ts';
import { ERROR_CODE_KEY } from '../wire/error-marker.ts';
import { callError, canceled, isUnanswered, type CallFacts } from './call-error.ts';
import type { Channel } from './channel.ts';
import { streamCall } from './stream-call.ts';

export interface TransportOptions {
  /** For calls with one answer that set none of their own; 0 or less means none. Streams have none unless they set it. */
  readonly timeoutMs: number;
}

export function grpcTransport(channel: Channel, options: TransportOptions, clock: Clock): Transport {
  function facts(method: { parent: { typeName: string }; name: string }, timeoutMs: number): CallFacts {
    return {
      address: channel.address.text,
      secure: channel.secure,
      method: `${method.parent.typeName}/${method.name}`,
      timeoutMs: timeoutMs > 0 ? timeoutMs : null,
    };
  }

  function deadline({ timeoutMs }: CallFacts): { deadline?: number } {
    return timeoutMs === null ? {} : { deadline: clock.now() + timeoutMs };
  }

  return {
    async unary(
      method,
      signal,
      timeoutMs,
      header,
      input,
    ): Promise<UnaryResponse<typeof method.input, typeof method.output>> {
      const about = facts(method, timeoutMs ?? options.timeoutMs);
      const request = encode(method.input, input);
      const { client, metadata, track, unanswered } = await channel.open();
      if (signal?.aborted === true) throw canceled(signal.reason);
      let answered: Metadata | null = null;
      let trailers: Metadata | null = null;
      const bytes = await new Promise<Buffer>((resolve, reject) => {
        const done = (error: ServiceError | null, answer?: Buffer) => {
          signal?.removeEventListener('abort', cancel);
          untrack();
          if (error !== null && isUnanswered(statusFacts(error))) unanswered();
          if (error === null) resolve(answer as Buffer);
          else reject(signal?.aborted === true ? canceled(signal.reason) : callError(statusFacts(error), about));
        };
        const path = `/${about.method}`;
        const call = client.makeUnaryRequest(path, pass, pass, request, metadata(header), deadline(about), done);
        const untrack = track(call);
        const cancel = () => call.cancel();
        call.on('metadata', (metadata) => (answered = metadata));
        call.on('status', (status) => (trailers = status.metadata));
        signal?.addEventListener('abort', cancel, { once: true });
      });
      return {
        stream: false,
        service: method.parent,
        method,
        message: decode(method.output, bytes),
        get header() {
          return headers(answered);
        },
        get trailer() {
          return headers(trailers);
        },
      };
    },

    stream(
      method,
      signal,
      timeoutMs,
      header,
      input,
    ): Promise<StreamResponse<typeof method.input, typeof method.output>> {
      const about = facts(method, timeoutMs ?? 0);
      const answered = new Headers();
      const trailers = new Headers();
      const message = streamCall(
        async () => {
          const { client, metadata, track, unanswered } = await channel.open();
          const call = client.makeBidiStreamRequest(`/${about.method}`, pass, pass, metadata(header), deadline(about));
          call.on('metadata', (metadata) => copy(metadata, answered));
          const untrack = track(call);
          call.on('status', (status) => {
            untrack();
            if (isUnanswered(statusFacts(status))) unanswered();
            copy(status.metadata, trailers);
          });
          return call;
        },
        {
          input,
          encode: (init) => encode(method.input, init),
          decode: (bytes) => decode(method.output, bytes),
          error: (status) => callError(statusFacts(status), about),
          signal,
        },
      );
      return Promise.resolve({
        stream: true,
        service: method.parent,
        method,
        header: answered,
        trailer: trailers,
        message,
      });
    },
  };
}

function statusFacts({ code, details, metadata }: StatusObject) {
  const named = metadata.get(ERROR_CODE_KEY)[0];
  return { code, details, named: named === undefined ? null : String(named) };
}

function encode<D extends DescMessage>(schema: D, init: MessageInitShape<D>): Buffer {
  try {
    const bytes = toBinary(schema, create(schema, init));
    return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  } catch (cause) {
    throw new RainbowError(
      'invalid_input',
      `this is no ${schema.typeName}: ${cause instanceof Error ? cause.message : ''}`,
      { cause },
    );
  }
}

function decode<D extends DescMessage>(schema: D, bytes: Buffer): MessageShape<D> {
  try {
    return fromBinary(schema, bytes);
  } catch (cause) {
    throw new RainbowError(
      'internal',
      `the server's answer is not a ${schema.typeName}: client and server may use different contracts`,
      { cause },
    );
  }
}

function headers(metadata: Metadata | null): Headers {
  const result = new Headers();
  if (metadata !== null) copy(metadata, result);
  return result;
}

function copy(metadata: Metadata, into: Headers): void {
  for (const [key, value] of Object.entries(metadata.getMap())) {
    into.set(key, typeof value === 'string' ? value : value.toString('base64'));
  }
}

function pass(bytes: Buffer): Buffer {
  return bytes;
}

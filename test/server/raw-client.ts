/**
 * A gRPC client made from a service's descriptor alone: what any gRPC client sends, so that the tests see the wire
 * and not our own client.
 */
import {
  create,
  fromBinary,
  toBinary,
  type DescMessage,
  type DescMethod,
  type DescService,
  type MessageInitShape,
  type MessageShape,
} from '@bufbuild/protobuf';
import * as grpc from '@grpc/grpc-js';

export interface CallOptions {
  readonly authorization?: string;
  readonly signal?: AbortSignal;
  readonly deadlineMs?: number;
}

type Input<M extends DescMethod> = MessageInitShape<M['input']>;
type Output<M extends DescMethod> = MessageShape<M['output']>;

type Call<M extends DescMethod> = M extends { methodKind: 'unary' }
  ? (request: Input<M>, options?: CallOptions) => Promise<Output<M>>
  : M extends { methodKind: 'server_streaming' }
    ? (request: Input<M>, options?: CallOptions) => AsyncIterable<Output<M>>
    : M extends { methodKind: 'client_streaming' }
      ? (requests: readonly Input<M>[], options?: CallOptions) => Promise<Output<M>>
      : (options?: CallOptions) => Duplex<M>;

export interface Duplex<M extends DescMethod> extends AsyncIterable<Output<M>> {
  send(message: Input<M>): void;
  /** Says no more; the answers still come. */
  end(): void;
  cancel(): void;
}

export type RawClient<S extends DescService> = { readonly [K in keyof S['method']]: Call<S['method'][K]> };

export interface Connection {
  client<S extends DescService>(service: S): RawClient<S>;
  /** Any bytes to any method, as one message. */
  bytes(path: string, message: Uint8Array): Promise<Buffer>;
  close(): void;
}

export function connect(address: string): Connection {
  const channel = new grpc.Client(address, grpc.credentials.createInsecure(), {
    'grpc.max_receive_message_length': 64 << 20,
    'grpc.max_send_message_length': -1,
  });
  return {
    client: (service) => rawClient(channel, service),
    bytes: (path, message) =>
      new Promise((resolve, reject) => {
        channel.makeUnaryRequest(
          path,
          (value: Uint8Array) => Buffer.from(value),
          (value: Buffer) => value,
          message,
          (error, value) => (error === null ? resolve(value!) : reject(error)),
        );
      }),
    close: () => channel.close(),
  };
}

function rawClient<S extends DescService>(channel: grpc.Client, service: S): RawClient<S> {
  const calls: Record<string, unknown> = {};
  for (const method of service.methods) calls[method.localName] = callOf(channel, method);
  return calls as RawClient<S>;
}

function callOf(channel: grpc.Client, method: DescMethod): unknown {
  const path = `/${method.parent.typeName}/${method.name}`;
  const encode = (message: unknown): Buffer =>
    Buffer.from(toBinary(method.input, create(method.input, message as MessageInitShape<DescMessage>)));
  const decode = (bytes: Buffer): unknown => fromBinary(method.output, bytes);
  const start = (options: CallOptions | undefined): [grpc.Metadata, grpc.CallOptions] => {
    const metadata = new grpc.Metadata();
    if (options?.authorization !== undefined) metadata.set('authorization', options.authorization);
    return [metadata, { deadline: Date.now() + (options?.deadlineMs ?? 30_000) }];
  };
  switch (method.methodKind) {
    case 'unary':
      return (request: unknown, options?: CallOptions) =>
        lookedAtLater(
          new Promise((resolve, reject) => {
            const [metadata, callOptions] = start(options);
            channel.makeUnaryRequest(path, encode, decode, request, metadata, callOptions, (error, answer) =>
              error === null ? resolve(answer) : reject(error),
            );
          }),
        );
    case 'client_streaming':
      return (requests: readonly unknown[], options?: CallOptions) =>
        lookedAtLater(
          new Promise((resolve, reject) => {
            const [metadata, callOptions] = start(options);
            const call = channel.makeClientStreamRequest(path, encode, decode, metadata, callOptions, (error, answer) =>
              error === null ? resolve(answer) : reject(error),
            );
            call.on('error', () => {});
            for (const request of requests) call.write(request);
            call.end();
          }),
        );
    case 'server_streaming':
      return async function* (request: unknown, options?: CallOptions) {
        const [metadata, callOptions] = start(options);
        const call = channel.makeServerStreamRequest(path, encode, decode, request, metadata, callOptions);
        const leave = (): void => call.cancel();
        options?.signal?.addEventListener('abort', leave, { once: true });
        try {
          for await (const answer of call) yield answer;
        } finally {
          options?.signal?.removeEventListener('abort', leave);
          call.cancel();
        }
      };
    default:
      return (options?: CallOptions) => {
        const [metadata, callOptions] = start(options);
        const call = channel.makeBidiStreamRequest(path, encode, decode, metadata, callOptions);
        call.on('error', () => {});
        return {
          send: (message: unknown) => void call.write(message),
          end: () => void call.end(),
          cancel: () => call.cancel(),
          [Symbol.asyncIterator]: () => call[Symbol.asyncIterator](),
        };
      };
  }
}

/** A test starts many calls and looks at them one after the other: until then a failure is nobody's fault. */
export function lookedAtLater<T>(call: Promise<T>): Promise<T> {
  call.catch(() => {});
  return call;
}

/** The status and text of a call that must fail. */
export async function failure(call: Promise<unknown>): Promise<{ code: grpc.status; message: string }> {
  try {
    await call;
  } catch (error) {
    const { code, details } = error as grpc.ServiceError;
    return { code, message: details };
  }
  throw new Error('the call succeeded, but should have failed');
}

export const { status } = grpc;

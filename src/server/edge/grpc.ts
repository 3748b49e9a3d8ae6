/**
 * gRPC over HTTP/2, by grpc-js. grpc-js passes messages as bytes; they are decoded and encoded here, so that a
 * truncated message is answered INVALID_ARGUMENT with words (grpc-js itself would say INTERNAL), and an answer that
 * cannot be encoded is an error of ours like any other.
 *
 * Limits of grpc-js: a deadline of more than 24.8 days that a caller sets overflows its timer and passes at once; its
 * servers keep HTTP/2's window of 64 KiB, so an upload over 50 ms of round trip gets 1.3 MB/s.
 */
import type { EventEmitter } from 'node:events';
import type { Writable } from 'node:stream';
import { fromBinary, type DescMessage, type Message } from '@bufbuild/protobuf';
import {
  logVerbosity,
  Metadata,
  Server,
  setLogVerbosity,
  type handleUnaryCall,
  type sendUnaryData,
  type ServerDuplexStream,
  type ServerReadableStream,
  type ServerUnaryCall,
  type ServerWritableStream,
  type ServiceDefinition,
  type UntypedServiceImplementation,
} from '@grpc/grpc-js';
import { RainbowError } from '../../core/errors.ts';
import type { System } from '../../system/system.ts';
import { ERROR_CODE_KEY } from '../../wire/error-marker.ts';
import { retryHints } from '../../wire/retry-hint.ts';
import type { Binding } from '../call.ts';
import { answerError } from './answer-error.ts';
import { boundMethods, type BoundMethod } from './bound-methods.ts';
import type { Log } from './log.ts';
import { callerLeft, deadlinePassed, type OpenCall, type OpenCalls } from './open-call.ts';
import { RequestStream } from './request-stream.ts';
import { runForMany, runForOne } from './run-handler.ts';
import { encodeAnswer } from './shared-answer.ts';

type AnyCall =
  | ServerUnaryCall<Buffer, Buffer>
  | ServerReadableStream<Buffer, Buffer>
  | ServerWritableStream<Buffer, Buffer>
  | ServerDuplexStream<Buffer, Buffer>;

export interface GrpcOptions {
  readonly maxMessageBytes: number;
  /** On one connection; a client's further calls wait in the client. */
  readonly maxConcurrentCalls: number;
  readonly log: Log;
}

/** Silence on a connection before it is asked whether it still lives, and how long it may take to say so. */
const KEEPALIVE_MS = 60_000;
const KEEPALIVE_ANSWER_MS = 20_000;

export function grpcServer(
  bindings: readonly Binding[],
  calls: OpenCalls,
  options: GrpcOptions,
  system: System,
): Server {
  // grpc-js writes to standard error what strangers send it; a call's own error says all that matters.
  if (process.env['GRPC_VERBOSITY'] === undefined) setLogVerbosity(logVerbosity.NONE);
  const server = new Server({
    'grpc.max_receive_message_length': options.maxMessageBytes,
    'grpc.max_send_message_length': -1,
    'grpc.max_concurrent_streams': options.maxConcurrentCalls,
    'grpc.keepalive_time_ms': KEEPALIVE_MS,
    'grpc.keepalive_timeout_ms': KEEPALIVE_ANSWER_MS,
    'grpc.enable_channelz': 0,
  });
  for (const { service, handlers } of bindings) {
    const definition: Record<string, ServiceDefinition[string]> = {};
    const implementation: UntypedServiceImplementation = {};
    for (const bound of boundMethods(service, handlers)) {
      const kind = bound.method.methodKind;
      definition[bound.method.localName] = {
        path: `/${bound.name}`,
        requestStream: kind === 'client_streaming' || kind === 'bidi_streaming',
        responseStream: kind === 'server_streaming' || kind === 'bidi_streaming',
        requestSerialize: passBytes,
        requestDeserialize: passBytes,
        responseSerialize: passBytes,
        responseDeserialize: passBytes,
      };
      implementation[bound.method.localName] = implement(bound, calls, options.log, system);
    }
    server.addService(definition, implementation);
  }
  return server;
}

function implement(bound: BoundMethod, calls: OpenCalls, log: Log, system: System): handleUnaryCall<Buffer, Buffer> {
  const { method, handler } = bound;
  const decode = (bytes: Buffer) => decodeRequest(method.input, bytes, bound.name);
  const encode = (answer: unknown) => encodeAnswer(method.output, answer as object);

  async function one(
    call: ServerUnaryCall<Buffer, Buffer> | ServerReadableStream<Buffer, Buffer>,
    reply: sendUnaryData<Buffer>,
  ) {
    const open = openCall(call, bound, calls, system);
    try {
      const answer = await runForOne(calls, open, () => {
        const request = 'request' in call ? decode(call.request) : new RequestStream(call, open, decode, system.timers);
        return handler(request, open) as Promise<unknown>;
      });
      reply(null, encode(answer));
    } catch (error) {
      reply(serviceError(error, open, log, system));
    }
  }

  async function many(call: ServerWritableStream<Buffer, Buffer> | ServerDuplexStream<Buffer, Buffer>) {
    const open = openCall(call, bound, calls, system);
    try {
      await runForMany(
        calls,
        open,
        () => {
          const request =
            'request' in call ? decode(call.request) : new RequestStream(call, open, decode, system.timers);
          return handler(request, open) as AsyncIterable<unknown>;
        },
        (answer) => (call.write(encode(answer)) ? undefined : drained(call)),
      );
      call.end();
    } catch (error) {
      // grpc-js takes an error event as the status to end with, once everything written before has gone out.
      if (!call.cancelled) call.emit('error', serviceError(error, open, log, system));
    }
  }

  const streamsAnswers = method.methodKind === 'server_streaming' || method.methodKind === 'bidi_streaming';
  return (call: AnyCall, reply: sendUnaryData<Buffer>) => {
    void (streamsAnswers ? many(call as ServerDuplexStream<Buffer, Buffer>) : one(call as never, reply));
  };
}

function openCall(call: AnyCall, bound: BoundMethod, calls: OpenCalls, system: System): OpenCall {
  const { methodKind } = bound.method;
  const open = calls.open({
    method: bound.name,
    streamsAnswers: methodKind === 'server_streaming' || methodKind === 'bidi_streaming',
    peer: call.getPeer(),
    metadata(key) {
      const values = call.metadata.get(key);
      if (values.length === 0) return null;
      return values.map((value) => (typeof value === 'string' ? value : value.toString('base64'))).join(', ');
    },
  });
  // grpc-js says "cancelled" when the caller leaves, when the deadline passes, and after every answer; by the time of
  // the last the call is over for `open`, unless the handler itself goes on.
  (call as EventEmitter).on('cancelled', () => {
    // An error with its stack for each answered call would cost as much as its jobspec.
    if (!open.isOver) open.abort(Number(call.getDeadline()) <= system.clock.now() ? deadlinePassed() : callerLeft());
  });
  return open;
}

function decodeRequest(schema: DescMessage, bytes: Buffer, method: string): Message {
  try {
    return fromBinary(schema, bytes);
  } catch (cause) {
    throw new RainbowError(
      'invalid_input',
      `the ${bytes.length} bytes sent to ${method} are not a whole ${schema.typeName} in protobuf encoding (${
        cause instanceof Error ? cause.message : 'unreadable'
      }): send the message again, or check that client and server use the same contract`,
      { cause },
    );
  }
}

function serviceError(error: unknown, call: OpenCall, log: Log, system: System) {
  const { code, status, message } = answerError(error, call, log, system);
  const metadata = new Metadata();
  metadata.set(ERROR_CODE_KEY, code);
  for (const [key, value] of retryHints(code)) metadata.set(key, value);
  return Object.assign(new Error(message), { code: status, details: message, metadata });
}

function drained(stream: Writable): Promise<void> {
  return new Promise((resolve) => stream.once('drain', resolve));
}

function passBytes(bytes: Buffer): Buffer {
  return bytes;
}

/**
 * The same handlers over HTTP/1.1, for browsers and curl: the Connect protocol (JSON and binary) and gRPC-web, by
 * @connectrpc/connect. Calls that stream both ways need HTTP/2: they are answered 505 here and served as gRPC.
 *
 * Not `connectNodeAdapter` itself but its parts: the adapter throws out of the request event on a request without a
 * usable Host, which would end the process, and it writes to the console.
 *
 * Limit: a truncated *binary* message is answered `internal` with "parse binary" here (Connect's choice, out of reach
 * of a handler); in JSON, and over gRPC, it is `invalid_argument`.
 */
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Message } from '@bufbuild/protobuf';
import {
  Code,
  ConnectError,
  createConnectRouter,
  createContextKey,
  createContextValues,
  type HandlerContext,
} from '@connectrpc/connect';
import {
  compressionBrotli,
  compressionGzip,
  universalRequestFromNodeRequest,
  universalResponseToNodeResponse,
} from '@connectrpc/connect-node';
import { RainbowError } from '../../core/errors.ts';
import type { System } from '../../system/system.ts';
import { ERROR_CODE_KEY } from '../../wire/error-marker.ts';
import { retryHints } from '../../wire/retry-hint.ts';
import type { Binding } from '../call.ts';
import { answerError } from './answer-error.ts';
import { boundMethods, type BoundMethod } from './bound-methods.ts';
import type { Log } from './log.ts';
import { callerLeft, deadlinePassed, type OpenCall, type OpenCalls } from './open-call.ts';
import { relay, runForOne } from './run-handler.ts';

export interface ConnectOptions {
  readonly maxMessageBytes: number;
  readonly log: Log;
}

/** Answers the request and returns true, or returns false: no bound method has this path. */
export type ConnectHandler = (request: IncomingMessage, response: ServerResponse) => boolean;

/** The longest time that a Node timer can wait; a longer deadline is refused rather than passed at once. */
const MAX_TIMEOUT_MS = 2_147_483_647;

const peerKey = createContextKey('unknown', { description: 'address of the caller' });

export function connectHandler(
  bindings: readonly Binding[],
  calls: OpenCalls,
  options: ConnectOptions,
  system: System,
): ConnectHandler {
  const router = createConnectRouter({
    connect: true,
    grpcWeb: true,
    grpc: false,
    readMaxBytes: options.maxMessageBytes,
    maxTimeoutMs: MAX_TIMEOUT_MS,
    // A misspelt key in somebody's curl is an error, not silence.
    jsonOptions: { ignoreUnknownFields: false },
    acceptCompression: [compressionGzip, compressionBrotli],
  });
  for (const { service, handlers } of bindings) {
    const implementation: Record<string, never> = {};
    for (const bound of boundMethods(service, handlers)) {
      implementation[bound.method.localName] = implement(bound, calls, options.log, system) as never;
    }
    router.service(service, implementation);
  }
  const byPath = new Map(router.handlers.map((handler) => [handler.requestPath, handler]));

  return (request, response) => {
    const handler = byPath.get((request.url ?? '').split('?', 1)[0] ?? '');
    if (handler === undefined) return false;
    const peer = `${request.socket.remoteAddress ?? 'unknown'}:${request.socket.remotePort ?? 0}`;
    let universal;
    try {
      universal = universalRequestFromNodeRequest(
        request,
        response,
        undefined,
        createContextValues().set(peerKey, peer),
      );
    } catch {
      response.writeHead(400, { 'content-type': 'application/json', connection: 'close' });
      response.end(
        JSON.stringify({ code: 'invalid_argument', message: 'the request needs a Host header that names this server' }),
      );
      return true;
    }
    handler(universal)
      .then((answer) => universalResponseToNodeResponse(answer, response))
      .catch((error: unknown) => {
        // The answer could not be written: the caller has gone, or broke the protocol. Its own call saw that already.
        options.log.debug({ method: handler.requestPath, peer, err: error }, 'an answer could not be delivered');
        response.destroy();
      });
    return true;
  };
}

function implement(bound: BoundMethod, calls: OpenCalls, log: Log, system: System): unknown {
  const { method, handler } = bound;
  const streamsAnswers = method.methodKind === 'server_streaming' || method.methodKind === 'bidi_streaming';

  function openCall(context: HandlerContext): OpenCall {
    const call = calls.open({
      method: bound.name,
      streamsAnswers,
      peer: context.values.get(peerKey),
      metadata: (key) => context.requestHeader.get(key),
    });
    const onAbort = () => call.abort(abortReason(context.signal.reason));
    if (context.signal.aborted) onAbort();
    else context.signal.addEventListener('abort', onAbort, { once: true });
    return call;
  }

  function connectError(error: unknown, call: OpenCall): ConnectError {
    // Connect's own errors come out of the request stream: a malformed or oversized message. They are for the caller.
    if (error instanceof ConnectError) return error;
    const { code, status, message } = answerError(error, call, log, system);
    // Connect's enum has gRPC's numbers.
    return new ConnectError(message, Code[Code[status] as keyof typeof Code], {
      [ERROR_CODE_KEY]: code,
      ...Object.fromEntries(retryHints(code)),
    });
  }

  if (!streamsAnswers) {
    return async (request: unknown, context: HandlerContext) => {
      const call = openCall(context);
      try {
        return await runForOne(calls, call, () => handler(request, call) as Promise<Message>);
      } catch (error) {
        throw connectError(error, call);
      }
    };
  }
  return async function* answers(request: unknown, context: HandlerContext) {
    const call = openCall(context);
    try {
      yield* relay(calls, call, () => handler(request, call) as AsyncIterable<Message>);
    } catch (error) {
      throw connectError(error, call);
    }
  };
}

function abortReason(reason: unknown): RainbowError {
  if (reason instanceof RainbowError) return reason;
  return reason instanceof ConnectError && reason.code === Code.DeadlineExceeded ? deadlinePassed() : callerLeft();
}

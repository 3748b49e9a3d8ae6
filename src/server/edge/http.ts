/**
 * The HTTP/1.1 side of the port: calls by Connect, `GET /healthz`, the routes of others, and a plain word for those
 * who came to the wrong place. Slow senders are cut off by Node's own header and request time limits.
 */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { ConnectHandler } from './connect.ts';
import type { Log } from './log.ts';

/** Answers the request, or returns false to leave it to the next. */
export type Route = (request: IncomingMessage, response: ServerResponse) => boolean;

export interface HttpLimits {
  /** For all headers of a request to arrive. */
  readonly headersMs: number;
  /** For a whole request, body included. */
  readonly requestMs: number;
  /** Between two requests on one connection. */
  readonly idleMs: number;
  /** Bytes of a request's headers. */
  readonly headerBytes: number;
}

const HINT = `This is a Rainbow server.

Calls:   gRPC, or POST /SERVICE/METHOD with JSON, e.g.
         curl -H 'content-type: application/json' -d '{}' http://HOST:PORT/rainbow.v1.ServerService/GetInfo
Health:  GET /healthz
`;

export function httpServer(
  connect: ConnectHandler,
  extra: Route | undefined,
  serving: () => boolean,
  limits: HttpLimits,
  log: Log,
): Server {
  const server = createServer(
    {
      headersTimeout: limits.headersMs,
      requestTimeout: limits.requestMs,
      keepAliveTimeout: limits.idleMs,
      maxHeaderSize: limits.headerBytes,
      connectionsCheckingInterval: Math.max(100, Math.min(limits.headersMs, limits.requestMs) / 4),
    },
    (request, response) => {
      response.once('close', () => {
        if (!serving()) server.closeIdleConnections();
      });
      try {
        if (connect(request, response) || healthz(request, response, serving) || extra?.(request, response)) return;
        fallback(request, response);
      } catch (error) {
        log.error({ url: request.url, err: error }, 'an HTTP request failed');
        if (response.headersSent) response.destroy();
        else answerJson(response, 500, 'internal', 'internal error');
      }
    },
  );
  // The time limits are enforced by a timer that Node starts when a server begins to listen. This one never does:
  // its connections are handed to it.
  server.emit('listening');
  return server;
}

function healthz(request: IncomingMessage, response: ServerResponse, serving: () => boolean): boolean {
  if (path(request) !== '/healthz' || !isRead(request)) return false;
  response.writeHead(serving() ? 200 : 503, {
    'content-type': 'text/plain; charset=utf-8',
    'cache-control': 'no-store',
  });
  response.end(serving() ? 'ok\n' : 'stopping\n');
  return true;
}

function fallback(request: IncomingMessage, response: ServerResponse): void {
  const where = path(request);
  if (where === '/' && isRead(request)) {
    response.writeHead(200, { 'content-type': 'text/plain; charset=utf-8' });
    response.end(HINT);
  } else if (request.method === 'POST') {
    answerJson(response, 404, 'unimplemented', `this server has no method ${where}`);
  } else {
    answerJson(
      response,
      404,
      'not_found',
      `nothing is at ${where}: calls are POST /SERVICE/METHOD, health is GET /healthz`,
    );
  }
}

function answerJson(response: ServerResponse, status: number, code: string, message: string): void {
  response.writeHead(status, { 'content-type': 'application/json' });
  response.end(JSON.stringify({ code, message }));
}

function isRead(request: IncomingMessage): boolean {
  return request.method === 'GET' || request.method === 'HEAD';
}

function path(request: IncomingMessage): string {
  return (request.url ?? '/').split('?', 1)[0] ?? '/';
}

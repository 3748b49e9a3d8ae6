/**
 * The server's port. One port for gRPC (HTTP/2) and for HTTP/1.1 (Connect, gRPC-web, health, pages), plain or TLS, on
 * one set of handlers.
 *
 * Plain: the first bytes tell the protocol. TLS: ALPN tells it (`h2`, else HTTP/1.1). Either way the connection goes
 * on to grpc-js's injector or to a node:http server, neither of which listens itself.
 *
 * `stop`, in order: health says NOT_SERVING; nothing is accepted any more; streams end UNAVAILABLE; calls with one
 * answer finish, for `graceMs` at most; what is left is answered UNAVAILABLE; sockets are closed.
 */
import type { Socket } from 'node:net';
import { createServer as createTlsServer, type Server as TlsServer, type TLSSocket } from 'node:tls';
import { ServerCredentials } from '@grpc/grpc-js';
import type { System } from '../../system/system.ts';
import { MAX_MESSAGE_BYTES } from '../../wire/limits.ts';
import type { Binding } from '../call.ts';
import { addressText, listenAddress, openSockets } from './address.ts';
import { checkBindings } from './bound-methods.ts';
import { connectHandler } from './connect.ts';
import { onFirstBytes } from './first-bytes.ts';
import { grpcServer } from './grpc.ts';
import { healthService } from './health.ts';
import { httpServer, type HttpLimits, type Route } from './http.ts';
import { silentLog, type Log } from './log.ts';
import { OpenCalls, serverStops } from './open-call.ts';
import { reflectionBindings } from './reflection.ts';
import { tlsOptions, type TlsFiles } from './tls.ts';

export interface ListenLimits extends HttpLimits {
  /** For a fresh connection to say anything, TLS handshake included. */
  readonly firstBytesMs: number;
  /** Calls under way on one gRPC connection; further ones wait in the client. */
  readonly callsPerConnection: number;
}

export interface ListenOptions {
  /** `localhost:50051` (loopback, both families), `127.0.0.1:0`, `[::1]:50051`, `:50051` (all interfaces). */
  readonly host: string;
  readonly tls?: TlsFiles | undefined;
  /** Of one message; 64 MiB unless given. */
  readonly maxMessageBytes?: number;
  /** Further HTTP/1.1 routes, asked after calls and `/healthz`. */
  readonly routes?: Route;
  readonly log?: Log;
  readonly limits?: Partial<ListenLimits>;
}

export interface Listener {
  /** As asked for: `localhost`, `127.0.0.1`; `::` or `0.0.0.0` for all interfaces. */
  readonly host: string;
  readonly port: number;
  /** `localhost:50051`, `[::1]:50051`: what a client can be given. */
  readonly address: string;
  /** Resolves when everything is closed. Asked again, answers with the same stop. */
  stop(graceMs: number): Promise<void>;
}

const DEFAULT_LIMITS: ListenLimits = {
  firstBytesMs: 10_000,
  headersMs: 10_000,
  requestMs: 300_000,
  idleMs: 60_000,
  headerBytes: 16 * 1024,
  callsPerConnection: 1000,
};

/** For the last answers to leave before sockets are closed. */
const FLUSH_MS = 250;

/** Errors: `invalid_input` (address, TLS files), `unavailable` (port taken), `permission_denied` (port below 1024). */
export async function listen(options: ListenOptions, bindings: readonly Binding[], system: System): Promise<Listener> {
  const log = options.log ?? silentLog;
  const limits = { ...DEFAULT_LIMITS, ...options.limits };
  const maxMessageBytes = options.maxMessageBytes ?? MAX_MESSAGE_BYTES;
  const address = listenAddress(options.host);
  const secure = options.tls === undefined ? null : await tlsOptions(options.tls, system.clock, log);

  const health = healthService(bindings.map(({ service }) => service.typeName));
  const reflected = [...bindings.map(({ service }) => service), health.binding.service];
  const all = [...bindings, health.binding, ...reflectionBindings(reflected)];
  checkBindings(all);

  const calls = new OpenCalls();
  const grpc = grpcServer(all, calls, { maxMessageBytes, maxConcurrentCalls: limits.callsPerConnection, log }, system);
  const injector = grpc.createConnectionInjector(ServerCredentials.createInsecure());
  const connect = connectHandler(all, calls, { maxMessageBytes, log }, system);
  const http = httpServer(connect, options.routes, health.serving, limits, log);

  const open = new Set<Socket>();
  const undecided = new Set<Socket>();
  let onEmpty = () => {};

  function hand(socket: Socket, protocol: 'http2' | 'http1'): void {
    if (protocol === 'http2') {
      // HTTP/2 takes the bytes out of the paused socket by itself; resuming it would lose them.
      injector.injectConnection(socket);
    } else {
      http.emit('connection', socket);
      socket.resume();
    }
  }

  const tls = secure === null ? null : tlsServer({ ...secure, handshakeTimeout: limits.firstBytesMs }, hand, log);

  function accept(socket: Socket): void {
    open.add(socket);
    socket.once('close', () => {
      open.delete(socket);
      if (open.size === 0) onEmpty();
    });
    // A reset is the peer's business; without a listener it would end the process.
    socket.on('error', (error) => log.debug({ peer: socket.remoteAddress, err: error }, 'a connection broke'));
    if (tls !== null) {
      tls.emit('connection', socket);
      return;
    }
    // A connection that does not say what it wants is closed.
    undecided.add(socket);
    const timer = system.timers.after(limits.firstBytesMs, () => socket.destroy());
    const settle = () => {
      timer.cancel();
      undecided.delete(socket);
    };
    socket.once('close', settle);
    onFirstBytes(socket, (protocol) => {
      settle();
      hand(socket, protocol);
    });
  }

  const sockets = await openSockets(address, accept).catch((error: unknown) => {
    http.close();
    grpc.forceShutdown();
    throw error;
  });

  let stopped: Promise<void> | null = null;

  async function stop(graceMs: number): Promise<void> {
    const pause = (ms: number) => pausable(system, ms);
    // 1. Say so, and give watchers of health a turn of the event loop to hear it.
    health.stop();
    const closed = sockets.servers.map((server) => new Promise<void>((resolve) => server.close(() => resolve())));
    for (const socket of undecided) socket.destroy();
    await pause(0).over;
    const emptied = new Promise<void>((resolve) => {
      onEmpty = resolve;
      if (open.size === 0) resolve();
    });
    // 2. Streams could last for ever; the others may finish.
    calls.endStreams(serverStops());
    // GOAWAY to HTTP/2; idle HTTP/1.1 connections close. Neither's own callback waits for what is under way: grpc-js
    // takes a session that has begun to close for closed, and node:http one that never listened. So we wait for the
    // sockets: either protocol closes its own after the last answer.
    grpc.tryShutdown(() => {});
    http.close();
    const drained = Promise.all([calls.idle(), emptied]);
    const grace = pause(graceMs);
    await Promise.race([drained, grace.over]);
    grace.cancel();
    // 3. What has not finished by now is answered and left.
    if (calls.size > 0) log.warn({ methods: calls.methods(), graceMs }, 'calls were cut off by the stop');
    calls.abortAll(serverStops());
    const flush = pause(FLUSH_MS);
    await Promise.race([drained, flush.over]);
    flush.cancel();
    // 4. Nothing is left open.
    injector.destroy();
    grpc.forceShutdown();
    http.closeAllConnections();
    for (const socket of open) socket.destroy();
    await Promise.all(closed);
  }

  return {
    host: sockets.host,
    port: sockets.port,
    address: addressText(sockets.host, sockets.port),
    stop: (graceMs) => (stopped ??= stop(graceMs)),
  };
}

/** Ends TLS on connections handed to it and passes them on by what ALPN agreed. */
function tlsServer(
  options: Parameters<typeof createTlsServer>[0],
  hand: (socket: TLSSocket, protocol: 'http2' | 'http1') => void,
  log: Log,
): TlsServer {
  const server = createTlsServer({ ...options, ALPNProtocols: ['h2', 'http/1.1'] }, (socket) => {
    socket.on('error', (error) => log.debug({ peer: socket.remoteAddress, err: error }, 'a TLS connection broke'));
    const presented = Object.keys(socket.getPeerCertificate()).length > 0;
    if (presented && !socket.authorized) {
      log.warn({ peer: socket.remoteAddress, reason: socket.authorizationError }, 'a client certificate was refused');
      socket.destroy();
      return;
    }
    hand(socket, socket.alpnProtocol === 'h2' ? 'http2' : 'http1');
  });
  server.on('tlsClientError', (error, socket) => {
    log.debug({ peer: socket.remoteAddress, err: error }, 'a TLS handshake failed');
    socket.destroy();
  });
  return server;
}

function pausable(system: System, ms: number): { readonly over: Promise<void>; cancel(): void } {
  let cancel = () => {};
  const over = new Promise<void>((resolve) => {
    const timer = system.timers.after(ms, resolve);
    cancel = () => timer.cancel();
  });
  return { over, cancel };
}

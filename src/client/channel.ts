/**
 * One gRPC channel, opened with the first call: importing grpc-js costs about 35 ms, which a command that makes no
 * call should not pay. The channel reconnects by itself, 0.2 s to 5 s after a failure.
 */
import type { Client, Metadata } from '@grpc/grpc-js';
import { RainbowError } from '../core/errors.ts';
import { MAX_MESSAGE_BYTES } from '../wire/limits.ts';
import { serverAddress, type ServerAddress } from './address.ts';
import { readTls, type TlsFiles } from './tls.ts';

export interface ChannelOptions {
  /** `localhost:50051` */
  readonly host: string;
  /** Paths of PEM files; plaintext without. */
  readonly tls?: TlsFiles | undefined;
  /** A user key or the server's secret, sent as `authorization: Bearer …` with every call. */
  readonly authorization?: string | null | undefined;
}

interface Cancelable {
  cancel(): void;
}

export type HeadersLike = ConstructorParameters<typeof Headers>[0];

export interface OpenChannel {
  readonly client: Client;
  /** Metadata for one call: the authorization, and `header` if given. */
  readonly metadata: (header: HeadersLike) => Metadata;
  /** What `close` cancels; returns the way out of it. */
  readonly track: (call: Cancelable) => () => void;
}

export interface Channel {
  readonly address: ServerAddress;
  readonly secure: boolean;
  open(): Promise<OpenChannel>;
  close(): void;
}

/**
 * How many bytes of answers may be on their way on one stream. HTTP/2's own 64 KiB would give 1.3 MB/s at 50 ms of
 * round trip; what a stream may hold in memory is bounded by it, too.
 */
const WINDOW_BYTES = 1024 * 1024;

/** A stream with nothing to say is asked after 30 s whether its server still lives, so that an agent notices a lost one. */
const KEEPALIVE_MS = 30_000;
const KEEPALIVE_ANSWER_MS = 10_000;

export function lazyChannel(options: ChannelOptions): Channel {
  const address = serverAddress(options.host);
  const authorization = bearer(options.authorization);
  let opening: Promise<OpenChannel> | null = null;
  let opened: Client | null = null;
  const calls = new Set<Cancelable>();
  let closed = false;

  async function open(): Promise<OpenChannel> {
    const [grpc, tls] = await Promise.all([import('@grpc/grpc-js'), options.tls && readTls(options.tls)]);
    if (closed) throw isClosed();
    const credentials = tls ? grpc.credentials.createSsl(tls.ca, tls.key, tls.cert) : grpc.credentials.createInsecure();
    // What grpc-js writes to standard error, a call's own error says too.
    if (process.env['GRPC_VERBOSITY'] === undefined) grpc.setLogVerbosity(grpc.logVerbosity.NONE);
    const client = new grpc.Client(address.text, credentials, {
      // A channel of its own: not another client's back-off after a failure.
      'grpc.use_local_subchannel_pool': 1,
      'grpc.max_receive_message_length': MAX_MESSAGE_BYTES,
      'grpc.max_send_message_length': -1,
      'grpc-node.flow_control_window': WINDOW_BYTES,
      'grpc.keepalive_time_ms': KEEPALIVE_MS,
      'grpc.keepalive_timeout_ms': KEEPALIVE_ANSWER_MS,
      'grpc.initial_reconnect_backoff_ms': 200,
      'grpc.max_reconnect_backoff_ms': 5_000,
      'grpc.service_config_disable_resolution': 1,
      'grpc.enable_channelz': 0,
      // grpc-js would take a proxy of the environment even for this machine.
      ...(address.isLoopback ? { 'grpc.enable_http_proxy': 0 } : {}),
    });
    opened = client;
    return {
      client,
      metadata(header) {
        const metadata = new grpc.Metadata();
        if (authorization !== null) metadata.set('authorization', authorization);
        if (header !== undefined) new Headers(header).forEach((value, key) => metadata.set(key, value));
        return metadata;
      },
      track(call) {
        calls.add(call);
        return () => calls.delete(call);
      },
    };
  }

  return {
    address,
    secure: options.tls !== undefined,
    open() {
      if (closed) return Promise.reject(isClosed());
      // A failure (a TLS file) is not kept: the next call tries again.
      opening ??= open().catch((error: unknown) => {
        opening = null;
        throw error;
      });
      return opening;
    },
    close() {
      closed = true;
      for (const call of calls) call.cancel();
      opened?.close();
      opened = null;
    },
  };
}

function isClosed(): RainbowError {
  return new RainbowError('unavailable', 'this client is closed: make a new one');
}

function bearer(authorization: string | null | undefined): string | null {
  if (authorization === undefined || authorization === null || authorization === '') return null;
  if (!/^[\x21-\x7e]+( [\x21-\x7e]+)?$/.test(authorization)) {
    throw new RainbowError(
      'invalid_input',
      'a key has printable ASCII characters only, and no line break: check how it was copied',
    );
  }
  return /^bearer /i.test(authorization) ? authorization : `Bearer ${authorization}`;
}

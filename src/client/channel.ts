/**
 * One gRPC channel, opened with the first call: importing grpc-js costs about 35 ms, which a command that makes no
 * call should not pay. The channel reconnects by itself, 0.2 s to 5 s after a failure. Of several servers there is a
 * channel each (several.ts).
 */
import type { ChannelInterface, Client, connectivityState, Metadata } from '@grpc/grpc-js';
import { RainbowError } from '../core/errors.ts';
import { realSystem } from '../system/real.ts';
import type { System } from '../system/system.ts';
import { MAX_MESSAGE_BYTES } from '../wire/limits.ts';
import { serverAddresses, type ServerAddress } from './address.ts';
import { severalChannels } from './several.ts';
import { readTls, type TlsFiles } from './tls.ts';

export interface ChannelOptions {
  /** `localhost:50051`; several servers on one database with commas between. */
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
  /** The call that it was opened for got no answer: where there are other servers, the next goes to one of them. */
  readonly unanswered: () => void;
}

export interface Channel {
  readonly address: ServerAddress;
  readonly secure: boolean;
  open(): Promise<OpenChannel>;
  /** Is there a connection now? */
  isReady(): boolean;
  /** Connects, if it is not. Resolves to false where that fails, or takes longer. */
  reach(withinMs: number): Promise<boolean>;
  /**
   * What answers there is not to be relied on: the next call goes to another server where there are several, to another
   * address where a name has several, and over a new connection in any case. Calls under way go on.
   */
  elsewhere(): void;
  close(): void;
}

/**
 * How many bytes of answers may be on their way on one stream. HTTP/2's own 64 KiB would give 1.3 MB/s at 50 ms of
 * round trip; what a stream may hold in memory is bounded by it, too.
 */
const WINDOW_BYTES = 1024 * 1024;

/** grpc-js's `connectivityState`, which is not loaded before the first call. */
const READY: number = 2;
const TRANSIENT_FAILURE: number = 3;
const SHUTDOWN: number = 4;

const ANY_ADDRESS = JSON.stringify({ loadBalancingConfig: [{ pick_first: { shuffleAddressList: true } }] });

/** A stream with nothing to say is asked after 30 s whether its server still lives, so that an agent notices a lost one. */
const KEEPALIVE_MS = 30_000;
const KEEPALIVE_ANSWER_MS = 10_000;

/** Errors: `invalid_input` for a host or key that cannot be one. */
export function lazyChannel(options: ChannelOptions, system: System = realSystem): Channel {
  const channels = serverAddresses(options.host).map((address) => oneChannel(address, options, system.clock));
  const [only] = channels;
  return only !== undefined && channels.length === 1 ? only : severalChannels(channels, system);
}

function oneChannel(address: ServerAddress, options: ChannelOptions, clock: System['clock']): Channel {
  const authorization = bearer(options.authorization);
  let opening: Promise<OpenChannel> | null = null;
  let client: Client | null = null;
  const calls = new Set<Cancelable>();
  let closed = false;

  async function open(): Promise<OpenChannel> {
    const [grpc, tls] = await Promise.all([import('@grpc/grpc-js'), options.tls && readTls(options.tls)]);
    if (closed) throw isClosed();
    const credentials = tls ? grpc.credentials.createSsl(tls.ca, tls.key, tls.cert) : grpc.credentials.createInsecure();
    // What grpc-js writes to standard error, a call's own error says too.
    if (process.env['GRPC_VERBOSITY'] === undefined) grpc.setLogVerbosity(grpc.logVerbosity.NONE);
    const made = new grpc.Client(address.text, credentials, {
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
      // A name with several addresses: not all clients to the first.
      'grpc.service_config': ANY_ADDRESS,
      'grpc.enable_channelz': 0,
      // grpc-js would take a proxy of the environment even for this machine.
      ...(address.isLoopback ? { 'grpc.enable_http_proxy': 0 } : {}),
    });
    client = made;
    return {
      client: made,
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
      unanswered: () => undefined,
    };
  }

  const opened = (): Promise<OpenChannel> => {
    if (closed) return Promise.reject(isClosed());
    // A failure (a TLS file) is not kept: the next call tries again.
    opening ??= open().catch((error: unknown) => {
      opening = null;
      throw error;
    });
    return opening;
  };

  return {
    address,
    secure: options.tls !== undefined,
    open: opened,
    isReady: () => client !== null && isReady(client.getChannel()),
    async reach(withinMs) {
      const channel = (await opened()).client.getChannel();
      const deadline = clock.now() + withinMs;
      for (;;) {
        const state = channel.getConnectivityState(true);
        const code: number = state;
        if (code === READY) return true;
        if (code === TRANSIENT_FAILURE || code === SHUTDOWN) return false;
        if (!(await changed(channel, state, deadline))) return false;
      }
    },
    elsewhere() {
      client?.close();
      client = null;
      opening = null;
    },
    close() {
      closed = true;
      for (const call of calls) call.cancel();
      client?.close();
      client = null;
    },
  };
}

function isReady(channel: ChannelInterface): boolean {
  const code: number = channel.getConnectivityState(false);
  return code === READY;
}

/** Resolves to false where it stays so until the deadline. */
function changed(channel: ChannelInterface, from: connectivityState, deadline: number): Promise<boolean> {
  return new Promise((resolve) => {
    channel.watchConnectivityState(from, deadline, (error) => resolve(error === undefined));
  });
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

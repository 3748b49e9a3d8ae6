/** Starts a server of server.ts, asks what it used, and has clients of it. */
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import * as grpc from '@grpc/grpc-js';

export interface Child {
  readonly address: string;
  /** Bytes that it holds. */
  memory(): Promise<number>;
  /** Microseconds of the server that this takes. */
  cpuOf(work: () => Promise<void>): Promise<number>;
  stop(): Promise<void>;
}

export async function start(kind: 'rainbow' | 'echo', database?: string): Promise<Child> {
  const child = fork(join(import.meta.dirname, 'server.ts'), [kind, ...(database === undefined ? [] : [database])], {
    execArgv: ['--disable-warning=ExperimentalWarning'],
  });
  const [{ address }] = (await once(child, 'message')) as [{ address: string }];
  const ask = async (what: 'cpu' | 'memory'): Promise<number> => {
    const answer = once(child, 'message') as Promise<[number]>;
    child.send(what);
    return (await answer)[0];
  };
  return {
    address,
    memory: () => ask('memory'),
    async cpuOf(work) {
      const before = await ask('cpu');
      await work();
      return (await ask('cpu')) - before;
    },
    async stop() {
      const exited = once(child, 'exit');
      child.disconnect();
      await exited;
    },
  };
}

/** A connection of its own. */
export function channel(address: string): grpc.Client {
  return new grpc.Client(address, grpc.credentials.createInsecure(), {
    'grpc.use_local_subchannel_pool': 1,
    'grpc.max_receive_message_length': -1,
  });
}

const asIs = (bytes: Buffer): Buffer => bytes;

export function unary(client: grpc.Client, path: string, bytes: Buffer, metadata: grpc.Metadata): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    client.makeUnaryRequest(path, asIs, asIs, bytes, metadata, (error, answer) =>
      error === null ? resolve(answer!) : reject(error),
    );
  });
}

export function duplex(
  client: grpc.Client,
  path: string,
  metadata: grpc.Metadata,
): grpc.ClientDuplexStream<Buffer, Buffer> {
  const stream = client.makeBidiStreamRequest(path, asIs, asIs, metadata);
  stream.on('error', () => undefined);
  return stream;
}

/** Reads a server's stream to its end; how much `count` finds in its messages, together. */
export async function readAll(
  client: grpc.Client,
  path: string,
  bytes: Buffer,
  metadata: grpc.Metadata,
  count: (message: Buffer) => number,
): Promise<number> {
  const stream = client.makeServerStreamRequest(path, asIs, asIs, bytes, metadata);
  let found = 0;
  for await (const message of stream) found += count(message as Buffer);
  return found;
}

/** `count` times `call`, so many at once. */
export async function inFlight(
  count: number,
  width: number,
  call: (number: number) => Promise<unknown>,
): Promise<void> {
  let next = 0;
  const one = async (): Promise<void> => {
    while (next < count) await call(next++);
  };
  await Promise.all(Array.from({ length: width }, one));
}

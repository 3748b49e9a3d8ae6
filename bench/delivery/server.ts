/**
 * A server in a process of its own, so that its CPU and memory are its own: Rainbow's, or the floor's: an echo by the
 * same RPC library, which answers each message with itself. `rainbow DATABASE` or `echo`. Says its address as a
 * message to its parent, and answers "cpu" with microseconds of it so far and "memory"
 * with the bytes that it holds once everything that can go is gone.
 */
import * as grpc from '@grpc/grpc-js';
import { serve } from '../../src/server/serve.ts';
import { realSystem } from '../../src/system/real.ts';
import { heldBytes } from '../match/measure.ts';

export const SECRET = 'the secret of the benchmark';

const asIs = (bytes: Buffer): Buffer => bytes;
const method = (path: string, requestStream: boolean, responseStream: boolean) => ({
  path,
  requestStream,
  responseStream,
  requestSerialize: asIs,
  requestDeserialize: asIs,
  responseSerialize: asIs,
  responseDeserialize: asIs,
});
export const ECHO = {
  one: method('/echo.Echo/One', false, false),
  stream: method('/echo.Echo/Stream', true, true),
  /** The request is repeated as often as its first four bytes say. */
  many: method('/echo.Echo/Many', false, true),
  /** Goes out on the stream that was opened last. */
  push: method('/echo.Echo/Push', false, false),
};

async function echo(): Promise<string> {
  const server = new grpc.Server();
  const streams: grpc.ServerDuplexStream<Buffer, Buffer>[] = [];
  let next = 0;
  server.addService(ECHO, {
    one: (call: grpc.ServerUnaryCall<Buffer, Buffer>, done: grpc.sendUnaryData<Buffer>) => done(null, call.request),
    stream: (call: grpc.ServerDuplexStream<Buffer, Buffer>) => {
      streams.push(call);
      call.on('data', (bytes: Buffer) => call.write(bytes));
      call.on('end', () => call.end());
      call.on('error', () => undefined);
    },
    many: (call: grpc.ServerWritableStream<Buffer, Buffer>) => {
      let left = call.request.readUInt32BE(0);
      const write = (): void => {
        while (left > 0) {
          left -= 1;
          if (!call.write(call.request)) return void call.once('drain', write);
        }
        call.end();
      };
      write();
    },
    push: (call: grpc.ServerUnaryCall<Buffer, Buffer>, done: grpc.sendUnaryData<Buffer>) => {
      streams[next++ % streams.length]?.write(call.request);
      done(null, call.request);
    },
  });
  const port = await new Promise<number>((resolve, reject) => {
    server.bindAsync('127.0.0.1:0', grpc.ServerCredentials.createInsecure(), (error, bound) =>
      error === null ? resolve(bound) : reject(error),
    );
  });
  return `127.0.0.1:${port}`;
}

if (process.send !== undefined) {
  const [, , kind, database = ':memory:'] = process.argv;
  const address =
    kind === 'echo'
      ? await echo()
      : (
          await serve(
            { host: '127.0.0.1:0', database, secret: SECRET, version: 'bench', logLevel: 'silent' },
            realSystem,
          )
        ).address;
  process.on('message', (asked) => {
    const { user, system } = process.cpuUsage();
    process.send!(asked === 'cpu' ? user + system : heldBytes());
  });
  process.on('disconnect', () => process.exit(0));
  process.send({ address });
}

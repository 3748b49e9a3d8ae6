/** For tests: the network between a store and its PostgreSQL, which can be made to fail in the ways that networks do. */
import { once } from 'node:events';
import { createServer, connect, type AddressInfo, type Socket } from 'node:net';

export interface Proxy {
  /** The same database by way of this network. */
  through(url: string): string;
  /** What goes wrong from now on. */
  fault: Fault;
  /** Every connection breaks now. */
  cut(): void;
  close(): Promise<void>;
}

/**
 * - `none`.
 * - `deaf`: notifications get lost, as behind a pooler that hands out connections by transaction.
 * - `frozen`: nothing passes, and nobody is told.
 * - `refused`: new connections are, and there are no old ones.
 * - `commit`: a COMMIT arrives and is done; its answer is lost with the connection.
 */
export type Fault = 'none' | 'deaf' | 'frozen' | 'refused' | 'commit';

const NOTIFICATION = 'A'.charCodeAt(0);

export async function startProxy(port: number): Promise<Proxy> {
  const sockets = new Set<Socket>();
  const proxy: Proxy = {
    fault: 'none',
    through: (url) => url.replace(`:${port}/`, `:${(server.address() as AddressInfo).port}/`),
    cut() {
      for (const socket of sockets) socket.destroy();
    },
    async close() {
      proxy.cut();
      server.close();
      await once(server, 'close');
    },
  };
  const server = createServer((near) => {
    if (proxy.fault === 'refused') near.destroy();
    if (near.destroyed) return;
    const far = connect(port, '127.0.0.1');
    const end = (): void => {
      near.destroy();
      far.destroy();
    };
    for (const socket of [near, far]) {
      sockets.add(socket);
      socket.setNoDelay(true);
      socket.on('error', end);
      socket.on('close', () => {
        sockets.delete(socket);
        end();
      });
    }
    near.on('data', (data) => {
      if (proxy.fault !== 'frozen') far.write(data);
    });
    const messages = splitter();
    far.on('data', (data) => {
      for (const message of messages(data)) {
        if (proxy.fault === 'frozen' || (proxy.fault === 'deaf' && message[0] === NOTIFICATION)) continue;
        if (proxy.fault === 'commit' && message.includes('COMMIT\0')) return end();
        near.write(message);
      }
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return proxy;
}

/** Messages of PostgreSQL's protocol: a letter, and a length that counts itself. */
function splitter(): (data: Buffer) => readonly Buffer[] {
  let rest = Buffer.alloc(0);
  return (data) => {
    rest = Buffer.concat([rest, data]);
    const whole: Buffer[] = [];
    while (rest.length >= 5) {
      const length = 1 + rest.readUInt32BE(1);
      if (rest.length < length) break;
      whole.push(rest.subarray(0, length));
      rest = rest.subarray(length);
    }
    return whole;
  };
}

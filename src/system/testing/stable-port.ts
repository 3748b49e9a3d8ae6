/**
 * For tests: a port of the loopback for what is to be there again after it was stopped. One that the kernel gave (port
 * 0) may be somebody else's by then; these are below those that it gives.
 */
import { once } from 'node:events';
import { createServer } from 'node:net';

const FIRST = 10_000;
const COUNT = 10_000;

export async function stablePort(): Promise<number> {
  for (let tries = 0; tries < 100; tries++) {
    const port = FIRST + Math.floor(Math.random() * COUNT);
    if (await isFreePort(port)) return port;
  }
  throw new Error(`no free port between ${FIRST} and ${FIRST + COUNT}`);
}

/** Nobody listens there now. */
export async function isFreePort(port: number): Promise<boolean> {
  const server = createServer().listen(port, '127.0.0.1');
  const isFree = await once(server, 'listening').then(
    () => true,
    () => false,
  );
  await new Promise<void>((resolve) => void server.close(() => resolve()));
  return isFree;
}

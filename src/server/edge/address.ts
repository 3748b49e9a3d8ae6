/**
 * Where to listen. `localhost` means loopback in both families under one port number; an empty host means all
 * interfaces, as in Go; anything else is one address or one name.
 */
import { createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { RainbowError } from '../../core/errors.ts';
import { DEFAULT_PORT } from '../../wire/limits.ts';

export interface ListenAddress {
  /** Empty for all interfaces. */
  readonly host: string;
  /** 0 for any free port. */
  readonly port: number;
}

/** Reads `HOST:PORT`, `HOST`, `:PORT` or `[IPV6]:PORT`. Errors: `invalid_input`. */
export function listenAddress(text: string): ListenAddress {
  const match = /^(?:\[([0-9a-fA-F:.%\w]+)\]|([^:[\]/\s]*))(?::(\d{1,5}))?$/.exec(text);
  const port = match?.[3] === undefined ? DEFAULT_PORT : Number(match[3]);
  if (match === null || text === '' || port > 65_535) {
    throw new RainbowError(
      'invalid_input',
      `"${text}" is no address to listen on: write HOST:PORT, e.g. localhost:${DEFAULT_PORT}, [::1]:${DEFAULT_PORT}, or :${DEFAULT_PORT} for all interfaces`,
      { place: '--host' },
    );
  }
  return { host: match[1] ?? match[2] ?? '', port };
}

/** `localhost:50051`, `[::1]:50051`: what a client can be given. */
export function addressText(host: string, port: number): string {
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`;
}

export interface Sockets {
  readonly host: string;
  readonly port: number;
  readonly servers: readonly Server[];
}

/** How often a free port of one family may turn out to be taken in the other before we give up. */
const PORT_TRIES = 20;

/** Listens. Errors: `unavailable` (port taken), `permission_denied` (port below 1024), `invalid_input` (no such address). */
export async function openSockets(address: ListenAddress, onConnection: (socket: Socket) => void): Promise<Sockets> {
  const open = (host: string | undefined, port: number) => openSocket(host, port, onConnection);
  if (address.host === '') {
    const server = await open(undefined, address.port).catch((error: unknown) => refuse(error, address));
    const { address: host, port } = server.address() as AddressInfo;
    return { host, port, servers: [server] };
  }
  if (address.host !== 'localhost') {
    const server = await open(address.host, address.port).catch((error: unknown) => refuse(error, address));
    return { host: address.host, port: (server.address() as AddressInfo).port, servers: [server] };
  }

  for (let attempt = 1; ; attempt += 1) {
    const four = await open('127.0.0.1', address.port).catch((error: unknown) => refuse(error, address));
    const { port } = four.address() as AddressInfo;
    try {
      return { host: 'localhost', port, servers: [four, await open('::1', port)] };
    } catch (error) {
      if (isMissingFamily(error)) return { host: 'localhost', port, servers: [four] };
      await new Promise((resolve) => four.close(resolve));
      if (codeOf(error) === 'EADDRINUSE' && address.port === 0 && attempt < PORT_TRIES) continue;
      return refuse(error, address);
    }
  }
}

function openSocket(host: string | undefined, port: number, onConnection: (socket: Socket) => void): Promise<Server> {
  return new Promise((resolve, reject) => {
    const server = createServer({ noDelay: true, keepAlive: true }, onConnection);
    server.once('error', reject);
    server.listen({ port, ...(host === undefined ? {} : { host }) }, () => {
      server.removeListener('error', reject);
      resolve(server);
    });
  });
}

function isMissingFamily(error: unknown): boolean {
  return ['EADDRNOTAVAIL', 'EAFNOSUPPORT', 'EPROTONOSUPPORT'].includes(codeOf(error));
}

function codeOf(error: unknown): string {
  return error instanceof Error && 'code' in error ? String(error.code) : '';
}

function refuse(error: unknown, { host, port }: ListenAddress): never {
  const where = addressText(host, port);
  switch (codeOf(error)) {
    case 'EADDRINUSE':
      throw new RainbowError(
        'unavailable',
        `port ${port} is taken at "${where}": stop the program that listens there, or choose another port with --host ${host}:PORT`,
        { cause: error },
      );
    case 'EACCES':
      throw new RainbowError(
        'permission_denied',
        `this user may not listen on port ${port}: choose one above 1023 with --host ${host}:PORT`,
        { cause: error },
      );
    case 'ENOTFOUND':
    case 'EAI_AGAIN':
    case 'EADDRNOTAVAIL':
      throw new RainbowError(
        'invalid_input',
        `this machine has no address "${host}" to listen on: use localhost, an address of its own, or :${port} for all interfaces`,
        { place: '--host', cause: error },
      );
    default:
      throw new RainbowError(
        'unavailable',
        `cannot listen at "${where}": ${error instanceof Error ? error.message : String(error)}`,
        { cause: error },
      );
  }
}

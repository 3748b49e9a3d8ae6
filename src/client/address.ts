/** Where the server is, as a person names it. */
import { RainbowError } from '../core/errors.ts';
import { DEFAULT_PORT } from '../wire/limits.ts';

export interface ServerAddress {
  /** `localhost:50051`, `[::1]:50051`; for messages and as gRPC's target. */
  readonly text: string;
  /** Loopback is never reached through a proxy, whatever the environment says. */
  readonly isLoopback: boolean;
}

/** Reads one address, or several with commas between: servers on one database. Errors: `invalid_input` at `--host`. */
export function serverAddresses(hosts: string): readonly ServerAddress[] {
  const addresses = hosts.split(',').map((host) => serverAddress(host.trim()));
  return addresses.filter(({ text }, place) => addresses.findIndex((each) => each.text === text) === place);
}

/** Reads `HOST`, `HOST:PORT`, `[IPV6]:PORT` or `:PORT` (this machine). Errors: `invalid_input` at `--host`. */
export function serverAddress(host: string): ServerAddress {
  const match = /^(?:(\[[0-9a-fA-F:.%\w]+\])|([^:[\]/\s]*))(?::(\d{1,5}))?$/.exec(host);
  const port = match?.[3] === undefined ? DEFAULT_PORT : Number(match[3]);
  if (match === null || host === '' || port === 0 || port > 65_535) {
    const hint = /^https?:\/\//.test(host) ? ' without http://' : '';
    throw new RainbowError(
      'invalid_input',
      `"${host}" is no server address: write HOST:PORT${hint}, e.g. localhost:${DEFAULT_PORT}`,
      {
        place: '--host',
      },
    );
  }
  const name = (match[1] ?? match[2] ?? '') || 'localhost';
  return { text: `${name}:${port}`, isLoopback: /^(localhost|127\.[\d.]+|\[::1\])$/.test(name) };
}

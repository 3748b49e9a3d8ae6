/**
 * One HTTP request, as the registry client needs it: an answer of bounded size, from an address that was checked and is
 * the very one connected to (a name that resolves to another one a moment later changes nothing). Follows nothing.
 */
import { lookup as systemLookup, type LookupAddress } from 'node:dns';
import { request as httpRequest, type IncomingMessage } from 'node:http';
import { request as httpsRequest } from 'node:https';
import { isIP, type LookupFunction } from 'node:net';
import { isPrivate } from './addresses.ts';

export interface HttpAnswer {
  readonly status: number;
  /** Of a repeated one the values joined; names in lower case. */
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Uint8Array;
}

export interface HttpOptions {
  readonly headers: Readonly<Record<string, string>>;
  /** A longer body is an error. */
  readonly most: number;
  readonly privateNetwork: boolean;
  /** Certificates in PEM whose signatures count; absent: the system's. */
  readonly authorities?: readonly string[] | undefined;
  readonly signal: AbortSignal;
}

export type HttpGet = (url: URL, options: HttpOptions) => Promise<HttpAnswer>;

/** Calls back, later, with an error or all addresses. */
export type Resolve = (
  host: string,
  found: (error: NodeJS.ErrnoException | null, addresses: readonly LookupAddress[]) => void,
) => void;

/** What is wrong with the other side, in words for people. */
export class FetchError extends Error {}

export const systemResolve: Resolve = (host, found) => systemLookup(host, { all: true }, found);

/** `isClosed`: may an address not be connected to, unless the options say `privateNetwork`? */
export function createHttpGet(resolve: Resolve = systemResolve, isClosed = isPrivate): HttpGet {
  return async (url, options) => {
    const lookup = lookupOf(resolve, options.privateNetwork ? () => false : isClosed);
    const host = url.hostname.replace(/^\[|\]$/g, '');
    // A literal address is never looked up.
    if (isIP(host) !== 0 && !options.privateNetwork && isClosed(host)) throw privateAddress(url.host);
    const request = url.protocol === 'https:' ? httpsRequest : httpRequest;
    const answer = await new Promise<IncomingMessage>((resolve, reject) => {
      const { headers, signal, authorities } = options;
      const ca = authorities === undefined ? {} : { ca: [...authorities] };
      const sent = request(url, { headers, signal, lookup, agent: false, method: 'GET', ...ca }, resolve);
      sent.once('error', reject);
      sent.end();
    }).catch((error: unknown) => {
      throw failure(url, error, options.signal);
    });
    try {
      return {
        status: answer.statusCode ?? 0,
        headers: headersOf(answer),
        body: await bodyOf(answer, url, options.most),
      };
    } catch (error) {
      throw failure(url, error, options.signal);
    } finally {
      answer.destroy();
    }
  };
}

/** Only addresses that may be connected to are ever told to the socket. */
function lookupOf(resolve: Resolve, isClosed: (address: string) => boolean): LookupFunction {
  return (host, options, callback) => {
    resolve(host, (error, all) => {
      const allowed = error === null ? all.filter(({ address }) => !isClosed(address)) : [];
      const [first] = allowed;
      if (error !== null) callback(error, '', 0);
      else if (first === undefined) {
        callback(all.length === 0 ? new FetchError(`${host} has no address`) : privateAddress(host), '', 0);
      } else if (options.all === true) callback(null, [...allowed]);
      else callback(null, first.address, first.family);
    });
  };
}

function privateAddress(host: string): FetchError {
  return new FetchError(`${host} is in a private network, where this server does not go for images`);
}

function headersOf(answer: IncomingMessage): Record<string, string> {
  const headers: Record<string, string> = {};
  for (const [name, value] of Object.entries(answer.headers)) {
    if (value !== undefined) headers[name] = Array.isArray(value) ? value.join(', ') : value;
  }
  return headers;
}

async function bodyOf(answer: IncomingMessage, url: URL, most: number): Promise<Uint8Array> {
  const pieces: Uint8Array[] = [];
  let size = 0;
  for await (const piece of answer as AsyncIterable<Uint8Array>) {
    size += piece.length;
    if (size > most) throw new FetchError(`${url.host} sends more than the ${most} bytes that are read of this`);
    pieces.push(piece);
  }
  if (!answer.complete) throw new FetchError(`${url.host} ended its answer too early`);
  return Buffer.concat(pieces);
}

function failure(url: URL, error: unknown, signal: AbortSignal): FetchError {
  if (signal.aborted) return new FetchError(`${url.host} took too long to answer`);
  if (error instanceof FetchError) return error;
  const { code } = error as NodeJS.ErrnoException;
  if (code !== undefined && /CERT|VERIFY|ISSUER|ALTNAME/.test(code)) {
    return new FetchError(
      `${url.host} shows a certificate that is not trusted (${(error as Error).message.slice(0, 200)}); ` +
        'the operator names who signs for it with `ca` in images.registries',
    );
  }
  const words: Readonly<Record<string, string>> = {
    ECONNREFUSED: 'refuses connections',
    ENOTFOUND: 'has no address',
    EAI_AGAIN: 'cannot be looked up now',
    ECONNRESET: 'closed the connection',
    ETIMEDOUT: 'does not answer',
  };
  const cause = code === undefined ? undefined : words[code];
  if (cause !== undefined) return new FetchError(`${url.host} ${cause}`);
  return new FetchError(
    `${url.host} cannot be asked: ${(error instanceof Error ? error.message : String(error)).slice(0, 200)}`,
  );
}

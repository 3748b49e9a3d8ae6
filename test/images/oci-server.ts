/**
 * A small OCI registry of these tests' own, read-only and in memory, for what Debian's docker-registry has not: the
 * referrers API with pages and filters, logins, and every way to answer wrongly. Not a stand-in for anything of ours.
 */
import { readFileSync } from 'node:fs';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import type { Identity } from '../wire/certificates.ts';
import { digestOf, INDEX, type Stored } from './artifacts.ts';

export interface OciServer {
  readonly host: string;
  /** Paths with their queries, as they were asked for. */
  readonly asked: string[];
  readonly authorizations: (string | undefined)[];
  put(repository: string, name: string, what: Stored): void;
  refer(subject: string, ...listed: readonly object[]): void;
  /** Takes the place of the ordinary answer; false: does nothing of it. */
  answer: (request: IncomingMessage, response: ServerResponse) => boolean;
  /** Referrers on a page; all of them. */
  page: number;
  filters: boolean;
  login: { scheme: 'basic' | 'bearer'; user: string; password: string } | null;
  stop(): Promise<void>;
}

/** With TLS where it is given who it is. */
export async function startOciServer(identity?: Identity, address = '127.0.0.1'): Promise<OciServer> {
  const things = new Map<string, Stored>();
  const referrers = new Map<string, readonly object[]>();
  const answer = (request: IncomingMessage, response: ServerResponse): void => handle(request, response);
  const server: Server =
    identity === undefined
      ? createServer(answer)
      : createTlsServer({ cert: readFileSync(identity.cert), key: readFileSync(identity.key) }, answer);
  await new Promise<void>((resolve) => server.listen(0, address, resolve));
  const host = `${address}:${(server.address() as AddressInfo).port}`;
  const made: OciServer = {
    host,
    asked: [],
    authorizations: [],
    put: (repository, name, what) => void things.set(`${repository} ${name}`, what),
    refer: (subject, ...listed) => void referrers.set(subject, listed),
    answer: () => false,
    page: Infinity,
    filters: true,
    login: null,
    stop: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };

  function handle(request: IncomingMessage, response: ServerResponse): void {
    const url = new URL(request.url ?? '/', `http://${host}`);
    made.asked.push(url.pathname + url.search);
    made.authorizations.push(request.headers.authorization);
    if (made.answer(request, response)) return;
    if (url.pathname === '/token') return token(request, response, url);
    if (!mayRead(request)) {
      const challenge =
        made.login?.scheme === 'bearer'
          ? `Bearer realm="http://${host}/token",service="tests",scope="repository:x:pull"`
          : 'Basic realm="tests"';
      response.writeHead(401, { 'www-authenticate': challenge }).end('{}');
      return;
    }
    const [, repository = '', kind = '', name = ''] =
      /^\/v2\/(.+)\/(manifests|blobs|referrers)\/([^/]+)$/.exec(url.pathname) ?? [];
    if (kind === 'referrers') return list(response, url, name);
    const found = things.get(`${repository} ${name}`);
    if (found === undefined) return void response.writeHead(404).end('{}');
    const { bytes, mediaType } = found;
    response.writeHead(200, { 'content-type': mediaType, 'docker-content-digest': digestOf(bytes) }).end(bytes);
  }

  function list(response: ServerResponse, url: URL, subject: string): void {
    const type = url.searchParams.get('artifactType');
    const all = (referrers.get(subject) ?? []).filter(
      (each) => !made.filters || type === null || (each as { artifactType?: string }).artifactType === type,
    );
    const from = Number(url.searchParams.get('from') ?? 0);
    const headers: Record<string, string> = { 'content-type': INDEX };
    if (made.filters) headers['oci-filters-applied'] = 'artifactType';
    if (from + made.page < all.length) {
      url.searchParams.set('from', String(from + made.page));
      headers['link'] = `<${url.pathname}${url.search}>; rel="next"`;
    }
    const manifests = all.slice(from, from + made.page);
    response.writeHead(200, headers).end(JSON.stringify({ schemaVersion: 2, mediaType: INDEX, manifests }));
  }

  function token(request: IncomingMessage, response: ServerResponse, url: URL): void {
    const isOurs =
      url.searchParams.get('service') === 'tests' && (url.searchParams.get('scope') ?? '').endsWith(':pull');
    if (!isOurs || !hasPassword(request)) return void response.writeHead(401).end('{}');
    response.writeHead(200, { 'content-type': 'application/json' }).end('{"token":"let-me-in","expires_in":300}');
  }

  function mayRead(request: IncomingMessage): boolean {
    if (made.login === null) return true;
    return made.login.scheme === 'bearer' ? request.headers.authorization === 'Bearer let-me-in' : hasPassword(request);
  }

  function hasPassword({ headers }: IncomingMessage): boolean {
    const { user = '', password = '' } = made.login ?? {};
    if (user === '') return headers.authorization === undefined;
    return headers.authorization === `Basic ${Buffer.from(`${user}:${password}`).toString('base64')}`;
  }
  return made;
}

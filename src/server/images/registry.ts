/**
 * A client of one registry (OCI distribution specification): GET with authentication (none, basic, bearer token) and
 * redirects. Goes only where the operator's settings allow: the registry itself and the hosts listed for it. A password
 * is shown to the registry and its token server alone, a token to the registry alone.
 */
import type { Clock } from '../../system/system.ts';
import { readChallenges, type Challenge } from './challenge.ts';
import { FetchError, type HttpAnswer, type HttpGet } from './http.ts';
import type { RegistrySettings } from './settings.ts';

const MOST_REDIRECTS = 5;
const MOST_TOKEN_BYTES = 64 * 1024;
const MOST_TOKENS = 256;

export interface Registry {
  readonly name: string;
  /** `path` begins with `/v2/`. Statuses other than 401 and redirects are the caller's. */
  get(path: string, options: GetOptions): Promise<HttpAnswer>;
}

export interface GetOptions {
  readonly accept: string;
  readonly most: number;
  readonly signal: AbortSignal;
}

export interface RegistryDependencies {
  readonly http: HttpGet;
  readonly clock: Clock;
  /** Whose certificates count, for it and for where it sends us; absent: those the system trusts. */
  readonly authorities: readonly string[] | undefined;
}

export function createRegistry(
  name: string,
  settings: RegistrySettings,
  { http, clock, authorities }: RegistryDependencies,
): Registry {
  const scheme = settings.plainHttp ? 'http:' : 'https:';
  const base = new URL(`${scheme}//${settings.endpoint}`);
  /** By repository: the header, and until when it may be sent. */
  const kept = new Map<string, { readonly header: string; readonly until: number }>();

  const isAllowed = (url: URL): boolean =>
    (url.protocol === 'https:' || settings.plainHttp) &&
    (url.host === base.host || settings.hosts.some((host) => fits(host, url)));

  const follow = async (
    first: URL,
    headers: Readonly<Record<string, string>>,
    options: GetOptions,
  ): Promise<HttpAnswer> => {
    let url = first;
    for (let hops = 0; ; hops++) {
      // What is meant for the registry is not for where it sends us.
      const { authorization, ...plain } = headers;
      const sent = url.host === first.host && authorization !== undefined ? { ...plain, authorization } : plain;
      const answer = await http(url, {
        headers: { 'user-agent': 'rainbow', 'accept-encoding': 'identity', ...sent },
        most: options.most,
        privateNetwork: settings.privateNetwork,
        authorities,
        signal: options.signal,
      });
      const to = answer.headers['location'];
      if (answer.status < 300 || answer.status >= 400 || answer.status === 304 || to === undefined) return answer;
      if (hops === MOST_REDIRECTS) throw new FetchError(`${name} redirects more than ${MOST_REDIRECTS} times`);
      const next = urlOf(to, url);
      if (next === null || !isAllowed(next)) {
        const where = next === null ? 'to what is no address' : `to ${next.protocol}//${next.host}`;
        throw new FetchError(
          `${name} redirects ${where}, which the server's settings do not allow for it (images.registries)`,
        );
      }
      url = next;
    }
  };

  const basic = (): string => `Basic ${Buffer.from(`${settings.username}:${settings.password}`).toString('base64')}`;

  const token = async (challenge: Challenge, repository: string, options: GetOptions): Promise<string> => {
    const realm = urlOf(challenge.parameters.get('realm') ?? '', base);
    if (realm === null || !isAllowed(realm)) {
      const host = realm === null ? 'nowhere' : realm.host;
      throw new FetchError(
        `${name} asks for a token of ${host}, which the server's settings do not allow for it (images.registries)`,
      );
    }
    const service = challenge.parameters.get('service');
    if (service !== undefined) realm.searchParams.set('service', service);
    realm.searchParams.set('scope', `repository:${repository}:pull`);
    const headers = settings.username === '' ? {} : { authorization: basic() };
    const answer = await follow(
      realm,
      { accept: 'application/json', ...headers },
      { ...options, most: MOST_TOKEN_BYTES },
    );
    if (answer.status !== 200) throw refused(name, answer.status, settings);
    const { token, access_token: other, expires_in: seconds } = jsonOf(answer.body, `the token of ${realm.host}`);
    const given = typeof token === 'string' ? token : other;
    if (typeof given !== 'string' || !/^[\x21-\x7e]+$/.test(given))
      throw new FetchError(`${realm.host} gives no token`);
    const header = `Bearer ${given}`;
    const lasts = typeof seconds === 'number' && seconds > 0 ? Math.min(seconds, 3600) : 60;
    if (kept.size >= MOST_TOKENS) kept.clear();
    // Some seconds less, so that it is still good when it arrives.
    kept.set(repository, { header, until: clock.monotonic() + Math.max(0, lasts - 10) * 1000 });
    return header;
  };

  return {
    name,
    async get(path, options) {
      const url = new URL(path, base);
      if (url.host !== base.host) throw new FetchError(`${name} points to ${url.host}`);
      const repository = /^\/v2\/(.+)\/(?:manifests|blobs|referrers)\//.exec(url.pathname)?.[1] ?? '';
      const known = kept.get(repository);
      const header = known !== undefined && known.until > clock.monotonic() ? known.header : undefined;
      const ask = (authorization: string | undefined): Promise<HttpAnswer> =>
        follow(url, { accept: options.accept, ...(authorization === undefined ? {} : { authorization }) }, options);
      const answer = await ask(header);
      if (answer.status !== 401) return answer;
      const challenges = readChallenges(answer.headers['www-authenticate'] ?? '');
      const bearer = challenges.find(({ scheme }) => scheme === 'bearer');
      const asksBasic = challenges.some(({ scheme }) => scheme === 'basic');
      if (bearer === undefined && (!asksBasic || settings.username === '')) throw refused(name, 401, settings);
      const again = await ask(bearer === undefined ? basic() : await token(bearer, repository, options));
      if (again.status === 401) throw refused(name, 401, settings);
      return again;
    },
  };
}

function fits(allowed: string, url: URL): boolean {
  if (allowed.startsWith('*.')) return url.hostname.endsWith(allowed.slice(1)) && url.port === '';
  return url.host === allowed;
}

function urlOf(text: string, base: URL): URL | null {
  if (!URL.canParse(text, base.href)) return null;
  const url = new URL(text, base);
  return url.protocol === 'https:' || url.protocol === 'http:' ? url : null;
}

export function refused(name: string, status: number, { username }: Pick<RegistrySettings, 'username'>): FetchError {
  const how = username === '' ? 'without a login' : `as ${username}`;
  return new FetchError(
    `${name} refuses to be asked ${how} (${status}); the operator sets logins in images.registries`,
  );
}

/** An object; anything else is an error. */
export function jsonOf(body: Uint8Array, what: string): Readonly<Record<string, unknown>> {
  try {
    const value = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(body)) as unknown;
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Record<string, unknown>;
  } catch {
    // Said below.
  }
  throw new FetchError(`${what} is no JSON object`);
}

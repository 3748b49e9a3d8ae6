/**
 * Which names and tokens a submit presents. One wrong token fails the whole call, so only what the call needs is sent:
 * everything that the configuration has, or what --cluster and --group name.
 */
import type { ClientConfig } from '../config/config.ts';
import { RainbowError } from '../core/errors.ts';
import { UsageError } from './exit.ts';
import type { GlobalOptions } from './invocation.ts';

export interface Credential {
  readonly name: string;
  readonly token: string;
}

export interface Wanted {
  readonly cluster?: readonly string[];
  readonly group?: readonly string[];
  readonly token?: string;
}

/** `optional`: none at all will do (an operator, or a question that anybody may ask). */
export function credentialsFor(
  settings: { readonly config: ClientConfig; readonly configPath: string; readonly globals: GlobalOptions },
  wanted: Wanted,
  optional: boolean,
): Credential[] {
  const { config } = settings;
  if (wanted.token !== undefined) {
    const names = [...(wanted.cluster ?? []), ...(wanted.group ?? [])];
    const named =
      names.length > 0 ? names : settings.globals.clusterName === undefined ? [] : [settings.globals.clusterName];
    if (named.length === 0) throw new UsageError('whose token is it? Say so with --cluster NAME or --group NAME.');
    return named.map((name) => ({ name, token: wanted.token ?? '' }));
  }
  const clusters = config.clusters.filter(hasToken);
  const groups = config.groups.filter(hasToken);
  if (wanted.group !== undefined) {
    return wanted.group.map((name) => {
      const group = groups.find((known) => known.name === name);
      if (group === undefined) throw noToken('group', name, settings.configPath);
      return group;
    });
  }
  if (wanted.cluster !== undefined) {
    const missing = wanted.cluster.filter((name) => !clusters.some((known) => known.name === name));
    const own = clusters.filter(({ name }) => wanted.cluster?.includes(name));
    // What has no token of its own may be in a group.
    if (missing.length === 0) return own;
    if (groups.length > 0) return [...own, ...groups];
    if (optional) return own;
    throw noToken('cluster', missing[0] ?? '', settings.configPath);
  }
  const all = [...clusters, ...groups];
  if (all.length === 0 && !optional) {
    throw new RainbowError(
      'failed_precondition',
      `there is no cluster that you may submit to: ${settings.configPath} has no tokens. Put those that you were given ` +
        'under "clusters" or "groups" there (docs/authentication.md), or pass --cluster NAME --token TOKEN',
    );
  }
  return all;
}

function hasToken(entry: { readonly name: string; readonly token?: string | null | undefined }): entry is Credential {
  return entry.name !== '' && typeof entry.token === 'string' && entry.token !== '';
}

function noToken(kind: 'cluster' | 'group', name: string, configPath: string): RainbowError {
  return new RainbowError(
    'failed_precondition',
    `there is no token for ${kind} ${name} in ${configPath}; put it there under "${kind}s", or pass --token`,
  );
}

/** For a request that is denied; nothing where no tokens were sent. */
export function tokensSent(
  wanted: Wanted,
  credentials: readonly Credential[],
  configPath: string,
): { readonly carries?: string } {
  if (credentials.length === 0) return {};
  const names = credentials.map(({ name }) => name).join(', ');
  if (wanted.token !== undefined) return { carries: `the token given with --token for ${names}` };
  const alone =
    credentials.length === 1
      ? ''
      : '; one wrong token among them is enough, and --cluster NAME or --group NAME sends that one alone';
  return { carries: `the tokens of ${configPath}, which were sent: ${names}${alone}` };
}

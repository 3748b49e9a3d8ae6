/**
 * What a command goes by: flag over environment over configuration file over default. Reading and writing the file is
 * config/config.ts's; here is which file, which server, which name and secret.
 */
import { join } from 'node:path';
import { serverAddresses } from '../client/address.ts';
import type { ClientConfig } from '../config/config.ts';
import type { TlsFiles } from '../client/tls.ts';
import { RainbowError } from '../core/errors.ts';
import { UsageError } from './exit.ts';
import { configFolder } from './folders.ts';
import type { GlobalOptions, Invocation } from './invocation.ts';

export const DEFAULT_HOST = 'localhost:50051';

export interface Settings {
  readonly globals: GlobalOptions;
  readonly configPath: string;
  /** Of the file; empty where there is none. */
  readonly config: ClientConfig;
  readonly host: string;
  readonly tls: TlsFiles | undefined;
}

type Asked = Pick<Invocation, 'io' | 'globals'>;

function given(text: string | undefined): string | undefined {
  return text === undefined || text === '' ? undefined : text;
}

/** The file that was named, by flag or environment; else the user's own. */
export function configPath({ io, globals }: Asked): string {
  return given(globals.configPath) ?? given(io.env['RAINBOW_CONFIG']) ?? join(configFolder(io.env), 'config.yaml');
}

/** Was a file named? Then it has to be there. */
export function namesConfig({ io, globals }: Asked): boolean {
  return given(globals.configPath) !== undefined || given(io.env['RAINBOW_CONFIG']) !== undefined;
}

/**
 * Errors: `invalid_input` for a file that cannot be read as a configuration and for a host that is none, `not_found`
 * where a named file is missing.
 */
export async function readSettings(asked: Asked): Promise<Settings> {
  const { io, globals } = asked;
  const path = configPath(asked);
  const { emptyClientConfig, readClientConfig } = await import('../config/config.ts');
  const read = await readClientConfig(path);
  if (read === null && namesConfig(asked)) {
    throw new RainbowError(
      'not_found',
      `there is no configuration file ${path}; make one with: rainbow config init --config-path ${path}`,
    );
  }
  if (read !== null) {
    const { tellUnknownKeys } = await import('./config-keys.ts');
    await tellUnknownKeys(asked, path);
  }
  const config = read ?? emptyClientConfig();
  const host = given(globals.host) ?? given(io.env['RAINBOW_HOST']) ?? config.host ?? DEFAULT_HOST;
  // Before anything is made or asked for its sake: a user key, a state directory.
  serverAddresses(host);
  return {
    globals,
    configPath: path,
    config,
    host,
    tls: tlsFiles(asked),
  };
}

/** The flags, else RAINBOW_CA_CERT, RAINBOW_CERT and RAINBOW_CERT_KEY; undefined: no TLS. */
function tlsFiles({ io, globals }: Asked): TlsFiles | undefined {
  const ca = given(globals.caCert) ?? given(io.env['RAINBOW_CA_CERT']);
  const cert = given(globals.cert) ?? given(io.env['RAINBOW_CERT']);
  const key = given(globals.key) ?? given(io.env['RAINBOW_CERT_KEY']);
  return ca === undefined && cert === undefined && key === undefined ? undefined : { ca, cert, key };
}

/** Reads the file anew (or begins one), changes it and writes it back, for its owner alone; one process at a time. */
export async function changeConfig(asked: Asked, change: (config: ClientConfig) => ClientConfig): Promise<void> {
  const path = configPath(asked);
  const { emptyClientConfig, readClientConfig, writeClientConfig } = await import('../config/config.ts');
  const { whileLocked } = await import('../config/lock.ts');
  await whileLocked(asked.io.system, path, async () => {
    await writeClientConfig(path, change((await readClientConfig(path)) ?? emptyClientConfig()));
  });
}

/** The server's secret, as the environment or the configuration has it. */
export function serverSecret({ io }: Asked, config: ClientConfig): string | undefined {
  return given(io.env['RAINBOW_SERVER_SECRET']) ?? given(config.scheduler?.secret ?? undefined);
}

/** The server's secret, which an operator needs. */
export function operatorSecret(asked: Asked, config: ClientConfig, flag: string | undefined): string {
  const secret = given(flag) ?? serverSecret(asked, config);
  if (secret !== undefined) return secret;
  throw new UsageError(
    'an operator shows the server’s secret: pass it with --secret, in RAINBOW_SERVER_SECRET, or as scheduler.secret in the configuration.',
  );
}

/** The secret of the cluster of that name, as the environment or the configuration has it. */
export function clusterSecret({ io }: Asked, config: ClientConfig, name: string): string | undefined {
  const own = config.cluster?.name === name ? config.cluster.secret : undefined;
  const other = config.clusters.find((entry) => entry.name === name)?.secret;
  return given(io.env['RAINBOW_SECRET']) ?? given(own ?? undefined) ?? given(other ?? undefined);
}

/** Which secret it is, and where it is from: for a request that is denied. */
export function clusterSecretFrom(name: string, configPath: string): string {
  return `the secret of cluster ${name} (--secret, RAINBOW_SECRET, or ${configPath})`;
}

/** Name and secret of the cluster that a command is about: the one that is `named`, else the configuration's own. */
export async function clusterAccess(
  asked: Asked,
  flag: string | undefined,
  named: string | undefined = asked.globals.clusterName,
  orElse = '',
): Promise<{ name: string; secret: string; isNamed: boolean; carries: string }> {
  const { config, configPath } = await readSettings(asked);
  const isNamed = given(named) !== undefined;
  const name = given(named) ?? given(config.cluster?.name ?? undefined);
  if (name === undefined) throw new UsageError('which cluster? Give its name with --cluster-name NAME.');
  const secret = given(flag) ?? clusterSecret(asked, config, name);
  if (secret === undefined) {
    throw new UsageError(
      `the secret of cluster ${name} is missing: pass it with --secret, in RAINBOW_SECRET, or save it in ${configPath}${orElse}.`,
    );
  }
  return { name, secret, isNamed, carries: clusterSecretFrom(name, configPath) };
}

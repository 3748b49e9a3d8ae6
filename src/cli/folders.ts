/** Where a user's files are, by the XDG rules: configuration, data, and state that may be lost. */
import { homedir } from 'node:os';
import { isAbsolute, join } from 'node:path';

type Env = Readonly<Record<string, string | undefined>>;

function folder(env: Env, variable: string, ...fallback: string[]): string {
  const given = env[variable];
  // A relative path in one of these variables is to be ignored, says the specification.
  const base = given !== undefined && isAbsolute(given) ? given : join(env['HOME'] ?? homedir(), ...fallback);
  return join(base, 'rainbow');
}

export const configFolder = (env: Env): string => folder(env, 'XDG_CONFIG_HOME', '.config');
export const dataFolder = (env: Env): string => folder(env, 'XDG_DATA_HOME', '.local', 'share');

/** Root's is the system's: the users that its jobs run as could not get through its home. */
export function stateFolder(env: Env, uid = process.getuid?.()): string {
  const isRoot = uid === 0 && (env['XDG_STATE_HOME'] ?? '') === '';
  return isRoot ? '/var/lib/rainbow' : folder(env, 'XDG_STATE_HOME', '.local', 'state');
}

export const cacheFolder = (env: Env): string => folder(env, 'XDG_CACHE_HOME', '.cache');

/** Which store the commands about the database mean: the one that `serve` would take on this machine. */
import { join, resolve } from 'node:path';
import { RainbowError } from '../core/errors.ts';
import { isPostgresAddress } from '../store/address.ts';
import type { Pace } from '../store/upkeep/side.ts';
import { Stopped } from './exit.ts';
import { configFolder, dataFolder } from './folders.ts';
import type { Invocation } from './invocation.ts';
import { startProgress } from './progress.ts';

export const DB_OPTION = '--db <store>';
export const DB_TEXT =
  'the store: a file, or postgres://… [RAINBOW_DB; db of the server’s settings; ~/.local/share/rainbow/rainbow.db]';

/** Milliseconds of work between two looks at timers and signals. */
const TURN_MS = 50;

/** The settings file of the server: where it is, and whether it was named. */
export function serverSettingsPath({ io, globals }: Invocation): { readonly path: string; readonly named: boolean } {
  const named = globals.configPath ?? io.env['RAINBOW_SERVER_CONFIG'];
  return { path: named ?? join(configFolder(io.env), 'server.yaml'), named: named !== undefined };
}

/** A file is absolute. Throws `not_found` for a settings file that was named and is not there. */
export async function storeAddress(invocation: Invocation, flag: string | undefined): Promise<string> {
  const { io } = invocation;
  return addressOf(io.env, flag ?? io.env['RAINBOW_DB'] ?? (await fromSettings(invocation)));
}

export function addressOf(env: Invocation['io']['env'], named: string | undefined): string {
  if (named !== undefined && (named === ':memory:' || isPostgresAddress(named))) return named;
  return resolve(named === undefined || named === '' ? join(dataFolder(env), 'rainbow.db') : named);
}

async function fromSettings(invocation: Invocation): Promise<string | undefined> {
  const { path, named } = serverSettingsPath(invocation);
  const { readServerSettings } = await import('../config/config.ts');
  const settings = await readServerSettings(path);
  if (settings === null && named) {
    throw new RainbowError('not_found', `there is no settings file ${path}; docs/server.md says what may stand in it`);
  }
  return settings?.database;
}

/** Long work over a store: shows that it moves, and ends where it is told to stop. */
export async function paced<T>(invocation: Invocation, label: string, work: (pace: Pace) => Promise<T>): Promise<T> {
  const { io } = invocation;
  const progress = startProgress(invocation, label);
  const { clock, timers } = io.system;
  let breathed = clock.monotonic();
  const pace: Pace = {
    tell: (where) => progress.set(where),
    async breathe() {
      if (clock.monotonic() - breathed > TURN_MS) {
        await new Promise<void>((resolve) => void timers.after(0, resolve));
        breathed = clock.monotonic();
      }
      if (io.signal.aborted) throw new Stopped();
    },
  };
  try {
    return await work(pace);
  } finally {
    progress.end();
  }
}

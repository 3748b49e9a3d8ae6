/** A real server in this process, clusters, and a user who has their tokens. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { serve, type RunningServer } from '../../src/server/serve.ts';
import { realSystem } from '../../src/system/real.ts';
import type { System } from '../../src/system/system.ts';
import {
  afterwards,
  expectExit,
  homeIn,
  json,
  rainbow,
  temporaryFolder,
  type Outcome,
  type Surroundings,
  until,
} from './command-line.ts';
import { stablePort } from '../../src/system/testing/stable-port.ts';

export const SECRET = 'the-servers-secret';
/** What `submit` says of a cluster `red` that has no agent. */
export const NOBODY_AT_RED = 'rainbow: red: it starts once an agent is there (none has come yet)\n';

export interface Place {
  readonly folder: string;
  readonly server: RunningServer;
  /** Again, on the same port and store, after `server.stop()`; stopped with the test. */
  readonly serveAgain: (system?: System) => Promise<RunningServer>;
  readonly env: Readonly<Record<string, string>>;
  /** Runs a command line as the user; `env` beside his own. */
  readonly run: (args: readonly string[], more?: Surroundings) => Promise<Outcome>;
  /** Makes a graph and registers it, `--save`d for the user. */
  readonly register: (name: string, ...size: string[]) => Promise<{ secret: string; token: string }>;
}

export async function place(): Promise<Place> {
  const folder = temporaryFolder();
  const start = async (port: number, system: System = realSystem): Promise<RunningServer> => {
    const server = await serve(
      {
        host: `127.0.0.1:${port}`,
        database: join(folder, 'rainbow.db'),
        version: '0.0.0-test',
        secret: SECRET,
        logLevel: 'silent',
      },
      system,
    );
    afterwards(() => server.stop());
    return server;
  };
  const server = await start(await stablePort());
  const env = {
    ...homeIn(join(folder, 'home')),
    RAINBOW_HOST: `127.0.0.1:${server.port}`,
    PATH: process.env['PATH'] ?? '',
  };
  mkdirSync(join(folder, 'home'));
  const run = (args: readonly string[], more: Surroundings = {}): Promise<Outcome> =>
    rainbow(args, { ...more, env: { ...env, ...more.env } });
  return {
    folder,
    server,
    serveAgain: (system) => start(server.port, system),
    env,
    run,
    async register(name, ...size) {
      const graph = join(folder, `${name}.json`);
      await run(['graph', 'generate', '--name', name, '-o', graph, ...size]);
      const how = ['--nodes-json', graph, '--secret', SECRET, '--save', '--json'];
      const outcome = await run(['register', 'cluster', '--cluster-name', name, ...how]);
      expectExit(outcome, 0);
      return json<{ secret: string; token: string }>(outcome);
    },
  };
}

/** `rainbow agent` for a cluster whose secret the user has saved; stops with the test. */
export function startAgent(
  { run, folder }: Place,
  name: string,
  args: readonly string[] = [],
): { readonly outcome: Promise<Outcome>; readonly stop: () => Promise<Outcome>; readonly said: () => string } {
  const stop = new AbortController();
  let said = '';
  const outcome = run(['agent', '--cluster-name', name, '--state-dir', join(folder, `agent-${name}`), ...args], {
    signal: stop.signal,
    onOutput: (text) => {
      said += text;
    },
  });
  const end = (): Promise<Outcome> => {
    stop.abort();
    return outcome;
  };
  afterwards(async () => {
    await end();
  });
  return { outcome, stop: end, said: () => said };
}

export async function untilConnected({ run }: Place, name: string): Promise<void> {
  await until(async () => json<{ connected: boolean }>(await run(['cluster', 'show', name, '--json'])).connected);
}

export function write(folder: string, name: string, text: string): string {
  const file = join(folder, name);
  writeFileSync(file, text);
  return file;
}

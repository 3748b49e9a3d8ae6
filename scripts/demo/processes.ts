/** Starts and stops what the demo is made of: `rainbow serve` and two times `rainbow agent`, as anybody would. */
import { spawn, type ChildProcess } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { chmodSync, closeSync, existsSync, openSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { createClient, type RainbowClient } from '../../src/client/client.ts';
import { readClientConfig, writeClientConfig } from '../../src/config/config.ts';
import { say } from './say.ts';

const root = join(import.meta.dirname, '..', '..');
const rainbow = join(root, 'bin', 'rainbow');

export interface Running {
  readonly name: string;
  readonly pid: number;
  readonly child: ChildProcess;
  readonly log: string;
}

export interface Demo {
  readonly address: string;
  /** What a person needs to use it. */
  readonly env: Readonly<Record<string, string>>;
  readonly client: RainbowClient;
  /** In the order in which they are stopped. */
  readonly processes: readonly Running[];
  readonly credentials: readonly { readonly name: string; readonly token: string }[];
  /** The end of what each process said. */
  logs(): string;
  /** Lets go of the processes, so that they outlive this one. */
  leave(): void;
}

/** The shapes: `red` has gpus, `blue` has more cores and the software. */
const CLUSTERS = [
  { name: 'red', size: ['--nodes', '2', '--cores', '4', '--gpus', '2', '--memory', '64'], subsystems: [] },
  {
    name: 'blue',
    size: ['--nodes', '4', '--cores', '8'],
    subsystems: [`software=${join(root, 'examples', 'demo', 'blue-software.json')}`],
  },
] as const;

export async function startAll(folder: string, signal: AbortSignal, started: (demo: Demo) => void): Promise<Demo> {
  // Jobs may run as another user than the agent (never as root), and must get at their own folders below.
  chmodSync(folder, 0o711);
  const secret = randomBytes(24).toString('base64url');
  const env: Record<string, string> = {
    RAINBOW_CONFIG: join(folder, 'config.yaml'),
    RAINBOW_KEY: `rbu_${randomBytes(32).toString('base64url')}`,
    RAINBOW_SERVER_SECRET: secret,
  };
  const processes: Running[] = [];
  const start = (name: string, args: readonly string[], more: Record<string, string> = {}): Running => {
    const running = startProcess(name, args, folder, { ...env, ...more });
    processes.unshift(running);
    return running;
  };

  // 1. The server, on a free port.
  await writeClientConfig(env['RAINBOW_CONFIG'] ?? '', { clusters: [], groups: [] });
  const server = start('server', ['serve', '--host', 'localhost:0', '--db', join(folder, 'rainbow.db'), '--json']);
  const client: { now: RainbowClient | null } = { now: null };
  const demo = (address: string, credentials: Demo['credentials']): Demo => ({
    address,
    env,
    client: (client.now ??= createClient({ host: address, authorization: env['RAINBOW_KEY'] })),
    processes,
    credentials,
    logs: () => processes.map(({ name, log }) => `--- ${name}\n${tail(log)}`).join('\n'),
    leave() {
      for (const { child } of processes) {
        child.unref();
        child.stdout?.destroy();
      }
      client.now?.close();
    },
  });
  const ready = await firstLine(server, signal);
  const { address } = JSON.parse(ready) as { address: string };
  env['RAINBOW_HOST'] = address;
  started(demo(address, []));
  say(`server ready on ${address}, its store is ${join(folder, 'rainbow.db')}`);

  // 2. The clusters: each agent registers its own, and keeps the credentials in a file of its own.
  const files = CLUSTERS.map(({ name, size, subsystems }) => {
    const graph = join(folder, `${name}.json`);
    const config = join(folder, `${name}.yaml`);
    return { name, size, subsystems, graph, config };
  });
  for (const { name, size, graph } of files) {
    await runCommand(['graph', 'generate', '--name', name, ...size, '-o', graph], env, signal);
  }
  for (const { name, subsystems, graph, config } of files) {
    await writeClientConfig(config, { clusters: [], groups: [] });
    start(
      `agent of ${name}`,
      [
        'agent',
        `--cluster-name=${name}`,
        `--graph=${graph}`,
        `--state-dir=${join(folder, `agent-${name}`)}`,
        ...subsystems.flatMap((subsystem) => ['--subsystem', subsystem]),
      ],
      { RAINBOW_CONFIG: config },
    );
  }
  const shown = demo(address, []);
  await until(signal, 'the agents to connect', async () => {
    for (const { name, child } of processes) {
      if (child.exitCode !== null) throw new Error(`the ${name} ended with exit code ${child.exitCode}`);
    }
    const { clusters } = await shown.client.clusters.list({});
    return clusters.filter(({ connected }) => connected).length === files.length;
  });
  const { clusters } = await shown.client.clusters.list({});
  for (const { name, resources, subsystems } of clusters) {
    const counts = resources
      .filter(({ type }) => ['node', 'core', 'gpu', 'memory'].includes(type))
      .map(({ type, total, unit }) => `${total}${unit === '' ? '' : ` ${unit}`} ${type}`);
    const more = subsystems.length === 0 ? '' : `; subsystems: ${subsystems.join(', ')}`;
    say(`cluster ${name}: ${counts.join(', ')}${more}; its agent runs real processes`);
  }

  // 3. The user: somebody who was given both tokens.
  const credentials = await Promise.all(
    files.map(async ({ name, config }) => {
      const token = (await readClientConfig(config))?.clusters.find((entry) => entry.name === name)?.token;
      if (typeof token !== 'string') throw new Error(`the agent of ${name} saved no token in ${config}`);
      return { name, token };
    }),
  );
  await writeClientConfig(env['RAINBOW_CONFIG'] ?? '', { host: address, clusters: credentials, groups: [] });
  return demo(address, credentials);
}

function startProcess(name: string, args: readonly string[], folder: string, env: Record<string, string>): Running {
  const log = join(folder, `${name.replaceAll(' ', '-')}.log`);
  const errors = openSync(log, 'a');
  // Its own process group: a Ctrl-C here is for this program, which then stops them in order.
  const child = spawn(rainbow, args, {
    cwd: folder,
    detached: true,
    stdio: ['ignore', 'pipe', errors],
    env: { ...process.env, ...env },
  });
  closeSync(errors);
  if (child.pid === undefined) throw new Error(`${rainbow} could not be started`);
  return { name, pid: child.pid, child, log };
}

function firstLine({ name, child }: Running, signal: AbortSignal): Promise<string> {
  return new Promise((resolve, reject) => {
    const lines = createInterface({ input: child.stdout! });
    lines.once('line', resolve);
    child.once('exit', (code) => reject(new Error(`the ${name} ended with exit code ${code} before it was ready`)));
    signal.addEventListener('abort', () => reject(signal.reason as Error), { once: true });
  });
}

function runCommand(args: readonly string[], env: Record<string, string>, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const child = spawn(rainbow, args, {
      stdio: ['ignore', 'ignore', 'inherit'],
      env: { ...process.env, ...env },
      signal,
    });
    child.once('error', reject);
    child.once('exit', (code) =>
      code === 0 ? resolve() : reject(new Error(`rainbow ${args.join(' ')}: exit code ${code}`)),
    );
  });
}

/** Asks again until it is so. */
export async function until(signal: AbortSignal, what: string, holds: () => Promise<boolean>): Promise<void> {
  while (!(await holds())) {
    if (signal.aborted) throw new Error(`gave up waiting for ${what}: ${(signal.reason as Error).message}`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

function tail(file: string): string {
  return existsSync(file) ? readFileSync(file, 'utf8').split('\n').slice(-20).join('\n') : '';
}

/** Agents first, then the server; who does not stop in ten seconds is ended. */
export async function stopAll({ processes, client }: Demo): Promise<void> {
  client.close();
  for (const { child } of processes) {
    if (child.exitCode !== null || child.signalCode !== null) continue;
    const gone = new Promise<void>((resolve) => child.once('exit', () => resolve()));
    child.kill('SIGTERM');
    const timer = setTimeout(() => child.kill('SIGKILL'), 10_000);
    await gone;
    clearTimeout(timer);
  }
}

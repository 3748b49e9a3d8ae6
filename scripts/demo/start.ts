/** Starts what the demo is made of: the server, two agents that register their clusters, and a user with both tokens. */
import { randomBytes } from 'node:crypto';
import { chmodSync } from 'node:fs';
import { join } from 'node:path';
import { createClient, type RainbowClient } from '../../src/client/client.ts';
import { readClientConfig, writeClientConfig } from '../../src/config/config.ts';
import type { Cluster } from '../../src/gen/rainbow/v1/clusters_pb.js';
import { firstLine, runCommand, type Processes } from './processes.ts';
import { say } from './say.ts';

export interface Demo {
  readonly address: string;
  /** What a person needs to use it. */
  readonly env: Readonly<Record<string, string>>;
  readonly client: RainbowClient;
  readonly credentials: readonly { readonly name: string; readonly token: string }[];
}

const software = join(import.meta.dirname, '..', '..', 'examples', 'demo', 'blue-software.json');

/** The shapes: `red` has gpus, `blue` has more cores, and the software. */
const CLUSTERS = [
  { name: 'red', size: ['--nodes', '2', '--cores', '4', '--gpus', '2', '--memory', '64'], more: [] },
  { name: 'blue', size: ['--nodes', '4', '--cores', '8'], more: [`--subsystem=software=${software}`] },
] as const;

export async function startAll(folder: string, processes: Processes, signal: AbortSignal): Promise<Demo> {
  // Jobs may run as another user than the agent (never as root), and must get at their own folders below.
  chmodSync(folder, 0o711);
  const config = join(folder, 'config.yaml');
  const key = `rbu_${randomBytes(32).toString('base64url')}`;
  const secret = { RAINBOW_SERVER_SECRET: randomBytes(24).toString('base64url') };

  // 1. The server, on a free port.
  const database = join(folder, 'rainbow.db');
  const server = processes.start('server', ['serve', '--host', 'localhost:0', '--db', database, '--json'], secret);
  const { address } = JSON.parse(await firstLine('server', server, signal)) as { address: string };
  say(`server ready on ${address}, its store is ${database}`);

  // 2. The clusters: each agent registers its own, and keeps the credentials in a file of its own.
  const user = { RAINBOW_HOST: address, RAINBOW_CONFIG: config, RAINBOW_KEY: key };
  await Promise.all(
    CLUSTERS.map(async ({ name, size, more }) => {
      const graph = join(folder, `${name}.json`);
      const own = join(folder, `${name}.yaml`);
      await writeClientConfig(own, { clusters: [], groups: [] });
      await runCommand(['graph', 'generate', '--name', name, ...size, '-o', graph], { RAINBOW_CONFIG: own }, signal);
      const args = [`--cluster-name=${name}`, `--graph=${graph}`, `--state-dir=${join(folder, `agent-${name}`)}`];
      const agent = processes.start(`agent of ${name}`, ['agent', ...args, ...more], {
        ...secret,
        RAINBOW_HOST: address,
        RAINBOW_CONFIG: own,
      });
      agent.stdout?.resume();
    }),
  );
  const client = createClient({ host: address, authorization: key });
  let clusters: readonly Cluster[] = [];
  while (clusters.filter(({ connected }) => connected).length < CLUSTERS.length) {
    processes.check();
    signal.throwIfAborted();
    await new Promise((resolve) => setTimeout(resolve, 50));
    ({ clusters } = await client.clusters.list({}, { signal }));
  }
  for (const cluster of clusters) tellCluster(cluster);

  // 3. The user: somebody who was given both tokens.
  const credentials = await Promise.all(
    CLUSTERS.map(async ({ name }) => {
      const saved = await readClientConfig(join(folder, `${name}.yaml`));
      const token = saved?.clusters.find((entry) => entry.name === name)?.token;
      if (token === undefined) throw new Error(`the agent of ${name} saved no token`);
      return { name, token };
    }),
  );
  await writeClientConfig(config, { host: address, clusters: credentials, groups: [] });
  return { address, env: { ...user, ...secret }, client, credentials };
}

function tellCluster({ name, resources, subsystems }: Cluster): void {
  const counts = resources
    .filter(({ type }) => ['node', 'core', 'gpu', 'memory'].includes(type))
    .map(({ type, total, unit }) => `${total}${unit === '' ? '' : ` ${unit}`} ${type}`);
  const more = subsystems.length === 0 ? '' : `; subsystem ${subsystems.join(', ')}`;
  say(`cluster ${name}: ${counts.join(', ')}${more}; its agent runs real processes here`);
}

/** Following against a real server: what was found is registered, whatever came and went between two looks. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { createClient, type RainbowClient } from '../client/client.ts';
import { layOut } from '../core/discover/layout.ts';
import { serve, type RunningServer } from '../server/serve.ts';
import { realSystem } from '../system/real.ts';
import { simulatedSystem, type SimulatedSystem } from '../system/simulated.ts';
import { clusterUpdates, createClusterFollower, type ClusterFollower } from './follow-cluster.ts';
import type { ClusterNow } from './runners/runner.ts';

const SECRET = 'orange';
let folder: string;
let server: RunningServer;
let client: RainbowClient;
let system: SimulatedSystem;
let follower: ClusterFollower;
let now: ClusterNow;
/** Fulfilled with the end of the next look. */
let looked = Promise.withResolvers<void>();

/** A cluster of these nodes, each in the partition `main`. */
function clusterOf(...nodes: string[]): ClusterNow {
  const found = layOut({
    name: 'red',
    nodes: nodes.map((name) => {
      return { name, sockets: [{ cores: 2, devices: [] }], memoryMiB: 0, devices: [], properties: [] };
    }),
    partitions: [{ name: 'main', nodes, facts: {} }],
  });
  return { ...found, state: { nodes_total: nodes.length } };
}

function sawIt(): void {
  const { resolve } = looked;
  looked = Promise.withResolvers<void>();
  resolve();
}

/** The next look, and all that it leads to. */
async function look(): Promise<void> {
  const next = looked.promise;
  await system.advance(1000);
  await next;
}

/** Of the registered cluster: nodes, state, and how many nodes a job may have in the partition. */
async function registered(): Promise<readonly unknown[]> {
  const { resources, state, subsystems } = await client.clusters.get({ name: 'red' });
  const jobspec = JSON.stringify({
    version: 1,
    resources: {
      all: { type: 'node', count: 9, requires: [{ name: 'partition', field: 'name', match: 'main' }] },
    },
    tasks: [{ command: 'true', resources: 'all' }],
  });
  const { candidates } = await client.jobs.match({ jobspec });
  return [resources.find(({ type }) => type === 'node')?.total, state, subsystems, candidates[0]?.reasons[0]?.best];
}

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'rainbow-follow-'));
  const database = join(folder, 'rainbow.db');
  server = await serve(
    { host: '127.0.0.1:0', database, version: 'test', secret: SECRET, logLevel: 'silent' },
    realSystem,
  );
  client = createClient({ host: server.address });
  system = simulatedSystem();
  now = clusterOf('a', 'b');
  const before = clusterOf('x');
  const { secret } = await client.clusters.register({ name: 'red', secret: SECRET, graph: before.graph });
  // By an earlier run of the agent; it names a node that is gone.
  const graph = before.subsystems['partition']!;
  await client.clusters.registerSubsystem({ cluster: 'red', secret, subsystem: 'modules', graph });
  const log = { info: () => undefined, warn: () => undefined };
  follower = createClusterFollower(
    {
      discovery: { discover: async () => now },
      updates: clusterUpdates(client, 'red', secret),
      registered: null,
      former: ['modules'],
      everyMs: 1000,
    },
    { system, log, looked: sawIt },
  );
  const first = looked.promise;
  follower.connected();
  await first;
});
afterEach(async () => {
  follower.disconnected();
  client.close();
  await server.stop();
  await rm(folder, { recursive: true, force: true });
});

test.each([
  ['one more', ['a', 'b', 'c']],
  ['one less', ['a']],
  ['one for another', ['a', 'c']],
  ['all others', ['c', 'd', 'e']],
])('%s', async (_what, nodes) => {
  expect(await registered()).toEqual([2, { nodes_total: 2 }, ['partition'], 2]);
  now = clusterOf(...nodes);
  await look();
  await look();
  expect(await registered()).toEqual([nodes.length, { nodes_total: nodes.length }, ['partition'], nodes.length]);
});

test('a subsystem that is not there any more is taken back', async () => {
  now = { ...clusterOf('a', 'b'), subsystems: {} };
  await look();
  expect((await registered()).slice(0, 3)).toEqual([2, { nodes_total: 2 }, []]);
});

/** What is registered follows a real Slurm: nodes drained, down, added and gone, and the modules of its users. */
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { clusterUpdates, createClusterFollower, type ClusterFollower } from '../../src/agent/follow-cluster.ts';
import { runnerNamed } from '../../src/agent/runners/runners.ts';
import { withModules } from '../../src/agent/software-modules.ts';
import { createClient, type RainbowClient } from '../../src/client/client.ts';
import { generateGraph } from '../../src/core/graph/generate.ts';
import type { Cluster } from '../../src/gen/rainbow/v1/clusters_pb.js';
import { serve, type RunningServer } from '../../src/server/serve.ts';
import { realSystem } from '../../src/system/real.ts';
import { slurmMissing, startLab, type Lab } from '../lab/slurm.ts';
import { skipWithout } from '../needs.ts';
import { until as untilFound } from '../../src/system/testing/until.ts';

const away = skipWithout('slurm', slurmMissing());
const PATIENT_MS = 180_000;
const SECRET = 'orange';

let root: string;
let lab: Lab;
let server: RunningServer;
let client: RainbowClient;
let follower: ClusterFollower;
const said: string[] = [];

async function until(what: string, isSo: (cluster: Cluster) => boolean): Promise<Cluster> {
  let cluster: Cluster | null = null;
  const look = async (): Promise<Cluster | null> => {
    cluster = await client.clusters.get({ name: 'red' });
    return isSo(cluster) ? cluster : null;
  };
  return untilFound(what, look, () => JSON.stringify([cluster?.state, cluster?.resources, said]));
}

const nodes = ({ resources }: Cluster): number => resources.find(({ type }) => type === 'node')?.total ?? 0;
const state = ({ state: told }: Cluster, key: string): unknown => (told as Record<string, unknown> | undefined)?.[key];

/** As an administrator changes the nodes of a cluster: in its configuration, and the controller starts again. */
async function reconfigure(spec: string): Promise<void> {
  await lab.end('red', 'slurmctld', 'SIGTERM');
  await lab.revive(spec);
}

describe.skipIf(away)('a cluster of Slurm', { timeout: PATIENT_MS }, () => {
  beforeAll(async () => {
    root = await mkdtemp(join(tmpdir(), 'rainbow-follow-'));
    await mkdir(join(root, 'modules', 'gcc'), { recursive: true });
    await writeFile(join(root, 'modules', 'gcc', '12.2.0'), '#%Module1.0\n');
    lab = await startLab(['red:2']);
    const database = join(root, 'rainbow.db');
    server = await serve(
      { host: '127.0.0.1:0', database, version: 'test', secret: SECRET, logLevel: 'silent' },
      realSystem,
    );
    client = createClient({ host: server.address, authorization: SECRET });
    const graph = generateGraph({ name: 'red', nodes: 1, coresPerNode: 1 });
    const { secret } = await client.clusters.register({ name: 'red', secret: SECRET, graph });
    const log = { info: () => undefined, warn: (text: string) => void said.push(text) };
    const environment = { PATH: process.env['PATH'], SLURM_CONF: lab.conf('red') };
    const discovery = runnerNamed('slurm').discovery!({ cluster: 'red', environment }, realSystem);
    follower = createClusterFollower(
      {
        discovery: withModules(discovery, [join(root, 'modules')], { system: realSystem, log }),
        updates: clusterUpdates(client, 'red', secret),
        registered: null,
        everyMs: 200,
      },
      { system: realSystem, log, looked: () => undefined },
    );
    follower.connected();
  }, PATIENT_MS);
  afterAll(async () => {
    follower?.disconnected();
    client?.close();
    await server?.stop();
    await lab?.wipe();
    await rm(root, { recursive: true, force: true, maxRetries: 20, retryDelay: 50 });
  });

  test('is registered as it is, modules too, and drains change its state alone', async () => {
    const found = await until('it is registered', (cluster) => state(cluster, 'nodes_total') === 2);
    expect(nodes(found)).toBe(2);
    expect(found.subsystems.toSorted()).toEqual(['modules', 'partition']);
    const jobspec = JSON.stringify({
      version: 1,
      resources: {
        all: {
          type: 'node',
          count: 2,
          requires: [
            { name: 'modules', field: 'name', match: 'gcc' },
            { name: 'modules', field: 'version', min: '12' },
          ],
        },
      },
      tasks: [{ command: 'gcc', resources: 'all' }],
    });
    expect((await client.jobs.match({ jobspec })).candidates[0]?.reasons).toEqual([]);

    await lab.slurm('red', 'scontrol', 'update', 'NodeName=red-c2', 'State=DRAIN', 'Reason=fan');
    const drained = await until('the drain is seen', (cluster) => state(cluster, 'nodes_drained') === 1);
    expect([drained.graphVersion, nodes(drained), state(drained, 'nodes_free')]).toEqual([found.graphVersion, 2, 1]);
    await lab.slurm('red', 'scontrol', 'update', 'NodeName=red-c2', 'State=DOWN', 'Reason=fan');
    await until('it is down', (cluster) => state(cluster, 'nodes_free') === 1 && state(cluster, 'nodes_drained') !== 2);
    await lab.slurm('red', 'scontrol', 'update', 'NodeName=red-c2', 'State=RESUME');
    await until('it serves again', (cluster) => state(cluster, 'nodes_free') === 2);
  });

  test('a node that is added is one more, with its partition and modules; one that is taken out is gone', async () => {
    await reconfigure('red:3');
    const grown = await until(
      'there is one more',
      (cluster) => nodes(cluster) === 3 && state(cluster, 'nodes_free') === 3,
    );
    expect(grown.resources.find(({ type }) => type === 'core')?.total).toBe(24);
    await reconfigure('red:2');
    const back = await until('it is gone', (cluster) => nodes(cluster) === 2 && state(cluster, 'nodes_total') === 2);
    expect(back.subsystems.toSorted()).toEqual(['modules', 'partition']);
  });
});

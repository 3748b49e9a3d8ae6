/** A mapped agent on a real Slurm: each account as a local user, and nobody else's jobs come near it. */
import { createHash } from 'node:crypto';
import { mkdtemp, chmod, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { runAgent } from '../../src/agent/agent.ts';
import { createClient, type RainbowClient } from '../../src/client/client.ts';
import { allowLoss } from '../../src/core/translate/allow-loss.ts';
import { generateGraph } from '../../src/core/graph/generate.ts';
import { JobState, type Job } from '../../src/gen/rainbow/v1/job_pb.js';
import { serve, type RunningServer } from '../../src/server/serve.ts';
import { realSystem } from '../../src/system/real.ts';
import { slurmMissing, startLab, type Lab } from '../lab/slurm.ts';
import { skipWithout } from '../needs.ts';
import { until as untilFound } from '../../src/system/testing/until.ts';

const away = skipWithout('slurm', slurmMissing());
const PATIENT_MS = 180_000;
const SECRET = 'orange';
const key = (name: string): string => `rbu_${name.padEnd(43, '0')}`;
/** As a job's `owner` has it. */
const ownerOf = (name: string): string => `user:${createHash('sha256').update(key(name)).digest('hex')}`;

const JOBSPEC = JSON.stringify({
  version: 1,
  resources: [{ type: 'slot', count: 1, label: 't', with: [{ type: 'core', count: 1 }] }],
  tasks: [{ command: ['id', '-un'], slot: 't', count: { per_slot: 1 } }],
  attributes: { system: { duration: 60 } },
});

let root: string;
let lab: Lab;
let server: RunningServer;
const clients: RainbowClient[] = [];
const ending = new AbortController();
let agent: Promise<unknown> = Promise.resolve();

function client(authorization: string): RainbowClient {
  const made = createClient({ host: server.address, authorization });
  clients.push(made);
  return made;
}

describe.skipIf(away)('an agent that maps accounts', { timeout: PATIENT_MS }, () => {
  beforeAll(async () => {
    root = await mkdtemp(join(tmpdir(), 'rainbow-mapped-'));
    await chmod(root, 0o755);
    lab = await startLab(['red:1']);
    const database = join(root, 'rainbow.db');
    const agents = { heartbeat: 1 };
    server = await serve(
      { host: '127.0.0.1:0', database, version: 'test', secret: SECRET, agents, logLevel: 'silent' },
      realSystem,
    );
  }, PATIENT_MS);
  afterAll(async () => {
    ending.abort();
    await agent;
    for (const each of clients) each.close();
    await server?.stop();
    await lab?.wipe();
    await rm(root, { recursive: true, force: true, maxRetries: 20, retryDelay: 50 });
  });

  test('runs jobs of those in its map as their local users, and is a no for everybody else', async () => {
    const operator = client(SECRET);
    const graph = generateGraph({ name: 'red', nodes: 1, coresPerNode: 1 });
    const { secret, token } = await operator.clusters.register({ name: 'red', secret: SECRET, graph });
    const mapUsers = join(root, 'map');
    await writeFile(mapUsers, `${ownerOf('ann')} daemon\n`, { mode: 0o644 });
    agent = runAgent(
      {
        host: server.address,
        cluster: 'red',
        secret,
        runner: 'slurm',
        stateDir: join(root, 'state'),
        graph,
        mapUsers,
        environment: { PATH: process.env['PATH'], SLURM_CONF: lab.conf('red') },
      },
      realSystem,
      ending.signal,
    ).catch((error: unknown) => error);
    const said = async (): Promise<string> => String(await Promise.race([agent, Promise.resolve('the agent runs')]));
    const until = (isSo: () => Promise<boolean>): Promise<boolean> => untilFound(isSo.toString(), isSo, said);
    await until(async () => (await operator.clusters.get({ name: 'red' })).connected);

    const credentials = [{ name: 'red', token }];
    const bob = await client(key('bob')).jobs.submit({ jobspec: JOBSPEC, credentials });
    expect(bob.job).toMatchObject({ owner: ownerOf('bob'), state: JobState.REJECTED });
    expect(bob.decision?.candidates[0]?.reasons[0]).toMatchObject({ stage: 'owner' });

    const ann = client(key('ann'));
    // What Slurm cannot be told is in the way, unless its owner allowed that; then the agent does not mind either.
    const strange = JOBSPEC.replace('"duration"', '"strange":{"a":1},"duration"');
    const lossy = await ann.jobs.submit({ jobspec: strange, credentials });
    expect(lossy.job).toMatchObject({ state: JobState.REJECTED });
    const { job } = await ann.jobs.submit({ jobspec: allowLoss(strange), credentials });
    expect(job?.owner).toBe(ownerOf('ann'));
    let ended: Job | null = null;
    await until(async () => {
      const now = await ann.jobs.get({ id: job!.id });
      if (now.endedAt !== undefined) ended = now;
      return ended !== null;
    });
    expect(ended).toMatchObject({ state: JobState.COMPLETED, exitCode: 0 });
    const parts: Uint8Array[] = [];
    for await (const chunk of ann.jobs.readOutput({ id: job!.id })) parts.push(chunk.data);
    expect(Buffer.concat(parts).toString()).toBe('daemon\n');
  });
});

/**
 * examples/flux/in-slurm.sh for real: a job of a real Slurm starts a real Flux instance over its nodes, which is a cluster
 * for as long as that job runs. Needs both.
 */
import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { chmod, mkdir, mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createClient, type RainbowClient } from '../../src/client/client.ts';
import { JobState, type Job } from '../../src/gen/rainbow/v1/job_pb.js';
import { serve, type RunningServer } from '../../src/server/serve.ts';
import { realSystem } from '../../src/system/real.ts';
import { fluxMissing } from '../lab/flux.ts';
import { slurmMissing, startLab, type Lab } from '../lab/slurm.ts';
import { skipWithout } from '../needs.ts';
import { until } from '../../src/system/testing/until.ts';

const away = skipWithout('flux', fluxMissing()) || skipWithout('slurm', slurmMissing());
const run = promisify(execFile);
const PATIENT_MS = 240_000;
const NOBODY = 65_534;
const SECRET = 'orange';
const repository = join(import.meta.dirname, '..', '..');

let root: string;
let lab: Lab;
let server: RunningServer;
let client: RainbowClient;

describe.skipIf(away)('a Flux instance inside a Slurm job', { timeout: PATIENT_MS }, () => {
  beforeAll(async () => {
    root = await mkdtemp(join(tmpdir(), 'rainbow-in-slurm-'));
    await chmod(root, 0o755);
    await mkdir(join(root, 'home'), { mode: 0o777 });
    await chmod(join(root, 'home'), 0o777);
    lab = await startLab(['red:2']);
    const database = join(root, 'rainbow.db');
    const agents = { heartbeat: 1 };
    server = await serve(
      { host: '127.0.0.1:0', database, version: 'test', secret: SECRET, agents, logLevel: 'silent' },
      realSystem,
    );
    client = createClient({ host: server.address, authorization: SECRET });
  }, PATIENT_MS);
  afterAll(async () => {
    client?.close();
    await lab?.wipe();
    await server?.stop();
    await rm(root, { recursive: true, force: true, maxRetries: 20, retryDelay: 50 });
  });

  test('is one more cluster over all its nodes, takes no job that would outlive it, and leaves when it ends', async () => {
    const path = process.env['PATH'] ?? '';
    const flux = path.split(':').find((folder) => folder !== '' && existsSync(join(folder, 'flux'))) ?? '';
    const log = join(root, 'home', 'log');
    // Root may start daemons, but no instance: the agent would run nothing as root.
    const { stdout } = await run(
      'sbatch',
      ['--parsable', '--nodes=2', '--time=20', `--output=${log}`, join(repository, 'examples', 'flux', 'in-slurm.sh')],
      {
        uid: NOBODY,
        gid: NOBODY,
        cwd: '/',
        env: {
          PATH: `${join(repository, 'bin')}:${dirname(process.execPath)}:${flux}:/usr/local/bin:/usr/bin:/bin`,
          HOME: join(root, 'home'),
          SLURM_CONF: lab.conf('red'),
          RAINBOW_HOST: server.address,
          RAINBOW_SERVER_SECRET: SECRET,
        },
      },
    );
    const slurmJob = stdout.trim();
    const name = `flux-${slurmJob}`;
    const said = async (): Promise<string> => {
      const maintenance = join(root, 'home', '.rainbow-spool', name, 'maintenance.log');
      return `${await readFile(log, 'utf8').catch(() => '')}\n${await readFile(maintenance, 'utf8').catch(() => '')}`;
    };

    const cluster = await until(
      'the cluster, with its maintenance',
      async () => {
        const found = await client.clusters.get({ name }).catch(() => null);
        return found?.connected === true && found.maintenance.length > 0 ? found : null;
      },
      said,
    );
    expect(cluster.runner).toBe('flux');
    expect(cluster.resources.find(({ type }) => type === 'node')?.total).toBe(2);

    const job = (seconds: number, ...command: string[]): string =>
      JSON.stringify({
        version: 1,
        resources: [
          {
            type: 'node',
            count: 2,
            with: [{ type: 'slot', count: 1, label: 't', with: [{ type: 'core', count: 1 }] }],
          },
        ],
        tasks: [{ command, slot: 't', count: { per_slot: 1 } }],
        attributes: { system: { duration: seconds } },
      });
    const short = await client.jobs.submit({ jobspec: job(60, 'sh', '-c', 'flux getattr rank'), clusters: [name] });
    const done = await until(
      'the end of a job over both nodes',
      async (): Promise<Job | null> => {
        const now = await client.jobs.get({ id: short.job!.id });
        return now.endedAt === undefined ? null : now;
      },
      said,
    );
    expect(JobState[done.state]).toBe('COMPLETED');
    const parts: string[] = [];
    for await (const chunk of client.jobs.readOutput({ id: done.id })) parts.push(Buffer.from(chunk.data).toString());
    expect(parts.join('').split('\n').filter(Boolean).toSorted()).toEqual(['0', '1']);

    const long = await client.jobs.submit({ jobspec: job(3600, 'true'), clusters: [name] });
    expect(long.job).toMatchObject({ state: JobState.PENDING });
    expect(long.job?.reason?.message).toContain('its Slurm job ends');

    await lab.slurm('red', 'scancel', slurmJob);
    await until(
      'the cluster is gone',
      async () => ((await client.clusters.list({})).clusters.length === 0 ? true : null),
      said,
    );
  });
});

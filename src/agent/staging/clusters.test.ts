/**
 * Files that travel with jobs of real Slurm and Flux clusters: they begin where their files are, and what they leave
 * comes back. What is handed to a cluster is also tried on a node that does not see the folder: it is not run then.
 */
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { chmod, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { homeIn, rainbow } from '../../../test/cli/command-line.ts';
import { fluxMissing, startFlux, type FluxLab } from '../../../test/lab/flux.ts';
import { slurmMissing, startLab, type Lab } from '../../../test/lab/slurm.ts';
import { skipWithout } from '../../../test/needs.ts';
import { createClient, type RainbowClient } from '../../client/client.ts';
import { generateGraph } from '../../core/graph/generate.ts';
import { JobState, type Job } from '../../gen/rainbow/v1/job_pb.js';
import { serve, type RunningServer } from '../../server/serve.ts';
import { realSystem } from '../../system/real.ts';
import { runAgent, type AgentOptions } from '../agent.ts';
import { jobspecOf } from '../runners/conformance.ts';
import { fluxJobOf, nativeJobspec } from '../runners/flux/submit.ts';
import type { Order } from '../runners/runner.ts';
import { slurmJobOf } from '../runners/slurm/submit.ts';
import { wrapperScript } from '../runners/slurm/wrapper.ts';

const SECRET = 'test-server-secret';
const FINAL = [JobState.COMPLETED, JobState.FAILED, JobState.CANCELED, JobState.REJECTED];
const PATIENT_MS = 120_000;

let root: string;
let server: RunningServer;
let client: RainbowClient;
const endings: (() => Promise<unknown>)[] = [];

beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'rainbow-staging-'));
  await chmod(root, 0o755);
  server = await serve(
    {
      host: '127.0.0.1:0',
      database: ':memory:',
      version: 'test',
      secret: SECRET,
      logLevel: 'silent',
      graceSeconds: 0.2,
    },
    realSystem,
  );
  client = createClient({ host: server.address, authorization: SECRET });
});
afterAll(async () => {
  for (const end of endings.splice(0).reverse()) await end();
  client.close();
  await server.stop();
  await rm(root, { recursive: true, force: true, maxRetries: 20, retryDelay: 50 });
}, PATIENT_MS);

async function withAgent(name: string, more: Partial<AgentOptions>): Promise<string> {
  const graph = generateGraph({ name, nodes: 1, coresPerNode: 1 });
  const { secret, token } = await client.clusters.register({ name, secret: SECRET, graph });
  const ending = new AbortController();
  const options = { host: server.address, cluster: name, secret, runner: 'slurm', graph, followEvery: 10_000 };
  const done = runAgent({ ...options, stateDir: join(root, name), ...more }, realSystem, ending.signal);
  endings.push(() => {
    ending.abort();
    return done.catch((error: unknown) => error);
  });
  return token;
}

/** `words` of a file `in/words`; answers its end. */
async function run(cluster: string, token: string, words: string, script: string): Promise<Job> {
  const data = Buffer.from(words);
  const sha256 = createHash('sha256').update(data).digest('hex');
  const file = { path: 'in/words', size: String(data.byteLength), executable: false, sha256 };
  async function* contents() {
    yield { file, credentials: [{ name: cluster, token }] };
    yield { data };
  }
  await client.files.upload(contents());
  const { job } = await client.jobs.submit({
    jobspec: jobspecOf(script, 1),
    credentials: [{ name: cluster, token }],
    stageIn: [file],
    stageOut: ['out'],
    waitForCluster: true,
  });
  for (;;) {
    const now = await client.jobs.get({ id: job!.id });
    if (FINAL.includes(now.state)) return now;
    await new Promise((resolve) => setTimeout(resolve, 100)); // oxlint-disable-line no-restricted-globals -- between two looks
  }
}

async function brought(jobId: string): Promise<string> {
  const pieces: Uint8Array[] = [];
  for await (const { files, epoch } of client.files.list({ jobId })) {
    expect(files.map(({ path }) => path)).toEqual(['out']);
    for await (const { data } of client.files.download({ jobId, epoch, sha256: [files[0]!.sha256] })) pieces.push(data);
  }
  return Buffer.concat(pieces).toString();
}

const SCRIPT = 'cat in/words > out; test "$PWD" = "$RAINBOW_FILES" && echo here >> out; exit 3';

describe('a node that does not see the folder', () => {
  const order = (sandbox: string): Order => ({
    jobId: '7',
    epoch: 1,
    name: '',
    owner: '',
    jobspec: jobspecOf('echo ran', 1),
    walltime: 60,
    priority: 0,
    sandbox,
  });
  const name = { jobId: '7', epoch: 1, realm: '00000000', nonce: '0'.repeat(12) };
  const SAID = /the folder of its files, .*, is not there on node .*--sandboxes/;

  test.each([true, false])('of Slurm (seen: %s)', async (isSeen) => {
    const dir = await mkdtemp(join(root, 'job-'));
    const runDir = join(dir, 'run');
    await mkdir(runDir);
    await writeFile(join(dir, 'order.json'), '{}');
    const asked = slurmJobOf(order('')).asked;
    const sandbox = isSeen ? runDir : join(runDir, 'absent');
    const script = wrapperScript({ order: order(sandbox), name, cluster: 'red', asked, runDir });
    const { status, stdout, stderr } = spawnSync('/bin/sh', ['-c', script], { encoding: 'utf8' });
    expect([status, stdout]).toEqual(isSeen ? [0, 'ran\n'] : [127, '']);
    if (isSeen) return;
    expect(stderr).toMatch(SAID);
    expect(await readFile(join(runDir, 'cannot.0.0'), 'utf8')).toMatch(SAID);
  });

  test.each([true, false])('of Flux (seen: %s)', (isSeen) => {
    const sandbox = isSeen ? root : join(root, 'absent');
    const text = nativeJobspec(fluxJobOf(order(sandbox)), order(sandbox), name, {
      cluster: 'blue',
      runDir: '/r',
      environment: {},
    });
    const { tasks, attributes } = JSON.parse(text) as {
      tasks: { command: string[] }[];
      attributes: { system: { cwd: string; environment: Record<string, string> } };
    };
    expect(attributes.system.cwd).toBe(sandbox);
    const [program = '', ...args] = tasks[0]!.command;
    const env = { ...process.env, ...attributes.system.environment };
    const { status, stdout, stderr } = spawnSync(program, args, { encoding: 'utf8', env });
    expect([status, stdout]).toEqual(isSeen ? [0, 'ran\n'] : [127, '']);
    expect(stderr).toMatch(isSeen ? /^$/ : SAID);
  });
});

const noSlurm = skipWithout('slurm', slurmMissing());
describe.skipIf(noSlurm)('with Slurm', () => {
  let lab: Lab;
  const environment = () => ({ PATH: process.env['PATH'], SLURM_CONF: lab.conf('red') });
  beforeAll(async () => {
    lab = await startLab(['red:1:1']);
    endings.push(() => lab.wipe());
  }, PATIENT_MS);

  test('a job begins where its files are, and what it leaves comes back', { timeout: PATIENT_MS }, async () => {
    const token = await withAgent('red', { environment: environment() });
    const job = await run('red', token, 'for slurm ', SCRIPT);
    expect(job).toMatchObject({ state: JobState.FAILED, exitCode: 3 });
    expect(job.files!.collected).toMatchObject([{ files: 1, notes: [] }]);
    expect(await brought(job.id)).toBe('for slurm here\n');
  });

  test('an array of a script is one of Rainbow’s: each task runs once there', { timeout: PATIENT_MS }, async () => {
    const shared = join(root, 'shared');
    await mkdir(shared);
    await chmod(shared, 0o777);
    const script = join(root, 'sweep.sh');
    const lines = [
      '#!/bin/sh',
      '#SBATCH --array=4,6 --time=2 --no-requeue',
      `echo $SLURM_ARRAY_TASK_ID >> ${shared}/log`,
    ];
    await writeFile(script, `${lines.join('\n')}\n`);
    const args = [
      'submit',
      '--batch',
      script,
      '--operator',
      '--secret',
      SECRET,
      '--cluster',
      'red',
      '--wait',
      '--json',
    ];
    const outcome = await rainbow(args, { env: { ...homeIn(root), RAINBOW_HOST: server.address } });
    expect([outcome.code, outcome.stderr]).toEqual([0, expect.any(String)]);
    expect((await readFile(join(shared, 'log'), 'utf8')).split('\n').sort()).toEqual(['', '4', '6']);
  });
});

const noFlux = skipWithout('flux', fluxMissing());
describe.skipIf(noFlux)('with Flux', () => {
  let flux: FluxLab;
  beforeAll(async () => {
    flux = await startFlux({ nodes: 1, cores: 1 });
    endings.push(() => flux.wipe());
  }, PATIENT_MS);

  test('a job begins where its files are, and what it leaves comes back', { timeout: PATIENT_MS }, async () => {
    const { PATH, FLUX_URI } = flux.environment();
    const token = await withAgent('blue', { runner: 'flux', environment: { PATH, FLUX_URI } });
    const job = await run('blue', token, 'for flux ', SCRIPT);
    expect(job).toMatchObject({ state: JobState.FAILED, exitCode: 3 });
    expect(await brought(job.id)).toBe('for flux here\n');
  });
});

/**
 * Files that travel with jobs of real Slurm and Flux clusters: they begin where their files are, and what they leave
 * comes back. What is handed to a cluster is also tried on a node that does not see the folder: it is not run then.
 */
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { chmod, mkdir, mkdtemp, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { homeIn, rainbow } from '../../../test/cli/command-line.ts';
import { fluxMissing, startFlux, type FluxLab } from '../../../test/lab/flux.ts';
import { slurmMissing, startLab, type Lab } from '../../../test/lab/slurm.ts';
import { skipWithout } from '../../../test/needs.ts';
import { JobState, type Job } from '../../gen/rainbow/v1/job_pb.js';
import type { AgentOptions } from '../agent.ts';
import { jobspecOf } from '../testing/jobspec.ts';
import { fluxJobOf, nativeJobspec } from '../runners/flux/submit.ts';
import type { Order } from '../runners/runner.ts';
import { slurmJobOf } from '../runners/slurm/submit.ts';
import { wrapperScript } from '../runners/slurm/wrapper.ts';
import { openAgentRig, SERVER_SECRET, type AgentRig, type Here } from '../testing/rig.ts';

const PATIENT_MS = 120_000;

let rig: AgentRig;
beforeAll(async () => {
  rig = await openAgentRig({ database: ':memory:' });
});
afterAll(() => rig.close(), PATIENT_MS);

/** A cluster with its agent, which ends before what it is of. */
async function withAgent(kind: string, more: Partial<AgentOptions>): Promise<Here> {
  const here = await rig.cluster(kind, { followEvery: 10_000, ...more });
  rig.agent(here);
  return here;
}

/** `words` of a file `in/words`; answers its end. */
async function run({ name, token }: Here, words: string, script: string): Promise<Job> {
  const data = Buffer.from(words);
  const sha256 = createHash('sha256').update(data).digest('hex');
  const file = { path: 'in/words', size: String(data.byteLength), executable: false, sha256 };
  async function* contents() {
    yield { file, credentials: [{ name, token }] };
    yield { data };
  }
  await rig.client.files.upload(contents());
  const { job } = await rig.client.jobs.submit({
    jobspec: jobspecOf(script, 1),
    credentials: [{ name, token }],
    stageIn: [file],
    stageOut: ['out'],
    waitForCluster: true,
  });
  return rig.ended(job!.id);
}

async function brought(jobId: string): Promise<string> {
  const pieces: Uint8Array[] = [];
  for await (const { files, epoch } of rig.client.files.list({ jobId })) {
    expect(files.map(({ path }) => path)).toEqual(['out']);
    for await (const { data } of rig.client.files.download({ jobId, epoch, sha256: [files[0]!.sha256] }))
      pieces.push(data);
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
    const dir = await mkdtemp(join(rig.root, 'job-'));
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
    const sandbox = isSeen ? rig.root : join(rig.root, 'absent');
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
  let red: Here;
  beforeAll(async () => {
    lab = await startLab(['red:1:1']);
    rig.afterwards(() => lab.wipe());
    const environment = { PATH: process.env['PATH'], SLURM_CONF: lab.conf('red') };
    red = await withAgent('red', { runner: 'slurm', environment });
  }, PATIENT_MS);

  test('a job begins where its files are, and what it leaves comes back', { timeout: PATIENT_MS }, async () => {
    const job = await run(red, 'for slurm ', SCRIPT);
    expect(job).toMatchObject({ state: JobState.FAILED, exitCode: 3 });
    expect(job.files!.collected).toMatchObject([{ files: 1, notes: [] }]);
    expect(await brought(job.id)).toBe('for slurm here\n');
  });

  test('an array of a script is one of Rainbow’s: each task runs once there', { timeout: PATIENT_MS }, async () => {
    const shared = join(rig.root, 'shared');
    await mkdir(shared);
    await chmod(shared, 0o777);
    const script = join(rig.root, 'sweep.sh');
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
      SERVER_SECRET,
      '--cluster',
      red.name,
      '--wait',
      '--json',
    ];
    const outcome = await rainbow(args, { env: { ...homeIn(rig.root), RAINBOW_HOST: rig.server.address } });
    expect([outcome.code, outcome.stderr]).toEqual([0, expect.any(String)]);
    expect((await readFile(join(shared, 'log'), 'utf8')).split('\n').sort()).toEqual(['', '4', '6']);
  });
});

const noFlux = skipWithout('flux', fluxMissing());
describe.skipIf(noFlux)('with Flux', () => {
  let flux: FluxLab;
  beforeAll(async () => {
    flux = await startFlux({ nodes: 1, cores: 1 });
    rig.afterwards(() => flux.wipe());
  }, PATIENT_MS);

  test('a job begins where its files are, and what it leaves comes back', { timeout: PATIENT_MS }, async () => {
    const { PATH, FLUX_URI } = flux.environment();
    const blue = await withAgent('blue', { runner: 'flux', environment: { PATH, FLUX_URI } });
    const job = await run(blue, 'for flux ', SCRIPT);
    expect(job).toMatchObject({ state: JobState.FAILED, exitCode: 3 });
    expect(await brought(job.id)).toBe('for flux here\n');
  });
});

/**
 * Agents with the slurm runner, the real server and real Slurm clusters: killed with SIGKILL between every two steps,
 * controllers killed under load, nodes drained and lost. What is counted is what jobs themselves wrote down.
 */
import { writeFile } from 'node:fs/promises';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { slurmMissing, startLab, type Lab } from '../../../../test/lab/slurm.ts';
import { skipWithout } from '../../../../test/needs.ts';
import { JobState } from '../../../gen/rainbow/v1/job_pb.js';
import { WITH_SLURM } from '../../sentinels.ts';
import { NO_CONTEXT } from '../../../core/translate/context.ts';
import { slurmJob } from '../../../core/translate/render/slurm.ts';
import { readSbatch } from '../../../core/translate/slurm/read.ts';
import { jobspecOf } from '../../testing/jobspec.ts';
import { killedAt, startedOnce } from '../../testing/killed-at.ts';
import { openAgentRig, type AgentRig, type Here } from '../../testing/rig.ts';
import { until } from '../../../system/testing/until.ts';

const away = skipWithout('slurm', slurmMissing());
/** A busy machine is slow: what matters is what happened, and how often. */
const PATIENT_MS = process.env['RAINBOW_SOAK'] === undefined ? 240_000 : 900_000;
const IS_SOAK = process.env['RAINBOW_SOAK'] !== undefined;
/** Of jobs over both clusters at once. */
const MANY = IS_SOAK ? 500 : 60;

let rig: AgentRig;
let lab: Lab;

/** A cluster of Rainbow's on one of Slurm's; several may share it, each has its own realm. */
const cluster = (slurm: string, followEvery = 10_000): Promise<Here> =>
  rig.cluster(slurm, {
    runner: 'slurm',
    followEvery,
    environment: { PATH: process.env['PATH'], SLURM_CONF: lab.conf(slurm) },
  });
const nodesOf = (here: Here, key: string): Promise<unknown> => rig.stateOf(here, key);

describe.skipIf(away)('agents on real Slurm clusters', { timeout: PATIENT_MS }, () => {
  beforeAll(async () => {
    lab = await startLab(['red:3:1:a100', 'blue:2:1:h100'], {
      // How soon an absent controller is noticed; and a node, which only the soak waits for.
      SLURM_LAB_MSG_TIMEOUT: '5',
      SLURM_LAB_NODE_TIMEOUT: IS_SOAK ? '5' : '60',
    });
    rig = await openAgentRig({ scheduler: { rebidEvery: 1, rebidLeast: 60, bidReuse: 1, bidWithin: 10 } });
  });
  afterEach(() => rig.endAgents());
  afterAll(async () => {
    await rig?.close();
    await lab?.wipe();
  });

  test('discovery: nodes, sockets, cores, gpus, features and partitions are registered, drains and features followed', async () => {
    const here = await cluster('red', 500);
    rig.agent(here);
    await rig.followed(here);
    const found = await rig.client.clusters.get({ name: here.name });
    const total = (type: string): number => found.resources.find((each) => each.type === type)?.total ?? 0;
    expect([total('node'), total('core'), total('gpu')]).toEqual([4, 40, 4]);
    expect(found.subsystems).toEqual(['partition']);
    expect(found.state).toMatchObject({ nodes_total: 4, nodes_free: 4, gpus_free: 4, jobs_pending: 0 });
    await lab.slurm('red', 'scontrol', 'update', 'NodeName=red-g1', 'State=DRAIN', 'Reason=test');
    await until('the drain is seen', async () => (await nodesOf(here, 'nodes_drained')) === 1);
    await until('its cores are not free', async () => {
      const { resources } = await rig.client.clusters.get({ name: here.name });
      return resources.find(({ type }) => type === 'core')?.free === 24;
    });
    await lab.slurm('red', 'scontrol', 'update', 'NodeName=red-g1', 'State=RESUME');
    await until('it serves again', async () => (await nodesOf(here, 'nodes_drained')) === 0);
    const before = found.graphVersion;
    await lab.slurm(
      'red',
      'scontrol',
      'update',
      'NodeName=red-c1',
      'AvailableFeatures=cpu,avx2,red,new',
      'ActiveFeatures=cpu,avx2,red,new',
    );
    await until(
      'the graph is replaced',
      async () => BigInt((await rig.client.clusters.get({ name: here.name })).graphVersion) > BigInt(before),
    );
  });

  test.each([
    '--gpus=1',
    '--gpus=2',
    '--gres=gpu:1',
    '--gres=gpu:a100:1',
    '--gpus-per-node=1',
    '--gpus-per-task=1',
    '-n2 --gpus-per-task=1',
    '-N1 --gpus-per-task=1',
    '-N1 --ntasks-per-node=2 --gpus-per-task=1',
    '-N1-2 --gpus-per-task=1',
    '-N1 --gres=gpu:1',
  ])('sbatch takes how %s is said to it', async (directives) => {
    const { jobspec } = readSbatch(`#!/bin/sh\n#SBATCH ${directives}\necho\n`, NO_CONTEXT);
    const args = slurmJob(jobspec).options.map(([name, value]) =>
      value === true ? `--${name}` : `--${name}=${value}`,
    );
    const id = await lab.slurm('red', 'sbatch', '--parsable', '--hold', '-o/dev/null', ...args, '--wrap=true');
    expect(await lab.slurm('red', 'scontrol', 'show', 'job', id.trim())).toContain('gpu');
    await lab.slurm('red', 'scancel', id.trim());
  });

  test('output comes live, exit codes are right, and a job that somebody cancels in Slurm is canceled', async () => {
    const here = await cluster('blue');
    rig.agent(here);
    await rig.followed(here);
    const id = await rig.submit(
      [here],
      `echo one; while [ ! -e ${here.scratch}/go ]; do sleep 0.05; done; echo two; exit 5`,
    );
    await until('output while it runs', async () => (await rig.output(id)).stdout === 'one\n');
    await writeFile(`${here.scratch}/go`, '');
    expect(await rig.ended(id)).toMatchObject({ state: JobState.FAILED, exitCode: 5, reason: { code: 'exit' } });
    expect((await rig.output(id)).stdout).toBe('one\ntwo\n');
    const second = await rig.submit(here, 'exec sleep 300');
    const { nativeId } = await rig.reaches(second, JobState.RUNNING);
    await lab.slurm('blue', 'scancel', nativeId);
    expect(await rig.ended(second)).toMatchObject({ state: JobState.CANCELED, reason: { code: 'native' } });
  });

  test('killed with SIGKILL between every two steps: one native job, never two, and its end is told once', async () => {
    const survived = await killedAt(rig, WITH_SLURM, {
      cluster: (point) => cluster(WITH_SLURM.indexOf(point) % 2 === 0 ? 'red' : 'blue'),
      isFollowed: true,
    });
    expect(survived).toEqual(WITH_SLURM.map(startedOnce));
    // What Slurm saw: no Rainbow job was submitted twice.
    for (const name of ['red', 'blue']) {
      const names = (await lab.slurm(name, 'squeue', '-h', '-t', 'all', '-o', '%j')).split('\n');
      const keys = names
        .filter((each) => each.startsWith('rainbow-'))
        .map((each) => each.split('-').slice(0, 3).join('-'));
      expect(keys).toHaveLength(new Set(keys).size);
    }
  });

  test(`${MANY} jobs over both clusters while controllers and agents are killed and started again: each runs once`, async () => {
    const heres = [await cluster('red'), await cluster('blue')];
    const agents = heres.map((here) => rig.agentProcess(here, null));
    await rig.followed(...heres);
    const [{ scratch }] = heres as [Here, Here];
    const ids = await Promise.all(
      Array.from({ length: MANY }, (_, i) =>
        rig.submit(heres, `echo ${i} >> ${scratch}/log; sleep 0.${i % 5}; exit ${i % 3}`),
      ),
    );
    const begun = async (): Promise<number> => (await rig.log(heres[0]!)).split('\n').length - 1;
    // A controller that forgot ids gives them twice, and drains the nodes on which that happens: an administrator resumes them.
    const resuming = setInterval(() => {
      for (const [name, nodes] of [
        ['red', 'red-c[1-3],red-g1'],
        ['blue', 'blue-c[1-2],blue-g1'],
      ] as const) {
        lab.slurm(name, 'scontrol', 'update', `NodeName=${nodes}`, 'State=RESUME').catch(() => undefined);
      }
    }, 1000);
    rig.afterwards(async () => clearInterval(resuming));
    for (let round = 0; round < (IS_SOAK ? 10 : 1); round++) {
      const least = Math.min(MANY * 0.9, 5 + (round * MANY) / 12);
      await until('some have begun', async () => (await begun()) > least);
      const [hard, soft] = round % 2 === 0 ? (['red', 'blue'] as const) : (['blue', 'red'] as const);
      await Promise.all([lab.end(hard, 'slurmctld', 'SIGKILL'), lab.end(soft, 'slurmctld', 'SIGTERM')]);
      const at = round % agents.length;
      agents[at]!.child.kill('SIGKILL');
      await agents[at]!.ended;
      agents[at] = rig.agentProcess(heres[at]!, null);
      await lab.revive();
    }
    const jobs = await rig.allEnded(ids);
    // A controller that is killed may take a node for lost when it is back: that job has failed, and says so.
    const lost = new Set(jobs.flatMap(({ reason }, i) => (reason?.code === 'node_failure' ? [i] : [])));
    expect(lost.size).toBeLessThan(MANY / 2);
    const wrong = jobs.flatMap((job, i) => {
      const isRight = i % 3 === 0 ? job.state === JobState.COMPLETED : job.exitCode === i % 3;
      return isRight || lost.has(i)
        ? []
        : [`${i}: ${JobState[job.state]} ${job.cluster} ${job.nativeId} ${JSON.stringify(job.reason)}`];
    });
    expect(wrong).toEqual([]);
    const lines = (await rig.log(heres[0]!)).trim().split('\n').map(Number);
    expect(lines.filter((i) => !lost.has(i)).toSorted((a, b) => a - b)).toEqual(
      Array.from({ length: MANY }, (_, i) => i).filter((i) => !lost.has(i)),
    );
    expect(new Set(lines).size).toBe(lines.length);
    expect(new Set(jobs.map(({ cluster: name }) => name)).size).toBe(2);
  });

  test('a job that waits moves to the cluster that starts it sooner, out of the one queue into the other', async () => {
    const [red, blue] = [await cluster('red', 500), await cluster('blue')];
    for (const here of [red, blue]) rig.agent(here);
    await rig.followed(red, blue);
    const take = async (slurm: string, nodes: number, minutes: number): Promise<string> => {
      const args = ['--parsable', '--uid=nobody', `-N${nodes}`, '--exclusive', `-t${minutes}`, '-o/dev/null'];
      const id = (await lab.slurm(slurm, 'sbatch', ...args, '--wrap=sleep 600')).trim();
      await until(`${slurm} is taken`, async () =>
        (await lab.slurm(slurm, 'squeue', '-h', '-o', '%i %T')).includes('RUNNING'),
      );
      return id;
    };
    const foreign = { red: await take('red', 4, 60), blue: await take('blue', 3, 20) };
    const credentials = [red, blue].map(({ name, token }) => ({ name, token }));
    const jobspec = jobspecOf(`echo here >> ${red.scratch}/log`, 2);
    const { job } = await rig.client.jobs.submit({ jobspec, credentials, policy: 'soonest', ask: true, rebid: true });
    const { id } = job!;
    const waits = await rig.reaches(id, JobState.ACCEPTED);
    expect(waits.cluster).toBe(blue.name);
    const reason = async (): Promise<string> => (await rig.client.jobs.get({ id })).reason?.message ?? '';
    await until('it says why it waits', async () => (await reason()).startsWith('Slurm: '));
    await lab.slurm('red', 'scancel', foreign.red);
    const done = await rig.ended(id);
    expect(done).toMatchObject({ state: JobState.COMPLETED, cluster: red.name, epoch: '2' });
    expect(done.attempts.map((each) => [each.cluster, each.reason?.code])).toEqual([
      [blue.name, 'moved'],
      [red.name, 'exit'],
    ]);
    expect(await rig.log(red)).toBe('here\n');
    const left = await lab.slurm('blue', 'squeue', '-h', '-t', 'PENDING,RUNNING', '-o', '%j');
    expect(left).not.toContain(`rainbow-${id}.`);
    await lab.slurm('blue', 'scancel', foreign.blue);
  });

  test('a node that is lost fails its job; the controller being away ends none', async () => {
    const here = await cluster('blue', 500);
    const { said } = rig.agent(here);
    await rig.followed(here);
    const id = await rig.submit(here, 'exec sleep 300', 8);
    await rig.reaches(id, JobState.RUNNING);
    const node = (await lab.slurm('blue', 'squeue', '-h', '-t', 'R', '-o', '%N')).trim();
    await lab.end('blue', 'slurmctld', 'SIGTERM');
    await until('the agent says so', () => said.some((line) => line.includes('asking again')));
    expect((await rig.client.jobs.get({ id })).state).toBe(JobState.RUNNING);
    await lab.revive();
    await until('it answers again', () => said.some((line) => line.includes('answers again')));
    // Slurm notices a dead slurmd only after its SlurmdTimeout and some, a minute on a busy machine: that is for the soak.
    if (IS_SOAK) await lab.end('blue', `slurmd.${node}`, 'SIGKILL');
    else await lab.slurm('blue', 'scontrol', 'update', `NodeName=${node}`, 'State=DOWN', 'Reason=test');
    expect(await rig.ended(id)).toMatchObject({ state: JobState.FAILED, reason: { code: 'node_failure' } });
    // One that answers is in service again at once (ReturnToService).
    if (!IS_SOAK) return;
    await until('the node is not counted any more', async () => (await nodesOf(here, 'nodes_down')) === 1);
    await lab.revive();
  });
});

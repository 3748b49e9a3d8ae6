/**
 * Agents with the flux runner, the real server and real Flux instances: killed with SIGKILL between every two steps,
 * nodes drained, instances submitting to each other. What is counted is what jobs themselves wrote down.
 */
import { execFile } from 'node:child_process';
import { chmod, mkdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { fluxMissing, startFlux, type FluxLab } from '../../../../test/lab/flux.ts';
import { skipWithout } from '../../../../test/needs.ts';
import { JobState } from '../../../gen/rainbow/v1/job_pb.js';
import { WITH_FLUX } from '../../sentinels.ts';
import { killedAt, startedOnce } from '../../testing/killed-at.ts';
import { openAgentRig, type AgentRig, type Here } from '../../testing/rig.ts';
import { until } from '../../../system/testing/until.ts';

const away = skipWithout('flux', fluxMissing());
/** A busy machine is slow: what matters is what happened, and how often. */
const IS_SOAK = process.env['RAINBOW_SOAK'] !== undefined;
const PATIENT_MS = IS_SOAK ? 1_800_000 : 480_000;
/** Of jobs over both instances at once. */
const MANY = IS_SOAK ? 300 : 40;

const QUEUES = `
[queues.batch]
requires = ["batch"]
[queues.debug]
requires = ["debug"]
[policy.jobspec.defaults.system]
queue = "batch"
[[resource.config]]
hosts = "node[0-1]"
properties = ["batch"]
[[resource.config]]
hosts = "node2"
properties = ["debug", "a100"]
`;

let rig: AgentRig;
let red: FluxLab;
let blue: FluxLab;

/** A cluster of Rainbow's on one of the instances; several may share it, each has its own realm. */
function cluster(flux: FluxLab, followEvery = 10_000): Promise<Here> {
  const { PATH, FLUX_URI } = flux.environment();
  return rig.cluster(flux === red ? 'red' : 'blue', { runner: 'flux', followEvery, environment: { PATH, FLUX_URI } });
}

describe.skipIf(away)('agents on real Flux instances', { timeout: PATIENT_MS }, () => {
  beforeAll(async () => {
    red = await startFlux({ nodes: 3, cores: 4, gpus: 2, config: QUEUES });
    blue = await startFlux({ nodes: 1, cores: 8 });
    await red.flux('queue', 'start', '-a');
    rig = await openAgentRig();
  }, PATIENT_MS);
  afterEach(() => rig.endAgents());
  afterAll(async () => {
    await rig?.close();
    await red?.wipe();
    await blue?.wipe();
  });

  test('discovery: nodes, cores, gpus, properties and queues are registered, drains followed', async () => {
    const here = await cluster(red, 500);
    rig.agent(here);
    await rig.followed(here);
    const found = await rig.client.clusters.get({ name: here.name });
    const total = (type: string): number => found.resources.find((each) => each.type === type)?.total ?? 0;
    expect([total('node'), total('core'), total('gpu')]).toEqual([3, 12, 6]);
    expect(found.subsystems).toEqual(['partition']);
    expect(found.state).toMatchObject({ nodes_total: 3, nodes_free: 3, gpus_free: 6, jobs_pending: 0 });
    await red.flux('resource', 'drain', 'node2', 'fan');
    await until('the drain is seen', async () => (await rig.stateOf(here, 'nodes_drained')) === 1);
    await until('its cores are not free', async () => {
      const { resources } = await rig.client.clusters.get({ name: here.name });
      return resources.find(({ type }) => type === 'core')?.free === 8;
    });
    await red.flux('resource', 'undrain', 'node2');
    await until('it serves again', async () => (await rig.stateOf(here, 'nodes_drained')) === 0);
  });

  test('limits and defaults of the instance count where no queue has its own: such a job is refused before it is placed', async () => {
    const limited = await startFlux({
      nodes: 2,
      cores: 2,
      config: `[policy.limits]
duration = "10m"
job-size.max.nnodes = 1
[policy.jobspec.defaults.system]
duration = "5m"
`,
    });
    try {
      const { PATH, FLUX_URI } = limited.environment();
      const here = await rig.cluster('limited', { runner: 'flux', followEvery: 500, environment: { PATH, FLUX_URI } });
      rig.agent(here);
      await rig.followed(here);
      const asking = (nodes: number, system: object): string => {
        const slot = { type: 'slot', count: 1, label: 'task', with: [{ type: 'core', count: 1 }] };
        return JSON.stringify({
          version: 1,
          resources: [{ type: 'node', count: nodes, with: [slot] }],
          tasks: [{ command: ['true'], slot: 'task', count: { per_slot: 1 } }],
          attributes: { system },
        });
      };
      const why = async (nodes: number, duration: number): Promise<string> => {
        const { candidates } = await rig.client.jobs.match({ jobspec: asking(nodes, { duration }) });
        const reasons = candidates.find(({ cluster }) => cluster === here.name)?.reasons ?? [];
        return reasons.map(({ stage, message }) => `${stage}: ${message}`).join();
      };
      expect(await why(1, 600)).toBe('');
      expect(await why(1, 1200)).toBe('partition: it lets a job run for 10 min, not for 20 min: ask for less time');
      expect(await why(2, 60)).toBe('partition: it takes jobs of at most 1 node, not of 2: ask for less');
      const credentials = [{ name: here.name, token: here.token }];
      const { job } = await rig.client.jobs.submit({ jobspec: asking(1, {}), credentials });
      await rig.ended(job!.id);
      const durations = (await limited.flux('jobs', '-a', '-n', '-o', '{duration}')).trim().split('\n');
      expect(durations).toEqual(['300.0']);
    } finally {
      await rig.endAgents();
      await limited.wipe();
    }
  });

  test('output comes live, exit codes are right, and a job that somebody cancels in Flux is canceled', async () => {
    const here = await cluster(blue);
    rig.agent(here);
    await rig.followed(here);
    const id = await rig.submit(
      here,
      `echo one; while [ ! -e ${here.scratch}/go ]; do sleep 0.05; done; echo two; exit 5`,
    );
    await until('output while it runs', async () => (await rig.output(id)).stdout === 'one\n');
    await writeFile(join(here.scratch, 'go'), '');
    expect(await rig.ended(id)).toMatchObject({ state: JobState.FAILED, exitCode: 5, reason: { code: 'exit' } });
    expect((await rig.output(id)).stdout).toBe('one\ntwo\n');
    const second = await rig.submit(here, 'exec sleep 300');
    const { nativeId } = await rig.reaches(second, JobState.RUNNING);
    await blue.flux('cancel', nativeId);
    expect(await rig.ended(second)).toMatchObject({ state: JobState.CANCELED, reason: { code: 'native' } });
    const third = await rig.submit(here, 'exec sleep 300');
    await rig.reaches(third, JobState.RUNNING);
    await rig.client.jobs.cancel({ id: third });
    expect(await rig.ended(third)).toMatchObject({ state: JobState.CANCELED, reason: { code: 'user' } });
  });

  test('killed with SIGKILL between every two steps: one native job that runs, never two, its end told once', async () => {
    const survived = await killedAt(rig, WITH_FLUX, {
      cluster: (point) => cluster(WITH_FLUX.indexOf(point) % 2 === 0 ? red : blue),
      isFollowed: true,
    });
    expect(survived).toEqual(WITH_FLUX.map(startedOnce));
    // What Flux saw: no key has two native jobs that began.
    for (const flux of [red, blue]) {
      const jobs = (await flux.flux('job', 'list', '-a')).trim().split('\n');
      const keys = jobs
        .map((line) => JSON.parse(line) as { name: string; t_run?: number })
        .flatMap(({ name, t_run }) => (t_run === undefined ? [] : [name.replace(/-[0-9a-f]{12}$/, '')]))
        .filter((name) => name.includes('.rainbow-'));
      expect(keys.length).toBeGreaterThan(0);
      expect(keys).toHaveLength(new Set(keys).size);
    }
  });

  test(`${MANY} jobs over both instances: each runs once`, async () => {
    const heres = [await cluster(red), await cluster(blue)];
    for (const here of heres) rig.agent(here);
    await rig.followed(...heres);
    const [{ scratch }] = heres as [Here, Here];
    const ids = await Promise.all(
      Array.from({ length: MANY }, (_, i) =>
        rig.submit(heres, `echo ${i} >> ${scratch}/log; sleep 0.${i % 5}; exit ${i % 3}`),
      ),
    );
    const jobs = await rig.allEnded(ids);
    const wrong = jobs.flatMap((job, i) => {
      const isRight = i % 3 === 0 ? job.state === JobState.COMPLETED : job.exitCode === i % 3;
      return isRight ? [] : [`${i}: ${JobState[job.state]} ${job.cluster} ${JSON.stringify(job.reason)}`];
    });
    expect(wrong).toEqual([]);
    const lines = (await rig.log(heres[0]!)).trim().split('\n').map(Number);
    expect(lines.toSorted((a, b) => a - b)).toEqual(Array.from({ length: MANY }, (_, i) => i));
    expect(new Set(jobs.map(({ cluster: name }) => name)).size).toBe(2);
  });

  test('examples/flux/each-other.sh: from inside an instance to another one, and back', async () => {
    const repository = join(import.meta.dirname, '..', '..', '..', '..');
    const home = join(rig.root, 'each-other');
    await mkdir(home);
    await chmod(home, 0o777);
    const PATH = `${join(repository, 'bin')}:${dirname(process.execPath)}:${blue.environment()['PATH'] ?? ''}`;
    const asRoot = process.getuid?.() === 0;
    const { stdout } = await promisify(execFile)(join(repository, 'examples', 'flux', 'each-other.sh'), {
      env: { PATH, HOME: home, TMPDIR: home },
      cwd: '/',
      timeout: PATIENT_MS,
      ...(asRoot ? { uid: 65_534, gid: 65_534 } : {}),
    });
    expect(stdout).toContain('\na > b > a\n');
  });
});

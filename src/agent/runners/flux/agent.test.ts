/**
 * Agents with the flux runner, the real server and real Flux instances: killed with SIGKILL between every two steps,
 * nodes drained, instances submitting to each other. What is counted is what jobs themselves wrote down.
 */
import { execFile, spawn, type ChildProcess } from 'node:child_process';
import { chmod, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { fluxMissing, startFlux, type FluxLab } from '../../../../test/lab/flux.ts';
import { skipWithout } from '../../../../test/needs.ts';
import { createClient, type RainbowClient } from '../../../client/client.ts';
import { generateGraph } from '../../../core/graph/generate.ts';
import { JobState, type Job } from '../../../gen/rainbow/v1/job_pb.js';
import { serve, type RunningServer } from '../../../server/serve.ts';
import { realSystem } from '../../../system/real.ts';
import { runAgent, type AgentOptions } from '../../agent.ts';
import { WITH_FLUX, type Sentinel } from '../../sentinels.ts';
import type { AgentProcessOptions } from '../../testing/agent-process.ts';
import { jobspecOf } from '../conformance.ts';

const SERVER_SECRET = 'test-server-secret';
const FINAL = [JobState.COMPLETED, JobState.FAILED, JobState.CANCELED, JobState.REJECTED];
const away = skipWithout('flux', fluxMissing());
/** A busy machine is slow: what matters is what happened, and how often. */
const PATIENT_MS = 480_000;
/** Of jobs over both instances at once. */
const MANY = process.env['RAINBOW_SOAK'] === undefined ? 40 : 300;

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

let root: string;
let red: FluxLab;
let blue: FluxLab;
let server: RunningServer;
let client: RainbowClient;
let made = 0;
const processes: ChildProcess[] = [];
const endings: (() => Promise<unknown>)[] = [];

interface Here {
  readonly name: string;
  readonly options: Omit<AgentOptions, 'log' | 'reached'>;
  readonly token: string;
  readonly scratch: string;
}

/** A cluster of Rainbow's on one of the instances; several may share it, each has its own realm. */
async function cluster(flux: FluxLab, followEvery = 10_000): Promise<Here> {
  const name = `${flux === red ? 'red' : 'blue'}${made++}`;
  const graph = generateGraph({ name, nodes: 1, coresPerNode: 1 });
  const { secret, token } = await client.clusters.register({ name, secret: SERVER_SECRET, graph });
  const scratch = join(root, `${name}-scratch`);
  await mkdir(scratch);
  await chmod(scratch, 0o777);
  const { PATH, FLUX_URI } = flux.environment();
  const options = {
    host: server.address,
    cluster: name,
    secret,
    runner: 'flux',
    stateDir: join(root, `${name}-state`),
    graph,
    followEvery,
    environment: { PATH, FLUX_URI },
  };
  return { name, options, token, scratch };
}

function agent(here: Here): { readonly stop: () => Promise<unknown> } {
  const ending = new AbortController();
  const log = { info: () => undefined, warn: () => undefined };
  const done = runAgent({ ...here.options, log }, realSystem, ending.signal).then(
    () => null,
    (error: unknown) => error,
  );
  const stop = async (): Promise<unknown> => {
    ending.abort();
    return done;
  };
  endings.push(stop);
  return { stop };
}

function agentProcess(here: Here, killAt: Sentinel | null): { child: ChildProcess; ended: Promise<unknown> } {
  const options: AgentProcessOptions = { ...here.options, killAt };
  const file = join(import.meta.dirname, '..', '..', 'testing', 'agent-process.ts');
  const child = spawn(process.execPath, [file, JSON.stringify(options)], { stdio: ['ignore', 'ignore', 'inherit'] });
  processes.push(child);
  return { child, ended: new Promise((resolve) => child.once('exit', (code, signal) => resolve(signal ?? code))) };
}

async function submit(heres: readonly Here[], script: string, cores = 1): Promise<string> {
  const jobspec = jobspecOf(script, cores);
  const credentials = heres.map(({ name, token }) => ({ name, token }));
  const { job } = await client.jobs.submit({ jobspec, credentials });
  return job!.id;
}

async function until<T>(what: string, look: () => T | Promise<T>): Promise<Exclude<T, null | undefined | false>> {
  for (let tries = 0; tries < 3000; tries++) {
    const found = await look();
    if (found !== null && found !== undefined && found !== false) return found as Exclude<T, null | undefined | false>;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  throw new Error(`never: ${what}`);
}

const reaches = (id: string, states: readonly JobState[]): Promise<Job> =>
  until(`job ${id} is ${states.map((state) => JobState[state]).join(' or ')}`, async () => {
    const job = await client.jobs.get({ id });
    return states.includes(job.state) ? job : null;
  });
const ended = (id: string): Promise<Job> => reaches(id, FINAL);
const log = (here: Here): Promise<string> => readFile(join(here.scratch, 'log'), 'utf8').catch(() => '');

async function output(id: string): Promise<string> {
  const parts: Uint8Array[] = [];
  for await (const chunk of client.jobs.readOutput({ id })) parts.push(chunk.data);
  return Buffer.concat(parts).toString();
}

const stateOf = async (here: Here, key: string): Promise<unknown> =>
  ((await client.clusters.get({ name: here.name })).state as Record<string, unknown> | undefined)?.[key];
const followed = (here: Here): Promise<unknown> =>
  until(`${here.name} is registered as it is`, async () => (await stateOf(here, 'nodes_total')) !== undefined);

describe.skipIf(away)('agents on real Flux instances', { timeout: PATIENT_MS }, () => {
  beforeAll(async () => {
    root = await mkdtemp(join(tmpdir(), 'rainbow-flux-'));
    await chmod(root, 0o755);
    red = await startFlux({ nodes: 3, cores: 4, gpus: 2, config: QUEUES });
    blue = await startFlux({ nodes: 1, cores: 8 });
    await red.flux('queue', 'start', '-a');
    server = await serve(
      {
        host: '127.0.0.1:0',
        database: join(root, 'rainbow.db'),
        version: 'test',
        secret: SERVER_SECRET,
        agents: { heartbeat: 1 },
        logLevel: 'silent',
        graceSeconds: 0.2,
      },
      realSystem,
    );
    client = createClient({ host: server.address, authorization: SERVER_SECRET });
  }, PATIENT_MS);
  afterEach(async () => {
    for (const end of endings.splice(0)) await end();
    for (const child of processes.splice(0))
      if (child.exitCode === null && child.signalCode === null) child.kill('SIGKILL');
  });
  afterAll(async () => {
    client?.close();
    await server?.stop();
    await red?.wipe();
    await blue?.wipe();
    await rm(root, { recursive: true, force: true, maxRetries: 20, retryDelay: 50 });
  });

  test('discovery: nodes, cores, gpus, properties and queues are registered, drains followed', async () => {
    const here = await cluster(red, 500);
    agent(here);
    await followed(here);
    const found = await client.clusters.get({ name: here.name });
    const total = (type: string): number => found.resources.find((each) => each.type === type)?.total ?? 0;
    expect([total('node'), total('core'), total('gpu')]).toEqual([3, 12, 6]);
    expect(found.subsystems).toEqual(['partition']);
    expect(found.state).toMatchObject({ nodes_total: 3, nodes_free: 3, gpus_free: 6, jobs_pending: 0 });
    await red.flux('resource', 'drain', 'node2', 'fan');
    await until('the drain is seen', async () => (await stateOf(here, 'nodes_drained')) === 1);
    await until('its cores are not free', async () => {
      const { resources } = await client.clusters.get({ name: here.name });
      return resources.find(({ type }) => type === 'core')?.free === 8;
    });
    await red.flux('resource', 'undrain', 'node2');
    await until('it serves again', async () => (await stateOf(here, 'nodes_drained')) === 0);
  });

  test('output comes live, exit codes are right, and a job that somebody cancels in Flux is canceled', async () => {
    const here = await cluster(blue);
    agent(here);
    await followed(here);
    const id = await submit(
      [here],
      `echo one; while [ ! -e ${here.scratch}/go ]; do sleep 0.05; done; echo two; exit 5`,
    );
    await until('output while it runs', async () => (await output(id)) === 'one\n');
    await writeFile(join(here.scratch, 'go'), '');
    expect(await ended(id)).toMatchObject({ state: JobState.FAILED, exitCode: 5, reason: { code: 'exit' } });
    expect(await output(id)).toBe('one\ntwo\n');
    const second = await submit([here], 'exec sleep 300');
    const { nativeId } = await reaches(second, [JobState.RUNNING]);
    await blue.flux('cancel', nativeId);
    expect(await ended(second)).toMatchObject({ state: JobState.CANCELED, reason: { code: 'native' } });
    const third = await submit([here], 'exec sleep 300');
    await reaches(third, [JobState.RUNNING]);
    await client.jobs.cancel({ id: third });
    expect(await ended(third)).toMatchObject({ state: JobState.CANCELED, reason: { code: 'user' } });
  });

  test('killed with SIGKILL between every two steps: one native job that runs, never two, its end told once', async () => {
    const check = async (point: Sentinel): Promise<void> => {
      const here = await cluster(WITH_FLUX.indexOf(point) % 2 === 0 ? red : blue);
      const first = agentProcess(here, point);
      await followed(here);
      const id = await submit([here], `echo started >> ${here.scratch}/log; sleep 0.2; echo said; exit 3`);
      expect(await first.ended, `at ${point}`).toBe('SIGKILL');
      const second = agent(here);
      expect(await ended(id), `at ${point}`).toMatchObject({ state: JobState.FAILED, exitCode: 3 });
      expect(await log(here), `at ${point}`).toBe('started\n');
      expect(await output(id), `at ${point}`).toBe('said\n');
      const kinds: string[] = [];
      for await (const event of client.jobs.watchEvents({ jobId: id })) kinds.push(event.kind);
      expect(
        kinds.filter((kind) => kind === 'failed'),
        `at ${point}`,
      ).toHaveLength(1);
      await second.stop();
    };
    for (let at = 0; at < WITH_FLUX.length; at += 4) await Promise.all(WITH_FLUX.slice(at, at + 4).map(check));
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
    for (const here of heres) agent(here);
    for (const here of heres) await followed(here);
    const [{ scratch }] = heres as [Here, Here];
    const ids = await Promise.all(
      Array.from({ length: MANY }, (_, i) =>
        submit(heres, `echo ${i} >> ${scratch}/log; sleep 0.${i % 5}; exit ${i % 3}`),
      ),
    );
    const jobs = await Promise.all(ids.map(ended));
    const wrong = jobs.flatMap((job, i) => {
      const isRight = i % 3 === 0 ? job.state === JobState.COMPLETED : job.exitCode === i % 3;
      return isRight ? [] : [`${i}: ${JobState[job.state]} ${job.cluster} ${JSON.stringify(job.reason)}`];
    });
    expect(wrong).toEqual([]);
    const lines = (await log(heres[0]!)).trim().split('\n').map(Number);
    expect(lines.toSorted((a, b) => a - b)).toEqual(Array.from({ length: MANY }, (_, i) => i));
    expect(new Set(jobs.map(({ cluster: name }) => name)).size).toBe(2);
  });

  test('examples/flux/each-other.sh: from inside an instance to another one, and back', async () => {
    const repository = join(import.meta.dirname, '..', '..', '..', '..');
    const home = join(root, 'each-other');
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

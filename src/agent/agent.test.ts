/** The agent with the real server, over a real socket, with real processes; killed with SIGKILL at every sentinel. */
import { spawn, type ChildProcess } from 'node:child_process';
import { chmod, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { createClient, type RainbowClient } from '../client/client.ts';
import { generateGraph } from '../core/graph/generate.ts';
import { RainbowError } from '../core/errors.ts';
import { JobState, type Event, type Job } from '../gen/rainbow/v1/job_pb.js';
import { serve, type RunningServer } from '../server/serve.ts';
import { realSystem } from '../system/real.ts';
import { runAgent, type AgentOptions } from './agent.ts';
import { jobspecOf } from './runners/conformance.ts';
import { remainsOf } from './runners/process/remains.ts';
import { SENTINELS, type Sentinel } from './sentinels.ts';
import type { AgentProcessOptions } from './testing/agent-process.ts';

const SERVER_SECRET = 'test-server-secret';
const FINAL = [JobState.COMPLETED, JobState.FAILED, JobState.CANCELED, JobState.REJECTED];

let root: string;
let server: RunningServer;
let client: RainbowClient;
let made = 0;
const processes: ChildProcess[] = [];
const endings: (() => Promise<unknown>)[] = [];

async function startServer(port = 0): Promise<void> {
  server = await serve(
    {
      host: `127.0.0.1:${port}`,
      database: join(root, 'rainbow.db'),
      version: 'test',
      secret: SERVER_SECRET,
      agents: { heartbeat: 1 },
      logLevel: 'silent',
      graceSeconds: 0.2,
    },
    realSystem,
  );
}

beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'rainbow-agent-'));
  await chmod(root, 0o755);
  await startServer();
  client = createClient({ host: server.address, authorization: SERVER_SECRET });
});
afterEach(async () => {
  for (const end of endings.splice(0)) await end();
  for (const child of processes.splice(0))
    if (child.exitCode === null && child.signalCode === null) child.kill('SIGKILL');
});
afterAll(async () => {
  client.close();
  await server.stop();
  await rm(root, { recursive: true, force: true, maxRetries: 20, retryDelay: 50 });
});

interface Here {
  readonly options: Omit<AgentOptions, 'log' | 'reached'>;
  readonly token: string;
  readonly scratch: string;
}

async function cluster(cores = 4): Promise<Here> {
  const name = `red${made++}`;
  const graph = generateGraph({ name, nodes: 1, coresPerNode: cores });
  const { secret, token } = await client.clusters.register({ name, secret: SERVER_SECRET, graph });
  const scratch = join(root, `${name}-scratch`);
  await mkdir(scratch);
  await chmod(scratch, 0o777);
  const stateDir = join(root, `${name}-state`);
  return {
    options: { host: server.address, cluster: name, secret, runner: 'process', stateDir, graph },
    token,
    scratch,
  };
}

function agent(
  here: Here,
  more: Partial<AgentOptions> = {},
): { done: Promise<unknown>; stop(): Promise<unknown>; said: string[] } {
  const ending = new AbortController();
  const said: string[] = [];
  const log = {
    info: (message: string) => void said.push(message),
    warn: (message: string) => void said.push(message),
  };
  const done = runAgent({ ...here.options, log, ...more }, realSystem, ending.signal).then(
    () => null,
    (error: unknown) => error,
  );
  const stop = async (): Promise<unknown> => {
    ending.abort();
    return done;
  };
  endings.push(stop);
  return { done, stop, said };
}

function agentProcess(
  here: Here,
  killAt: Sentinel | null,
): { child: ChildProcess; ended: Promise<NodeJS.Signals | number | null>; said: string[] } {
  const options: AgentProcessOptions = { ...here.options, killAt };
  const child = spawn(
    process.execPath,
    [join(import.meta.dirname, 'testing', 'agent-process.ts'), JSON.stringify(options)],
    {
      stdio: ['ignore', 'pipe', 'inherit'],
    },
  );
  processes.push(child);
  const said: string[] = [];
  child.stdout.setEncoding('utf8').on('data', (text: string) => void said.push(text));
  return {
    child,
    said,
    ended: new Promise((resolve) => child.once('exit', (code, signal) => resolve(signal ?? code))),
  };
}

async function submit(here: Here, script: string, cores = 1): Promise<string> {
  const jobspec = jobspecOf(script.replaceAll('$SCRATCH', here.scratch), cores);
  const { job } = await client.jobs.submit({
    jobspec,
    credentials: [{ name: here.options.cluster, token: here.token }],
  });
  return job!.id;
}

async function until<T>(what: string, look: () => T | Promise<T>): Promise<Exclude<T, null | undefined | false>> {
  for (let tries = 0; tries < 1000; tries++) {
    const found = await look();
    if (found !== null && found !== undefined && found !== false) return found as Exclude<T, null | undefined | false>;
    await new Promise((resolve) => setTimeout(resolve, 30));
  }
  throw new Error(`never: ${what}`);
}

const ended = (id: string): Promise<Job> =>
  until(`job ${id} has ended`, async () => {
    const job = await client.jobs.get({ id });
    return FINAL.includes(job.state) ? job : null;
  });

const running = (id: string): Promise<Job> =>
  until(`job ${id} runs`, async () => {
    const job = await client.jobs.get({ id });
    return job.state === JobState.RUNNING ? job : null;
  });

async function events(id: string): Promise<Event[]> {
  const all: Event[] = [];
  for await (const event of client.jobs.watchEvents({ jobId: id })) all.push(event);
  return all;
}

async function output(id: string): Promise<{ stdout: string; stderr: string }> {
  const parts = { 1: [] as Uint8Array[], 2: [] as Uint8Array[] };
  for await (const chunk of client.jobs.readOutput({ id })) parts[chunk.stream as 1 | 2].push(chunk.data);
  return { stdout: Buffer.concat(parts[1]).toString(), stderr: Buffer.concat(parts[2]).toString() };
}

const log = (here: Here): Promise<string> => readFile(join(here.scratch, 'log'), 'utf8').catch(() => '');

describe('with the real server', () => {
  test('a job goes from submit to its end, with output and exit code', async () => {
    const here = await cluster();
    agent(here);
    const id = await submit(here, 'echo out; echo err >&2; exit 3');
    const job = await ended(id);
    expect(job).toMatchObject({
      state: JobState.FAILED,
      exitCode: 3,
      cluster: here.options.cluster,
      nativeId: `${id}.1`,
    });
    expect(job.signal).toBeUndefined();
    expect(await output(id)).toEqual({ stdout: 'out\n', stderr: 'err\n' });
    expect((await events(id)).map((event) => event.kind)).toEqual(
      expect.arrayContaining(['assigned', 'received', 'accepted', 'failed']),
    );
  });

  test('a running job is canceled, a waiting one too', async () => {
    const here = await cluster(1);
    agent(here);
    const first = await submit(here, 'exec sleep 300');
    await running(first);
    const second = await submit(here, 'echo never >> $SCRATCH/log');
    await client.jobs.cancel({ id: second });
    expect(await ended(second)).toMatchObject({ state: JobState.CANCELED });
    await client.jobs.cancel({ id: first });
    expect(await ended(first)).toMatchObject({ state: JobState.CANCELED, reason: { code: 'user' } });
    expect(await log(here)).toBe('');
  });

  test('a wrong secret ends the agent, and it says what to look at', async () => {
    const here = await cluster();
    const wrong = await agent(here, { secret: 'wrong' }).done;
    expect(wrong).toBeInstanceOf(RainbowError);
    expect(wrong).toMatchObject({ code: 'unauthenticated', message: expect.stringContaining('--secret') as string });
  });

  test('one state directory, one agent; and a newer agent elsewhere ends the older one', async () => {
    const here = await cluster();
    const first = agent(here);
    await until('connected', () => first.said.some((line) => line.startsWith('connected')));
    expect(await agent(here).done).toMatchObject({
      code: 'failed_precondition',
      message: expect.stringContaining('state directory') as string,
    });
    const second = agent(here, { stateDir: `${here.options.stateDir}-other` });
    expect(await first.done).toMatchObject({
      code: 'failed_precondition',
      message: expect.stringContaining('newer') as string,
    });
    await until('the newer one is connected', () => second.said.some((line) => line.startsWith('connected')));
  });

  test('jobs outlive an agent that is told to end; the next one takes them over and their whole output comes through', async () => {
    const here = await cluster();
    const first = agentProcess(here, null);
    const id = await submit(here, 'echo one; while [ ! -e $SCRATCH/go ]; do sleep 0.05; done; echo two');
    await running(id);
    first.child.kill('SIGTERM');
    expect(await first.ended).toBe(0);
    expect(first.said.join('')).toContain('go on without it');
    await writeFile(join(here.scratch, 'go'), '');
    const run = join(here.options.stateDir, 'jobs', `${id}.1`, 'run');
    await until('the job has ended by itself', async () => (await remainsOf(run))!.length === 0);
    agent(here);
    expect(await ended(id)).toMatchObject({ state: JobState.COMPLETED, exitCode: 0 });
    expect(await output(id)).toEqual({ stdout: 'one\ntwo\n', stderr: '' });
  });

  test('the server being away changes nothing for running work', async () => {
    const here = await cluster();
    agent(here);
    const id = await submit(
      here,
      'echo started >> $SCRATCH/log; while [ ! -e $SCRATCH/go ]; do sleep 0.05; done; echo done; exit 7',
    );
    await running(id);
    const { port } = server;
    await server.stop();
    await writeFile(join(here.scratch, 'go'), '');
    const run = join(here.options.stateDir, 'jobs', `${id}.1`, 'run');
    await until('the job has ended by itself', async () => (await remainsOf(run))!.length === 0);
    await startServer(port);
    // A channel that was refused waits a moment before it tries again.
    await until('the server answers', () =>
      client.jobs.get({ id }).then(
        () => true,
        () => false,
      ),
    );
    expect(await ended(id)).toMatchObject({ state: JobState.FAILED, exitCode: 7 });
    expect((await output(id)).stdout).toBe('done\n');
    expect(await log(here)).toBe('started\n');
  });
});

describe('the cluster is deleted', () => {
  /** Does not end by itself, nor by TERM. */
  const STUBBORN = 'trap "" TERM; echo $$ > $SCRATCH/pid; while :; do sleep 0.1; done';

  async function pidOf(here: Here): Promise<number> {
    const text = await until('it has said its pid', () =>
      readFile(join(here.scratch, 'pid'), 'utf8').then(
        (said) => said.endsWith('\n') && said,
        () => null,
      ),
    );
    const pid = Number(text);
    endings.push(async () => {
      if (isAlive(pid)) process.kill(pid, 'SIGKILL');
    });
    return pid;
  }

  function isAlive(pid: number): boolean {
    try {
      process.kill(pid, 0);
      return true;
    } catch {
      return false;
    }
  }

  test('under its agent: processes are stopped, nothing is left, the agent ends with 1; another cluster’s job goes on', async () => {
    const [here, other] = [await cluster(), await cluster()];
    const mine = agentProcess(here, null);
    agent(other);
    const [id, bystander] = [await submit(here, STUBBORN), await submit(other, 'exec sleep 300')];
    const [pid] = [await pidOf(here), await running(id), await running(bystander)];
    const queued = await submit(here, 'echo never >> $SCRATCH/log', 4);
    await until('the other waits there', async () => (await client.jobs.get({ id: queued })).nativeId !== '');
    expect(isAlive(pid)).toBe(true);
    await client.clusters.delete({ name: here.options.cluster, secret: here.options.secret });
    expect(await mine.ended).toBe(1);
    expect(mine.said.join('')).toContain(`cluster ${here.options.cluster} was deleted: 2 jobs stopped`);
    expect(isAlive(pid)).toBe(false);
    expect(await readdir(join(here.options.stateDir, 'jobs'))).toEqual([]);
    expect(await log(here)).toBe('');
    for (const gone of [id, queued]) {
      expect(await client.jobs.get({ id: gone })).toMatchObject({
        state: JobState.CANCELED,
        reason: { code: 'cluster_deleted', message: expect.stringContaining('its agent is told to stop it') as string },
      });
    }
    expect(await running(bystander)).toMatchObject({ state: JobState.RUNNING });
    await client.jobs.cancel({ id: bystander });
    await ended(bystander);
  });

  test('while its agent is away: it is told when it comes back, and stops what still runs', async () => {
    const here = await cluster();
    const first = agentProcess(here, null);
    const id = await submit(here, 'echo $$ > $SCRATCH/pid; exec sleep 300');
    const [pid] = [await pidOf(here), await running(id)];
    first.child.kill('SIGKILL');
    await first.ended;
    await until('the server has noticed', async () => {
      const seen = await client.clusters.get({ name: here.options.cluster });
      return !seen.connected;
    });
    await client.clusters.delete({ name: here.options.cluster, secret: here.options.secret });
    const job = await client.jobs.get({ id });
    expect(job.reason?.message).toContain('it is told to stop it when it calls in again');
    expect(isAlive(pid)).toBe(true);
    expect(await agent(here).done).toMatchObject({
      code: 'not_found',
      message: expect.stringContaining('1 job stopped') as string,
    });
    expect(isAlive(pid)).toBe(false);
    expect(await readdir(join(here.options.stateDir, 'jobs'))).toEqual([]);
  });
});

describe('killed with SIGKILL', () => {
  test.each(SENTINELS)('at %s: its process was started once, its end is told once', async (point) => {
    const here = await cluster();
    const first = agentProcess(here, point);
    const id = await submit(here, 'echo started >> $SCRATCH/log; sleep 0.3; echo said; exit 3');
    expect(await first.ended).toBe('SIGKILL');
    const second = agent(here);
    expect(await ended(id)).toMatchObject({ state: JobState.FAILED, exitCode: 3 });
    const { epoch } = await client.jobs.get({ id });
    // Back to the server and out again is right only where nothing of it was in the journal.
    expect(epoch).toBe(point === 'beforeReceived' ? epoch : '1');
    expect(await log(here)).toBe('started\n');
    expect((await output(id)).stdout).toBe('said\n');
    const finals = (await events(id)).filter((event) => event.kind === 'failed');
    expect(finals).toHaveLength(1);
    await until('nothing of it is left', async () => (await readJobs(here)).length === 0);
    expect(await second.stop()).toBeNull();
  });

  async function readJobs(here: Here): Promise<string[]> {
    return readdir(join(here.options.stateDir, 'jobs'));
  }
});

/**
 * For tests: the real server over a real socket, clusters that are registered there, and agents: in this process, or
 * as processes of their own that kill themselves at a sentinel. Of every agent that was begun `endAgents` knows.
 */
import { spawn, type ChildProcess } from 'node:child_process';
import { chmod, mkdir, mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createClient, type RainbowClient } from '../../client/client.ts';
import { generateGraph } from '../../core/graph/generate.ts';
import { JobState, type Event, type Job } from '../../gen/rainbow/v1/job_pb.js';
import { serve, type RunningServer, type ServeOptions } from '../../server/serve.ts';
import { realSystem } from '../../system/real.ts';
import { until } from '../../system/testing/until.ts';
import { runAgent, type AgentOptions } from '../agent.ts';
import { jobspecOf } from './jobspec.ts';
import type { Sentinel } from '../sentinels.ts';
import type { AgentProcessOptions } from './agent-process.ts';
import { stablePort } from '../../system/testing/stable-port.ts';

/** What a cluster is registered with, unless the server is told another. */
export const SERVER_SECRET = 'test-server-secret';

const FINAL = [JobState.COMPLETED, JobState.FAILED, JobState.CANCELED, JobState.REJECTED];

/** A cluster as its agents and those who submit have it. */
export interface Here {
  readonly name: string;
  readonly token: string;
  readonly options: Omit<AgentOptions, 'log' | 'reached'>;
  /** Everybody may write there. */
  readonly scratch: string;
}

export interface RunningAgent {
  /** What it has logged. */
  readonly said: readonly string[];
  /** Null when it was stopped, else why it ended. */
  readonly done: Promise<unknown>;
  stop(): Promise<unknown>;
}

export interface AgentProcess {
  readonly child: ChildProcess;
  readonly said: readonly string[];
  /** The signal that it ended by, or its exit code. */
  readonly ended: Promise<NodeJS.Signals | number | null>;
}

export interface AgentRig {
  /** A folder that everybody may pass through. */
  readonly root: string;
  readonly server: RunningServer;
  /** An operator. */
  readonly client: RainbowClient;
  /** Registers one of that name and a number, with one node, unless `more` has a graph: by default for the process runner. */
  cluster(name: string, more?: Partial<AgentOptions>, cores?: number): Promise<Here>;
  agent(here: Here, more?: Partial<AgentOptions>): RunningAgent;
  /** Kills itself at `killAt`. */
  agentProcess(here: Here, killAt: Sentinel | null): AgentProcess;
  /** `$SCRATCH` in the script is that of the first; answers the job's id. */
  submit(heres: Here | readonly Here[], script: string, cores?: number): Promise<string>;
  job(id: string): Promise<Job>;
  reaches(id: string, ...states: readonly JobState[]): Promise<Job>;
  ended(id: string): Promise<Job>;
  /** One asked after the other: hundreds who ask at once are a load of their own. */
  allEnded(ids: readonly string[]): Promise<readonly Job[]>;
  events(id: string): Promise<readonly Event[]>;
  output(id: string, epoch?: string): Promise<{ readonly stdout: string; readonly stderr: string }>;
  /** What its jobs wrote into `$SCRATCH/log`. */
  log(here: Here): Promise<string>;
  /** A value of the cluster's state, as its agent reports it. */
  stateOf(here: Here, key: string): Promise<unknown>;
  /** Its runner has looked at it: it is registered as it is. */
  followed(...heres: readonly Here[]): Promise<void>;
  /** Runs with the next `endAgents`. */
  afterwards(act: () => Promise<unknown>): void;
  endAgents(): Promise<void>;
  /** Again after `server.stop()`, on the same port and store. */
  serveAgain(): Promise<void>;
  close(): Promise<void>;
}

export async function openAgentRig(settings: Partial<ServeOptions> = {}): Promise<AgentRig> {
  const root = await mkdtemp(join(tmpdir(), 'rainbow-agent-'));
  await chmod(root, 0o755);
  const start = (port: number): Promise<RunningServer> =>
    serve(
      {
        host: `127.0.0.1:${port}`,
        database: join(root, 'rainbow.db'),
        version: 'test',
        secret: SERVER_SECRET,
        agents: { heartbeat: 1 },
        logLevel: 'silent',
        graceSeconds: 0.2,
        ...settings,
      },
      realSystem,
    );
  let server = await start(await stablePort());
  const client = createClient({ host: server.address, authorization: SERVER_SECRET });
  const endings: (() => Promise<unknown>)[] = [];
  let made = 0;

  const rig: AgentRig = {
    root,
    client,
    get server() {
      return server;
    },
    async serveAgain() {
      server = await start(server.port);
    },
    afterwards: (act) => void endings.push(act),

    async cluster(kind, more = {}, cores = 1) {
      const name = `${kind}${made++}`;
      const graph = generateGraph({ name, nodes: 1, coresPerNode: cores });
      const { secret, token } = await client.clusters.register({ name, secret: SERVER_SECRET, graph });
      const scratch = join(root, `${name}-scratch`);
      await mkdir(scratch);
      await chmod(scratch, 0o777);
      const stateDir = join(root, `${name}-state`);
      const options = { host: server.address, cluster: name, secret, runner: 'process', stateDir, graph, ...more };
      return { name, token, options, scratch };
    },

    agent(here, more = {}) {
      const ending = new AbortController();
      const said: string[] = [];
      const say = (message: string): void => void said.push(message);
      const options = { ...here.options, log: { info: say, warn: say }, ...more };
      const done = runAgent(options, realSystem, ending.signal).then(
        () => null,
        (error: unknown) => error,
      );
      const stop = (): Promise<unknown> => {
        ending.abort();
        return done;
      };
      endings.push(stop);
      return { said, done, stop };
    },

    agentProcess(here, killAt) {
      const options: AgentProcessOptions = { ...here.options, killAt };
      const program = join(import.meta.dirname, 'agent-process.ts');
      const child = spawn(process.execPath, [program, JSON.stringify(options)], {
        stdio: ['ignore', 'pipe', 'inherit'],
      });
      const said: string[] = [];
      child.stdout.setEncoding('utf8').on('data', (text: string) => void said.push(text));
      // Not its exit: what it said last may still be on its way then.
      const ended = new Promise<NodeJS.Signals | number | null>((resolve) =>
        child.once('close', (code, signal) => resolve(signal ?? code)),
      );
      endings.push(() => {
        if (child.exitCode === null && child.signalCode === null) child.kill('SIGKILL');
        return ended;
      });
      return { child, said, ended };
    },

    async submit(heres, script, cores = 1) {
      const all = 'name' in heres ? [heres] : heres;
      const { job } = await client.jobs.submit({
        jobspec: jobspecOf(script.replaceAll('$SCRATCH', all[0]!.scratch), cores),
        credentials: all.map(({ name, token }) => ({ name, token })),
      });
      return job!.id;
    },

    job: (id) => client.jobs.get({ id }),
    reaches: (id, ...states) => {
      let last: Job | null = null;
      return until(
        `job ${id} is ${states.map((state) => JobState[state]).join(' or ')}`,
        async () => {
          last = await client.jobs.get({ id });
          return states.includes(last.state) && last;
        },
        () => `it is ${JobState[last?.state ?? 0]}: ${last?.reason?.message}`,
      );
    },
    ended: (id) => rig.reaches(id, ...FINAL),
    async allEnded(ids) {
      const jobs: Job[] = [];
      for (const id of ids) jobs.push(await rig.ended(id));
      return jobs;
    },

    async events(id) {
      const all: Event[] = [];
      for await (const event of client.jobs.watchEvents({ jobId: id })) all.push(event);
      return all;
    },

    async output(id, epoch) {
      const parts = { 1: [] as Uint8Array[], 2: [] as Uint8Array[] };
      const which = epoch === undefined ? { id } : { id, epoch };
      for await (const chunk of client.jobs.readOutput(which)) parts[chunk.stream as 1 | 2].push(chunk.data);
      return { stdout: Buffer.concat(parts[1]).toString(), stderr: Buffer.concat(parts[2]).toString() };
    },

    log: ({ scratch }) => readFile(join(scratch, 'log'), 'utf8').catch(() => ''),
    stateOf: async ({ name }, key) =>
      ((await client.clusters.get({ name })).state as Record<string, unknown> | undefined)?.[key],
    async followed(...heres) {
      for (const here of heres) {
        await until(`${here.name} is as it is`, async () => (await rig.stateOf(here, 'nodes_total')) !== undefined);
      }
    },

    async endAgents() {
      for (const end of endings.splice(0).reverse()) await end();
    },
    async close() {
      await rig.endAgents();
      client.close();
      await server.stop();
      await rm(root, { recursive: true, force: true, maxRetries: 20, retryDelay: 50 });
    },
  };
  return rig;
}

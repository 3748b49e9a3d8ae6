/**
 * For tests: several servers, each a process of its own, on one real PostgreSQL, and agents (their own code, clusters in
 * memory) in this process that connect to whichever server answers.
 */
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as pause } from 'node:timers/promises';
import { serveCluster } from '../../src/agent/serve-cluster.ts';
import { memoryJournal } from '../../src/agent/journal.ts';
import { silentLog } from '../../src/agent/log.ts';
import type { Uplink } from '../../src/agent/messages.ts';
import { pickNamed } from '../../src/agent/pick/picks.ts';
import { keyText, type Runner } from '../../src/agent/runners/runner.ts';
import { noHook } from '../../src/agent/sentinels.ts';
import { nativeCluster, type NativeCluster } from '../../src/agent/testing/native-cluster.ts';
import { grpcUplink } from '../../src/agent/wire.ts';
import { createClient, type RainbowClient } from '../../src/client/client.ts';
import { generateGraph } from '../../src/core/graph/generate.ts';
import { coresJob } from '../../src/scheduler/testing/rig.ts';
import type { ServeOptions } from '../../src/server/serve.ts';
import type { LocalPostgres } from '../../src/store/testing/postgres.ts';
import { realSystem } from '../../src/system/real.ts';
import { stablePort } from '../../src/system/testing/stable-port.ts';

const SECRET = 'several-servers';
const HEARTBEAT = 0.5;

export interface Machine {
  readonly client: RainbowClient;
  readonly address: string;
  readonly running: boolean;
  kill(): Promise<void>;
  /** As an administrator does. */
  end(): Promise<void>;
  /** `program`: of another version, from now on. */
  start(program?: string): Promise<void>;
  /** SIGSTOP, and SIGCONT after so long. */
  hang(ms: number): Promise<void>;
  /** SIGSTOP. */
  freeze(): void;
  /** SIGCONT. */
  thaw(): void;
}

export interface Worker {
  readonly name: string;
  readonly native: NativeCluster;
  readonly done: Promise<unknown>;
}

export interface Fleet {
  readonly database: string;
  readonly machines: readonly Machine[];
  readonly workers: readonly Worker[];
  /** Registers clusters, at one server after the other, with an agent each. */
  agents(count: number, jobMs: () => number): Promise<void>;
  /** Asks one server after the other until one has answered; resolves to the job's id. */
  /** Of a job of one core. */
  readonly jobspec: string;
  /** A cluster without an agent, at the first server. */
  register(name: string): Promise<{ readonly secret: string; readonly token: string }>;
  /** An agent of a cluster that is registered. Jobs end after so long; null: when `native` says so. */
  agent(name: string, secret: string, jobMs: (() => number) | null): Worker;
  submit(key: string): Promise<string>;
  /** The same of an array, two at most at once; resolves to the ids of its tasks. */
  submitArray(key: string, tasks: number): Promise<readonly string[]>;
  /** What servers wrote into their logs. */
  readonly said: readonly string[];
  close(): Promise<void>;
}

/** What one server is given besides, by its number. */
export type Differences = (number: number) => {
  readonly database?: string;
  readonly scheduler?: ServeOptions['scheduler'];
  /** Milliseconds by which its machine's clock is ahead. */
  readonly clockAhead?: number;
  /** The file that is started; of a copy of the sources. */
  readonly program?: string;
};

export async function openFleet(
  database: string,
  servers: number,
  differences: Differences = () => ({}),
): Promise<Fleet> {
  const said: string[] = [];
  const machines = await Promise.all(
    Array.from({ length: servers }, (_, n) => startMachine(database, n, said, differences(n))),
  );
  const ending = new AbortController();
  const workers: Worker[] = [];
  const timers = new Set<NodeJS.Timeout>();
  let turn = 0;

  const later = (ms: number, act: () => void): void => {
    const timer = setTimeout(() => {
      timers.delete(timer);
      act();
    }, ms);
    timers.add(timer);
  };

  const host = machines.map((machine) => machine.address).join(',');
  const agentClients: RainbowClient[] = [];
  /** As `rainbow agent --host A,B`. */
  const uplink = (): Uplink => {
    const client = createClient({ host });
    agentClients.push(client);
    return grpcUplink(client);
  };

  const persistently = async <T>(act: (client: RainbowClient) => Promise<T>): Promise<T> => {
    for (let tries = 0; ; tries++) {
      const machine = machines[turn++ % machines.length] as Machine;
      try {
        return await act(machine.client);
      } catch (error) {
        if (tries > 400) throw error;
        await pause(100);
      }
    }
  };

  const register: Fleet['register'] = (name) => {
    const graph = generateGraph({ name, nodes: 2, coresPerNode: 8 });
    return persistently((client) => client.clusters.register({ name, secret: SECRET, graph }));
  };

  const agent: Fleet['agent'] = (name, secret, jobMs) => {
    const native = nativeCluster(realSystem);
    const opened = native.open();
    const runner: Runner = {
      ...opened,
      async submit(order) {
        const id = await opened.submit(order);
        if (jobMs === null) return id;
        later(5, () => native.run(keyText(order)));
        later(5 + jobMs(), () => native.end(keyText(order), { exitCode: 0 }));
        return id;
      },
    };
    const identity = { cluster: name, secret, runner: 'memory', version: '1', maxJobs: 50 };
    const pick = { name: 'first-come', pick: pickNamed('first-come').open({}) };
    const done = serveCluster(
      { identity, journal: memoryJournal(), runner, uplink: uplink(), log: silentLog, reached: noHook, pick },
      realSystem,
      ending.signal,
    ).catch((error: unknown) => error);
    const worker = { name, native, done };
    workers.push(worker);
    return worker;
  };

  return {
    database,
    machines,
    workers,
    said,
    jobspec: coresJob({ cores: 1 }),
    register,
    agent,
    async agents(count, jobMs) {
      for (let n = 0; n < count; n++) {
        const { secret } = await register(`c${n}`);
        agent(`c${n}`, secret, jobMs);
      }
    },
    async submitArray(key, tasks) {
      const array = `0-${tasks - 1}%2`;
      const job = { jobspec: coresJob({ cores: 1 }), idempotencyKey: key, name: key, array };
      const { job: stored } = await persistently((client) => client.jobs.submit(job, { timeoutMs: 5_000 }));
      const asked = { array: stored!.id, all: true, limit: tasks };
      const { jobs } = await persistently((client) => client.jobs.list(asked, { timeoutMs: 5_000 }));
      return jobs.map(({ id }) => id);
    },
    async submit(key) {
      const job = { jobspec: coresJob({ cores: 1 }), idempotencyKey: key, name: key };
      const { job: stored } = await persistently((client) => client.jobs.submit(job, { timeoutMs: 5_000 }));
      return stored!.id;
    },
    async close() {
      ending.abort();
      for (const timer of timers) clearTimeout(timer);
      await Promise.all(workers.map(({ done }) => done));
      for (const client of agentClients) client.close();
      for (const machine of machines) {
        machine.client.close();
        await machine.kill();
      }
    },
  };
}

/** As when ten seconds have passed since the last sign of life of the server with this number. */
export async function buried(postgres: LocalPostgres, url: string, number: number): Promise<void> {
  const database = await postgres.connect(url);
  const values = [`server ${number}`];
  await database.query({ sql: 'UPDATE servers SET seen_at = seen_at - 60000 WHERE name = $1', values });
  await database.close();
}

async function startMachine(
  database: string,
  number: number,
  said: string[],
  different: ReturnType<Differences>,
): Promise<Machine> {
  let child: ChildProcess | null = null;
  let port = 0;
  let { program = join(import.meta.dirname, 'server-process.ts') } = different;

  const start = async (version = program): Promise<void> => {
    program = version;
    if (port === 0) port = await stablePort();
    const options = {
      host: `127.0.0.1:${port}`,
      database: different.database ?? database,
      version: 'test',
      name: `server ${number}`,
      secret: SECRET,
      logLevel: 'warn',
      graceSeconds: 2,
      agents: { heartbeat: HEARTBEAT },
      scheduler: {
        silentAfter: 20,
        passOverAfter: 3,
        reassignAfter: 6,
        lostAfter: 60,
        pollEvery: 3,
        ...different.scheduler,
      },
      clockAhead: different.clockAhead ?? 0,
    };
    for (let tries = 0; ; tries++) {
      const started = spawn(process.execPath, [program, JSON.stringify(options)], {
        stdio: ['ignore', 'pipe', 'pipe'],
      });
      started.stderr.on('data', (data: Buffer) => {
        for (const line of data.toString().split('\n')) if (line !== '') said.push(`${number}: ${line.slice(0, 300)}`);
      });
      const lines = createInterface({ input: started.stdout });
      const ready = new Promise<number>((resolve) =>
        lines.on('line', (line) => {
          if (line.startsWith('ready ')) resolve(Number(line.slice(6)));
        }),
      );
      const answer = await Promise.race([ready, once(started, 'exit').then(() => null)]);
      if (answer !== null) {
        child = started;
        return;
      }
      // The database is away just now, as it may be for an operator who starts one.
      if (tries > 20) throw new Error(`a server did not start: ${said.slice(-5).join('\n')}`);
      await pause(500);
    }
  };

  const end = async (signal: NodeJS.Signals): Promise<void> => {
    const ended = child;
    child = null;
    if (ended === null || ended.exitCode !== null || ended.signalCode !== null) return;
    const exited = once(ended, 'exit');
    ended.kill(signal);
    await exited;
  };

  await start();
  const client = createClient({ host: `127.0.0.1:${port}`, authorization: SECRET, timeoutMs: 10_000 });
  return {
    client,
    address: `127.0.0.1:${port}`,
    get running() {
      return child !== null;
    },
    start,
    kill: () => end('SIGKILL'),
    end: () => end('SIGTERM'),
    freeze: () => void child?.kill('SIGSTOP'),
    thaw: () => void child?.kill('SIGCONT'),
    async hang(ms) {
      const held = child;
      held?.kill('SIGSTOP');
      await pause(ms);
      held?.kill('SIGCONT');
    },
  };
}

/**
 * Server and agents as real processes, killed with SIGKILL again and again while people submit and jobs run: then it is
 * counted. Each acknowledged job ended exactly once; each native process was started exactly once, under one epoch.
 * 20 kills over 300 jobs; 200 over 2,000 in `npm run soak`. Which one is killed, and when, comes from a seed.
 */
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { chmod, mkdir, mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as passing } from 'node:timers/promises';
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { AgentProcessOptions } from '../../src/agent/testing/agent-process.ts';
import { jobspecOf } from '../../src/agent/testing/jobspec.ts';
import { createClient, type RainbowClient } from '../../src/client/client.ts';
import { generateGraph } from '../../src/core/graph/generate.ts';
import { seededRandom } from '../../src/core/random.ts';
import { JobState, type Job } from '../../src/gen/rainbow/v1/job_pb.js';
import { SECRET } from './rainbow.ts';
import { until, untilHolds } from '../../src/system/testing/until.ts';
import { stablePort } from '../../src/system/testing/stable-port.ts';

const isLong = process.env['RAINBOW_SOAK'] !== undefined;
const KILLS = isLong ? 200 : 20;
const JOBS = isLong ? 2_000 : 300;
const SUBMITTERS = 8;
const CLUSTERS = ['red', 'blue'] as const;
const CORES = 8;
const AGENT = join(import.meta.dirname, '..', '..', 'src', 'agent', 'testing', 'agent-process.ts');
const SERVER = join(import.meta.dirname, 'serve-child.ts');

let folder: string;
let scratch: string;
let address = '';
let client: RainbowClient;
const children = new Map<string, ChildProcess>();

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'rainbow-kills-'));
  // As root, jobs run as somebody else: he is to reach it.
  await chmod(folder, 0o755);
  scratch = join(folder, 'scratch');
  await mkdir(scratch);
  await chmod(scratch, 0o777);
});
afterEach(async () => {
  client.close();
  for (const name of children.keys()) await kill(name);
  await rm(folder, { recursive: true, force: true, maxRetries: 20, retryDelay: 50 });
});

async function kill(name: string): Promise<void> {
  const child = children.get(name);
  children.delete(name);
  if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
  const exited = once(child, 'exit');
  child.kill('SIGKILL');
  await exited;
}

/** On the same port as before, so that agents and people find it again. */
async function startServer(): Promise<void> {
  if (address === '') address = `127.0.0.1:${await stablePort()}`;
  const child = spawn(process.execPath, [SERVER, join(folder, 'rainbow.db'), address], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  children.set('server', child);
  let text = '';
  for await (const piece of child.stdout) {
    text += String(piece);
    if (text.includes('\n')) break;
  }
  address = text.trim();
}

function startAgent(options: AgentProcessOptions): void {
  children.set(options.cluster, spawn(process.execPath, [AGENT, JSON.stringify(options)], { stdio: 'ignore' }));
}

/** Says its own key into a file of its own; every fifth fails. */
function scriptOf(number: number): string {
  return `echo "$RAINBOW_JOB_ID.$RAINBOW_EPOCH" >> ${scratch}/job-${number}; sleep 0.1; exit ${number % 5 === 0 ? 3 : 0}`;
}

/** As a person does who gets no answer: the same again, with the same key, until there is one. */
async function submit(number: number, isOver: () => boolean): Promise<string> {
  for (;;) {
    try {
      const jobspec = jobspecOf(scriptOf(number), 1);
      const { job } = await client.jobs.submit({ jobspec, name: `job-${number}`, idempotencyKey: `key-${number}` });
      return job!.id;
    } catch (error) {
      if (isOver()) throw error;
      await passing(20);
    }
  }
}

async function allJobs(): Promise<readonly Job[]> {
  const found: Job[] = [];
  let pageToken = '';
  do {
    const page = await client.jobs.list({ all: true, limit: 500, pageToken });
    found.push(...page.jobs);
    pageToken = page.nextPageToken;
  } while (pageToken !== '');
  return found;
}

test(`${KILLS} kills over ${JOBS} jobs`, { timeout: isLong ? 1_800_000 : 600_000 }, async () => {
  const random = seededRandom(`kills ${process.env['RAINBOW_SEED'] ?? 1}`);
  await startServer();
  client = createClient({ host: address, authorization: SECRET });
  const agents = new Map<string, AgentProcessOptions>();
  for (const cluster of CLUSTERS) {
    const graph = generateGraph({ name: cluster, nodes: 1, coresPerNode: CORES });
    const { secret } = await client.clusters.register({ name: cluster, secret: SECRET, graph });
    const stateDir = join(folder, cluster);
    const options = { host: address, cluster, secret, runner: 'process', stateDir, graph, killAt: null };
    agents.set(cluster, options);
    startAgent(options);
  }

  // 1. People submit, a few at a time, never further ahead than jobs are started.
  const acknowledged = new Map<number, string>();
  const started = async (): Promise<number> => (await readdir(scratch)).length;
  const progress = async (): Promise<number> => acknowledged.size + (await started());
  let next = 1;
  let failed: unknown = null;
  const submitter = async (): Promise<void> => {
    while (next <= JOBS) {
      const number = next++;
      acknowledged.set(number, await submit(number, () => failed !== null));
      await until('jobs start', async () => failed !== null || acknowledged.size - (await started()) < 60);
    }
  };
  const submitting = Promise.all(Array.from({ length: SUBMITTERS }, submitter)).catch((error: unknown) => {
    failed = error;
  });

  // 2. Somebody is killed whenever it has gone on a little.
  const killed: string[] = [];
  for (let number = 1; number <= KILLS; number++) {
    const from = (2 * JOBS * (number - 1)) / (KILLS + 1);
    const due = Math.ceil(from + random.below(Math.floor((2 * JOBS) / (KILLS + 1))));
    await untilHolds(async () => expect(await progress()).toBeGreaterThanOrEqual(due));
    const name = ['server', ...CLUSTERS][random.below(1 + CLUSTERS.length)]!;
    killed.push(name);
    await kill(name);
    if (name === 'server') await startServer();
    else startAgent(agents.get(name)!);
  }
  await submitting;
  expect(failed).toBeNull();
  expect(killed).toHaveLength(KILLS);
  expect(acknowledged.size).toBe(JOBS);

  // 3. Every one that was acknowledged ends, as its process did.
  const isOver = ({ state }: Job): boolean => state === JobState.COMPLETED || state === JobState.FAILED;
  await untilHolds(async () => expect((await allJobs()).every(isOver)).toBe(true));
  const jobs = await allJobs();
  expect(jobs.map(({ name }) => name).toSorted()).toEqual(
    Array.from({ length: JOBS }, (_, place) => `job-${place + 1}`).toSorted(),
  );
  for (const { id, name, state, exitCode } of jobs) {
    const number = Number(name.slice('job-'.length));
    expect(acknowledged.get(number)).toBe(id);
    expect({ name, state, exitCode }).toEqual(
      number % 5 === 0
        ? { name, state: JobState.FAILED, exitCode: 3 }
        : { name, state: JobState.COMPLETED, exitCode: 0 },
    );
  }

  // 4. Once: of each one end, and one process, under the epoch that counts.
  const ends = new Map<string, number>();
  for await (const { jobId, kind } of client.jobs.watchEvents({})) {
    if (['completed', 'failed', 'canceled', 'rejected'].includes(kind)) ends.set(jobId, (ends.get(jobId) ?? 0) + 1);
  }
  expect([...ends.values()].filter((count) => count !== 1)).toEqual([]);
  expect(ends.size).toBe(JOBS);
  for (const { id, epoch, name } of jobs) {
    expect(await readFile(join(scratch, name), 'utf8')).toBe(`${id}.${epoch}\n`);
  }
});

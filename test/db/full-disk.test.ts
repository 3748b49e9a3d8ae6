/**
 * A disk that is full under a server, for real: new work is refused clearly, reads go on, jobs run and are reported when
 * there is room again, nothing that was answered is lost, and nobody restarts anything.
 */
import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { AgentProcessOptions } from '../../src/agent/testing/agent-process.ts';
import { jobspecOf } from '../../src/agent/testing/jobspec.ts';
import { createClient, type RainbowClient } from '../../src/client/client.ts';
import { generateGraph } from '../../src/core/graph/generate.ts';
import { JobState } from '../../src/gen/rainbow/v1/job_pb.js';
import { localPostgres } from '../../src/store/testing/postgres.ts';
import { smallDisk, whyNoSmallDisk, type SmallDisk } from '../../src/store/testing/small-disk.ts';
import { checkStore } from '../../src/store/upkeep/check.ts';
import { patient } from '../../src/store/upkeep/testing/patient.ts';
import { launcher, until } from '../cli/command-line.ts';
import { skipWithout } from '../needs.ts';
import { SECRET } from '../server/rainbow.ts';

const AGENT = join(import.meta.dirname, '..', '..', 'src', 'agent', 'testing', 'agent-process.ts');
const SERVER = join(import.meta.dirname, '..', 'server', 'serve-child.ts');
const LARGE = `true # ${'x'.repeat(100_000)}`;

let folder: string;
let client: RainbowClient | null = null;
const children: ChildProcess[] = [];
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'rainbow-full-'));
  // Where the tests run as root, jobs run as another user.
  chmodSync(folder, 0o711);
  mkdirSync(join(folder, 'work'));
  chmodSync(join(folder, 'work'), 0o777);
});
afterEach(async () => {
  client?.close();
  client = null;
  for (const child of children.splice(0)) await kill(child);
  rmSync(folder, { recursive: true, force: true, maxRetries: 20, retryDelay: 50 });
});

async function kill(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const exited = once(child, 'exit');
  child.kill('SIGKILL');
  await exited;
}

/** `before`: what has to come before the command; `address`: where it is to listen. Resolves to where it does. */
async function startServer(database: string, before: readonly string[], address = '127.0.0.1:0') {
  const [program, ...args] = [...before, process.execPath, SERVER, database, address];
  const child = spawn(program, args, { stdio: ['ignore', 'pipe', 'inherit'] });
  children.push(child);
  let text = '';
  for await (const piece of child.stdout) if ((text += String(piece)).includes('\n')) break;
  return { child, address: text.trim() };
}

function startAgent(options: AgentProcessOptions): void {
  children.push(spawn(process.execPath, [AGENT, JSON.stringify(options)], { stdio: 'ignore' }));
}

interface Refusal {
  readonly code: string;
  readonly message: string;
}

async function tried(
  submitting: Promise<{ readonly job?: { readonly id: string } | undefined }>,
): Promise<string | Refusal> {
  try {
    return (await submitting).job!.id;
  } catch (error) {
    return error as Refusal;
  }
}

async function survives(database: string, before: readonly string[], disk: SmallDisk): Promise<void> {
  const { child, address } = await startServer(database, before);
  client = createClient({ host: address, authorization: SECRET });
  const { jobs, clusters } = client;
  const graph = generateGraph({ name: 'red', nodes: 1, coresPerNode: 8 });
  const { secret } = await clusters.register({ name: 'red', secret: SECRET, graph });
  startAgent({
    host: address,
    cluster: 'red',
    secret,
    runner: 'process',
    stateDir: join(folder, 'red'),
    graph,
    killAt: null,
  });

  // 1. One job runs, others are pending; all were answered.
  const ending = (name: string): string => join(folder, 'work', name);
  const script = `while [ ! -e ${ending('go')} ]; do sleep 0.05; done; echo over; touch ${ending('over')}`;
  const answered: string[] = [];
  const runs = (await jobs.submit({ jobspec: jobspecOf(script, 1), name: 'runs' })).job!.id;
  answered.push(runs);
  const stateOf = async (id: string): Promise<JobState> => (await jobs.get({ id })).state;
  await until(async () => (await stateOf(runs)) === JobState.RUNNING);
  const held = (n: number) => tried(jobs.submit({ jobspec: jobspecOf(LARGE, 1), name: `held ${n}`, hold: true }));
  for (let n = 0; n < 5; n++) answered.push((await held(n)) as string);

  // 2. The disk is full. What still finds room in what is allocated may be answered; then it is refused, in words.
  disk.fill();
  let refusal: Refusal | null = null;
  for (let n = 5; n < 200 && refusal === null; n++) {
    const outcome = await held(n);
    if (typeof outcome === 'string') answered.push(outcome);
    else refusal = outcome;
  }
  expect(refusal).toMatchObject({ code: 'unavailable', message: expect.stringMatching(/disk is full; make room/) });

  // 3. Reads go on; what runs goes on, and ends, and nobody can write it down yet.
  expect((await jobs.list({ all: true, limit: 500 })).jobs).toHaveLength(answered.length);
  expect((await clusters.list({})).clusters).toHaveLength(1);
  writeFileSync(ending('go'), '');
  await until(() => existsSync(ending('over')));
  const codes = new Set<string>();
  for (let n = 200; n < 203; n++) {
    const outcome = await held(n);
    if (typeof outcome === 'string') answered.push(outcome);
    else codes.add(outcome.code);
  }
  expect([...codes].filter((code) => code !== 'unavailable')).toEqual([]);
  expect(child.exitCode).toBeNull();

  // 4. There is room again: the same server takes work, and hears what became of the job.
  disk.free();
  answered.push(
    await until(async () => {
      const outcome = await held(300);
      return typeof outcome === 'string' ? outcome : null;
    }),
  );
  await until(async () => (await stateOf(runs)) === JobState.COMPLETED);
  const output: string[] = [];
  for await (const { data } of jobs.readOutput({ id: runs })) output.push(Buffer.from(data).toString());
  expect(output.join('')).toBe('over\n');

  // 5. What was answered is there, and no more, also for a server that starts anew.
  await kill(child);
  await startServer(database, before, address);
  const found = await until(() => jobs.list({ all: true, limit: 500 }).catch(() => null));
  expect(found.jobs.map(({ id }) => id).toSorted()).toEqual(answered.toSorted());
}

describe.skipIf(skipWithout('small-disk', await whyNoSmallDisk()))('a full disk', () => {
  const inDisk = (disk: SmallDisk, ...args: string[]) => {
    const [program, ...before] = disk.enter;
    return spawnSync(program, [...before, launcher, ...args], { encoding: 'utf8' });
  };

  test('under the embedded store; nor does a backup half fit', { timeout: 120_000 }, async () => {
    const disk = await smallDisk(16);
    try {
      const database = join(disk.folder, 'rainbow.db');
      await survives(database, disk.enter, disk);
      expect(inDisk(disk, 'db', 'check', '--db', database)).toMatchObject({ status: 0, stderr: '' });

      disk.fill();
      const backup = inDisk(disk, 'db', 'backup', '--db', database, join(disk.folder, 'backup.db'));
      expect(backup).toMatchObject({ status: 1, stderr: expect.stringMatching(/disk is full/) });
      const [program, ...before] = disk.enter;
      expect(spawnSync(program, [...before, 'ls', disk.folder], { encoding: 'utf8' }).stdout).not.toContain('backup');
    } finally {
      for (const child of children.splice(0)) await kill(child);
      await disk.remove();
    }
  });

  test('under PostgreSQL', { timeout: 120_000 }, async (context) => {
    let disk: SmallDisk | null = null;
    const { postgres, missing } = await localPostgres({ disk: async (user) => (disk = await smallDisk(40, user)) });
    context.skip(skipWithout('postgres', missing));
    try {
      const url = await postgres!.newDatabaseOnDisk();
      await survives(url, [], disk!);
      expect((await checkStore(url, patient)).findings).toEqual([]);
    } finally {
      for (const child of children.splice(0)) await kill(child);
      await postgres!.remove();
    }
  });
});

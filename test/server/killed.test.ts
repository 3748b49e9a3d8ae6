/** kill -9 in the midst of a thousand submits: every job that was acknowledged is there after a restart. */
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { MemoryGraph } from '../../src/gen/prototype/memory_pb.js';
import { RainbowScheduler } from '../../src/gen/prototype/rainbow_pb.js';
import { JobService } from '../../src/gen/rainbow/v1/jobs_pb.js';
import { KEEBLER } from './graphs.ts';
import { ONE_CORE } from './jobspecs.ts';
import { OPERATOR, SECRET, user } from './rainbow.ts';
import { connect, type Connection } from './raw-client.ts';

let folder: string;
let child: ChildProcess | null = null;
let connection: Connection | null = null;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'rainbow-test-'));
});
afterEach(async () => {
  await kill();
  await rm(folder, { recursive: true, force: true });
});

async function start(): Promise<Connection> {
  child = spawn(process.execPath, [join(import.meta.dirname, 'serve-child.ts'), join(folder, 'rainbow.db')], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let text = '';
  for await (const piece of child.stdout!) {
    text += String(piece);
    if (text.includes('\n')) break;
  }
  connection = connect(text.trim());
  return connection;
}

async function kill(): Promise<void> {
  connection?.close();
  connection = null;
  if (child === null || child.exitCode !== null || child.signalCode !== null) return;
  const exited = once(child, 'exit');
  child.kill('SIGKILL');
  await exited;
}

test('every acknowledged job survives, once', async () => {
  const total = 1_000;
  const first = await start();
  const scheduler = first.client(RainbowScheduler);
  const registered = await scheduler.register({ name: 'red', secret: SECRET, nodes: KEEBLER.text });
  const clusters = [{ name: 'red', token: registered.token }];
  const ada = { authorization: user('ada') };

  // 1. A thousand submits by both protocols, forty at a time; the kill comes when a third is acknowledged.
  const numbers: number[] = [];
  const ids: string[] = [];
  let next = 0;
  const killed: Promise<void>[] = [];
  const submitter = async (): Promise<void> => {
    while (next < total) {
      const i = next++;
      try {
        if (i % 2 === 0) {
          const { jobid } = await scheduler.submitJob({ name: `job-${i}`, clusters, jobspec: ONE_CORE });
          numbers.push(jobid);
        } else {
          const { job } = await first
            .client(JobService)
            .submit({ name: `job-${i}`, credentials: clusters, jobspec: ONE_CORE, idempotencyKey: `key-${i}` }, ada);
          ids.push(job!.id);
        }
      } catch {
        if (killed.length === 0) throw new Error(`submit ${i} failed before the kill`);
        return;
      }
      if (numbers.length + ids.length >= total / 3 && killed.length === 0) killed.push(kill());
    }
  };
  await Promise.all(Array.from({ length: 40 }, submitter));
  await Promise.all(killed);
  expect(next).toBeLessThan(total);

  // 2. After a restart: every acknowledged id once, the graph and the credentials too.
  const second = await start();
  const kept = await second
    .client(MemoryGraph)
    .satisfy({ payload: '{"version":1,"resources":{"a":{"type":"node","count":3}}}' });
  expect(kept.clusters).toEqual(['red']);
  const found: string[] = [];
  let pageToken = '';
  do {
    const page = await second
      .client(JobService)
      .list({ all: true, limit: 500, pageToken }, { authorization: OPERATOR });
    found.push(...page.jobs.map(({ id }) => id));
    pageToken = page.nextPageToken;
  } while (pageToken !== '');
  expect(new Set(found).size).toBe(found.length);
  for (const id of ids) expect(found).toContain(id);
  expect(found.length).toBeGreaterThanOrEqual(numbers.length + ids.length);

  // 3. The prototype's numbers are delivered, each once.
  const again = second.client(RainbowScheduler);
  const { jobs } = await again.receiveJobs({ cluster: 'red', secret: registered.secret });
  for (const number of numbers) expect(jobs).toHaveProperty(String(number));

  // 4. Whoever got no answer asks again with the same key, and there is still one job of each name.
  for (let i = 1; i < total; i += 2) {
    await second
      .client(JobService)
      .submit({ name: `job-${i}`, credentials: clusters, jobspec: ONE_CORE, idempotencyKey: `key-${i}` }, ada);
  }
  const names: string[] = [];
  pageToken = '';
  do {
    const page = await second.client(JobService).list({ limit: 1_000, pageToken }, ada);
    names.push(...page.jobs.map(({ name }) => name));
    pageToken = page.nextPageToken;
  } while (pageToken !== '');
  expect(names.toSorted()).toEqual(Array.from({ length: total / 2 }, (_, i) => `job-${2 * i + 1}`).toSorted());
});

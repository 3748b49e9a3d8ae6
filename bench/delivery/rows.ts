/** Each row: the system and its floor in turns, one pair of figures a round. Work is checked before its figure counts. */
import assert from 'node:assert/strict';
import { closeSync, fdatasyncSync, openSync, writeSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as passing } from 'node:timers/promises';
import type * as grpc from '@grpc/grpc-js';
import { fromBinary } from '@bufbuild/protobuf';
import { EventBatchSchema, SubmitResponseSchema } from '../../src/gen/rainbow/v1/jobs_pb.js';
import { openStore } from '../../src/store/open.ts';
import type { NewJob } from '../../src/store/store.ts';
import { realSystem } from '../../src/system/real.ts';
import {
  agent,
  operator,
  register,
  submit,
  SUBMIT,
  SUBMIT_MANY,
  user,
  watch,
  WATCH,
  type Registered,
} from './calls.ts';
import { channel, duplex, inFlight, readAll, start, unary, type Child } from './child.ts';
import { ECHO } from './server.ts';

export interface Figures {
  readonly row: string;
  readonly unit: 'µs' | 'ms' | 'KiB';
  /** One pair a round. */
  readonly rounds: readonly { readonly system: number; readonly floor: number }[];
}

let submits = 30_000;

/** Fewer, where the machine is busy. */
export function submitOnly(count: number): void {
  submits = count;
}

const IN_FLIGHT = 64;
const SHAPES = 64;

/** Row 6: CPU of the server for one submit, and for one echo of as many bytes. */
export async function unarySubmit(rounds: number): Promise<readonly Figures[]> {
  const [rainbow, echo] = [await start('rainbow'), await start('echo')];
  const [to, toEcho] = [channel(rainbow.address), channel(echo.address)];
  const red = await register(to, 'red', 64, 64);
  const requests = Array.from({ length: SHAPES }, (_, shape) => submit(red, shape));
  const count = Math.ceil(submits / rounds);
  let stored = 0;
  const one = async (number: number): Promise<void> => {
    const { job } = fromBinary(SubmitResponseSchema, await unary(to, SUBMIT, requests[number % SHAPES]!, user()));
    if (job !== undefined && job.id !== '') stored += 1;
  };
  const echoed = (number: number): Promise<Buffer> => unary(toEcho, ECHO.one.path, requests[number % SHAPES]!, user());
  await inFlight(500, IN_FLIGHT, one);
  await inFlight(500, IN_FLIGHT, echoed);
  const pairs: { system: number; floor: number }[] = [];
  for (let round = 0; round < rounds; round++) {
    const system = (await rainbow.cpuOf(() => inFlight(count, IN_FLIGHT, one))) / count;
    pairs.push({ system, floor: (await echo.cpuOf(() => inFlight(count, IN_FLIGHT, echoed))) / count });
  }
  assert.equal(stored, 500 + rounds * count);
  await stop([to, toEcho], [rainbow, echo]);
  return [{ row: '6', unit: 'µs', rounds: pairs }];
}

/** Row 7: the same by the stream, so many on the way at once, against the RPC library's stream of echoes. */
export async function streamedSubmit(rounds: number): Promise<readonly Figures[]> {
  const [rainbow, echo] = [await start('rainbow'), await start('echo')];
  const [to, toEcho] = [channel(rainbow.address), channel(echo.address)];
  const red = await register(to, 'red', 64, 64);
  const requests = Array.from({ length: SHAPES }, (_, shape) => submit(red, shape));
  const count = Math.ceil(submits / rounds);
  let stored = 0;
  const one = (bytes: Buffer): void => {
    if (fromBinary(SubmitResponseSchema, bytes).job !== undefined) stored += 1;
  };
  const next = (number: number): Buffer => requests[number % SHAPES]!;
  const many = (): Promise<void> => windowed(duplex(to, SUBMIT_MANY, user()), count, next, one);
  const echoed = (): Promise<void> => windowed(duplex(toEcho, ECHO.stream.path, user()), count, next, () => undefined);
  const pairs: { system: number; floor: number }[] = [];
  for (let round = -1; round < rounds; round++) {
    const pair = { system: (await rainbow.cpuOf(many)) / count, floor: (await echo.cpuOf(echoed)) / count };
    if (round >= 0) pairs.push(pair);
  }
  assert.equal(stored, (rounds + 1) * count);
  await stop([to, toEcho], [rainbow, echo]);
  return [{ row: '7', unit: 'µs', rounds: pairs }];
}

/** Row 9: from the call of submit until the agent has it, so many a second whether answered or not; 200 idle agents. */
export async function push(rounds: number, perSecond: number): Promise<readonly Figures[]> {
  const folder = await mkdtemp(join(tmpdir(), 'rainbow-bench-'));
  const [rainbow, echo] = [await start('rainbow', join(folder, 'rainbow.db')), await start('echo')];
  const [to, toEcho] = [channel(rainbow.address), channel(echo.address)];
  const clusters: Registered[] = [];
  for (let number = 0; number < 200; number++) clusters.push(await register(to, `c${number}`, 8, 64));
  const sent = new Map<string, number>();
  const waits: number[] = [];
  const early = new Map<string, number>();
  const agents = channel(rainbow.address);
  const leave: (() => void)[] = [];
  for (const cluster of clusters) {
    const stop = await agent(agents, cluster, ({ message }) => {
      if (message.case !== 'start') return;
      const began = sent.get(message.value.jobId);
      // It may be here before the answer to its submit is.
      if (began === undefined) early.set(message.value.jobId, performance.now());
      else waits.push(performance.now() - began);
    });
    leave.push(stop);
  }
  const one = async (number: number): Promise<void> => {
    const began = performance.now();
    const request = submit(clusters[number % clusters.length]!, 0);
    const { job } = fromBinary(SubmitResponseSchema, await unary(to, SUBMIT, request, user()));
    const had = early.get(job!.id);
    if (had === undefined) sent.set(job!.id, began);
    else waits.push(had - began);
  };
  // The floor: a sync of the disk, and a push on an open stream.
  const pushes: number[] = [];
  let pushedAt = 0;
  const stream = duplex(toEcho, ECHO.stream.path, user());
  stream.on('data', () => pushes.push(performance.now() - pushedAt));
  stream.write(Buffer.alloc(300));
  type Pairs = { system: number; floor: number }[];
  const [medians, tails, lone]: [Pairs, Pairs, Pairs] = [[], [], []];
  const count = perSecond * 2;
  for (let round = -1; round < rounds; round++) {
    waits.length = 0;
    pushes.length = 0;
    await openLoop(count, perSecond, one);
    for (let tries = 0; waits.length < count && tries < 600; tries++) await passing(50);
    assert.equal(waits.length, count, 'every job has come to its agent');
    for (let number = 0; number < 300; number++) {
      pushedAt = performance.now();
      await unary(toEcho, ECHO.push.path, Buffer.alloc(300), user());
      for (let tries = 0; pushes.length <= number && tries < 100; tries++) await passing(1);
    }
    const crowded = waits.slice();
    // One at a time: what it takes where nothing is in its way.
    waits.length = 0;
    for (let number = 0; number < 200; number++) {
      await one(number);
      for (let tries = 0; waits.length <= number && tries < 1_000; tries++) await passing(1);
    }
    const syncs = syncTimes(join(folder, 'floor.bin'), 200);
    if (round < 0) continue;
    medians.push({ system: at(crowded, 0.5), floor: at(syncs, 0.5) + at(pushes, 0.5) });
    tails.push({ system: at(crowded, 0.99), floor: at(syncs, 0.99) + at(pushes, 0.99) });
    lone.push({ system: at(waits, 0.5), floor: at(syncs, 0.5) + at(pushes, 0.5) });
  }
  for (const each of leave) each();
  stream.cancel();
  await stop([to, toEcho, agents], [rainbow, echo]);
  await rm(folder, { recursive: true });
  return [
    { row: '9 p50', unit: 'ms', rounds: medians },
    { row: '9 p99', unit: 'ms', rounds: tails },
    { row: '9 alone', unit: 'ms', rounds: lone },
  ];
}

/** Row 10: one claim where so many are queued, against one where 1,000 are. */
export async function backlog(rounds: number, most: number): Promise<readonly Figures[]> {
  const folder = await mkdtemp(join(tmpdir(), 'rainbow-bench-'));
  const open = async (queued: number) => {
    const store = await openStore(join(folder, `${queued}.db`), realSystem);
    const of = { secretHash: new Uint8Array(32), tokenHash: new Uint8Array(32), graph: '{}', counts: [], at: 1 };
    const { id } = await store.clusters.register({ name: 'red', ...of });
    const cluster = { name: 'red', id };
    await inFlight(queued + rounds * 200, 256, () => store.jobs.submit(queuedJob(cluster)));
    return { store, cluster };
  };
  const [few, many] = [await open(1_000), await open(most)];
  const claims = async ({ store, cluster }: typeof few): Promise<number> => {
    const times: number[] = [];
    for (let number = 0; number < 200; number++) {
      const began = performance.now();
      assert.equal((await store.jobs.receive(cluster, 1, null, 1)).length, 1);
      times.push(performance.now() - began);
    }
    return at(times, 0.99);
  };
  const pairs: { system: number; floor: number }[] = [];
  for (let round = 0; round < rounds; round++) pairs.push({ floor: await claims(few), system: await claims(many) });
  for (const { store } of [few, many]) await store.close();
  await rm(folder, { recursive: true });
  return [{ row: '10', unit: 'ms', rounds: pairs }];
}

/** Row 11: so many agents over 16 connections: what each costs, and how soon one has its job. */
export async function agents(rounds: number, most: number): Promise<readonly Figures[]> {
  const wakes = new Map<number, number[]>();
  let memory = { system: 0, floor: 0 };
  for (const count of [100, most]) {
    const [rainbow, echo] = [await start('rainbow'), await start('echo')];
    const to = Array.from({ length: 16 }, () => channel(rainbow.address));
    const toEcho = Array.from({ length: 16 }, () => channel(echo.address));
    const clusters: Registered[] = [];
    await inFlight(count, 8, async (number) => {
      clusters[number] = await register(to[number % 16]!, `c${number}`, 8, 64);
    });
    const started: (() => void)[] = [];
    const before = await rainbow.memory();
    const leave: (() => void)[] = [];
    await inFlight(count, 64, async (number) => {
      leave.push(
        await agent(to[number % 16]!, clusters[number]!, ({ message }) => {
          if (message.case === 'start') started.shift()?.();
        }),
      );
    });
    const times: number[] = [];
    for (let number = 0; number < rounds * 40; number++) {
      const began = performance.now();
      const has = new Promise<void>((resolve) => started.push(resolve));
      await unary(to[0]!, SUBMIT, submit(clusters[(number * 7) % count]!, 0), user());
      await has;
      times.push(performance.now() - began);
    }
    wakes.set(count, times);
    const after = await rainbow.memory();
    const echoBefore = await echo.memory();
    const streams = Array.from({ length: count }, (_, number) => {
      const stream = duplex(toEcho[number % 16]!, ECHO.stream.path, user());
      stream.write(Buffer.alloc(300));
      return stream;
    });
    await Promise.all(streams.map((stream) => new Promise((resolve) => void stream.once('data', resolve))));
    const echoAfter = await echo.memory();
    const each = (from: number, now: number): number => (now - from) / count / 1024;
    memory = { system: each(before, after), floor: each(echoBefore, echoAfter) };
    for (const each of leave) each();
    for (const stream of streams) stream.cancel();
    await stop([...to, ...toEcho], [rainbow, echo]);
  }
  const pairs = Array.from({ length: rounds }, (_, round) => {
    const part = (count: number): number => at(wakes.get(count)!.slice(round * 40, round * 40 + 40), 0.5);
    return { system: part(most), floor: part(100) };
  });
  return [
    { row: '11 wake', unit: 'ms', rounds: pairs },
    { row: '11 memory', unit: 'KiB', rounds: [memory] },
  ];
}

/** Row 12: CPU of the server for an event at a watcher, in batches, against one message of that size to a reader. */
export async function events(rounds: number): Promise<readonly Figures[]> {
  const [rainbow, echo] = [await start('rainbow'), await start('echo')];
  const [to, toEcho] = [channel(rainbow.address), channel(echo.address)];
  const red = await register(to, 'red', 64, 64);
  const jobs = Math.min(1_000, submits);
  await inFlight(jobs, IN_FLIGHT, (number) => unary(to, SUBMIT, submit(red, number % SHAPES), user()));
  const sizeOf = (message: Buffer): number => message.length;
  const eventsIn = (message: Buffer): number => fromBinary(EventBatchSchema, message).events.length;
  const count = await readAll(to, WATCH, watch(), operator(), eventsIn);
  assert.ok(count >= 2 * jobs);
  const size = await readAll(to, WATCH, watch(), operator(), sizeOf);
  const message = Buffer.alloc(Math.round(size / count));
  message.writeUInt32BE(count, 0);
  const watchers = 100;
  const pairs: { system: number; floor: number }[] = [];
  for (let round = 0; round < rounds; round++) {
    const all = async (read: () => Promise<number>, whole: number): Promise<void> => {
      const sizes = await Promise.all(Array.from({ length: watchers }, read));
      assert.ok(sizes.every((each) => each === whole));
    };
    const own = (): Promise<number> => readAll(to, WATCH, watch(), operator(), sizeOf);
    const one = (): Promise<number> => readAll(toEcho, ECHO.many.path, message, operator(), () => 1);
    const system = await rainbow.cpuOf(() => all(own, size));
    const floor = await echo.cpuOf(() => all(one, count));
    // How many times cheaper than one message an event: so the floor stands above.
    pairs.push({ system: floor / count / watchers, floor: system / count / watchers });
  }
  await stop([to, toEcho], [rainbow, echo]);
  return [{ row: '12', unit: 'µs', rounds: pairs }];
}

function queuedJob(cluster: { name: string; id: number }): NewJob {
  return {
    name: 'bench',
    owner: 'user:bench',
    jobspec: 'version: 1\n',
    candidates: [cluster],
    policy: 'random',
    policyOptions: {},
    priority: 0,
    walltime: 60,
    onClusterLoss: 'wait',
    idempotencyKey: null,
    at: 1,
    outcome: { state: 'assigned', reason: { code: 'selected', message: '' }, cluster, allocation: null },
    decision: null,
  };
}

/** Says the next when an answer has come, `IN_FLIGHT` ahead. */
function windowed(
  stream: grpc.ClientDuplexStream<Buffer, Buffer>,
  count: number,
  next: (number: number) => Buffer,
  answered: (bytes: Buffer) => void,
): Promise<void> {
  return new Promise((resolve, reject) => {
    let sent = 0;
    let had = 0;
    const say = (): void => void stream.write(next(sent++));
    stream.on('error', reject);
    stream.on('data', (bytes: Buffer) => {
      answered(bytes);
      had += 1;
      if (sent < count) say();
      else if (had === count) stream.end();
    });
    stream.on('end', resolve);
    while (sent < Math.min(IN_FLIGHT, count)) say();
  });
}

/** Begins so many a second, whether those before are answered or not. */
async function openLoop(count: number, perSecond: number, call: (number: number) => Promise<void>): Promise<void> {
  const began = performance.now();
  const calls: Promise<void>[] = [];
  while (calls.length < count) {
    const due = Math.min(count, Math.ceil(((performance.now() - began) / 1000) * perSecond));
    while (calls.length < due) calls.push(call(calls.length));
    await passing(1);
  }
  await Promise.all(calls);
}

function syncTimes(path: string, count: number): number[] {
  const file = openSync(path, 'w');
  writeSync(file, Buffer.alloc(2 ** 20, 1));
  fdatasyncSync(file);
  const times = Array.from({ length: count }, (_, place) => {
    const began = performance.now();
    writeSync(file, Buffer.alloc(512, 2), 0, 512, place * 512);
    fdatasyncSync(file);
    return performance.now() - began;
  });
  closeSync(file);
  return times;
}

function at(values: readonly number[], share: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.floor(sorted.length * share)] ?? Number.NaN;
}

async function stop(clients: readonly grpc.Client[], children: readonly Child[]): Promise<void> {
  for (const client of clients) client.close();
  for (const child of children) await child.stop();
}

/**
 * An answer leaves after the sync of what it promises, seen from outside: in the system calls of the server, or of
 * PostgreSQL. One caller alone waits for one sync; many at once share.
 */
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { jobspecOf } from '../../src/agent/runners/conformance.ts';
import { createClient, type RainbowClient } from '../../src/client/client.ts';
import { serve } from '../../src/server/serve.ts';
import { localPostgres } from '../../src/store/testing/postgres.ts';
import { realSystem } from '../../src/system/real.ts';
import { until } from '../cli/command-line.ts';
import { skipWithout } from '../needs.ts';
import { SECRET } from '../server/rainbow.ts';
import { callsWhile, syncsOf, tracer, whyNoTracer, type Call } from './trace.ts';

const SERVER = join(import.meta.dirname, '..', 'server', 'serve-child.ts');
const ALONE = 20;
const TOGETHER = 256;
/** A time of its own work, as of looking at what is due, may fall among these; the longer they take, the more. */
const BESIDE = ALONE / 3;

let folder: string;
let trace: string;
let client: RainbowClient | null = null;
let child: ChildProcess | null = null;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'rainbow-sync-'));
  // Where the tests run as root, PostgreSQL and its tracer run as another user.
  chmodSync(folder, 0o777);
  trace = join(folder, 'trace');
});
afterEach(async () => {
  client?.close();
  if (child !== null && child.exitCode === null && child.signalCode === null) {
    const exited = once(child, 'exit');
    child.kill('SIGKILL');
    await exited;
  }
  client = null;
  child = null;
  rmSync(folder, { recursive: true, force: true });
});

const jobspec = jobspecOf('true', 1);
const together = () => Promise.all(Array.from({ length: TOGETHER }, submit));
const submit = () => client!.jobs.submit({ jobspec, hold: true, waitForCluster: true });

/** Of callers one after the other: how many syncs each waited for, by `look`. Most of them one, none of them none. */
async function oneEach(isAnswer: (call: Call) => boolean, look: (calls: readonly Call[]) => number): Promise<void> {
  const counts: number[] = [];
  for (let n = 0; n < ALONE; n++) counts.push(look(await callsWhile(trace, submit, isAnswer)));
  expect(Math.min(...counts)).toBe(1);
  expect(counts.filter((count) => count !== 1).length).toBeLessThanOrEqual(BESIDE);
}

describe.skipIf(skipWithout('strace', whyNoTracer()))('sync before acknowledgement', () => {
  test('of the embedded store', { timeout: 60_000 }, async () => {
    const [program, ...args] = tracer(trace, ['fsync', 'fdatasync', 'read', 'write', 'writev']);
    child = spawn(program!, [...args, process.execPath, SERVER, join(folder, 'rainbow.db')], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    let address = '';
    for await (const piece of child.stdout!) if ((address += String(piece)).includes('\n')) break;
    client = createClient({ host: address.trim(), authorization: SECRET });
    await submit();
    // Frames that only keep the connection going are shorter.
    const onSocket = (names: RegExp) => (call: Call) =>
      names.test(call.name) && call.args.includes('<TCP') && call.result > 40;

    const isAnswer = onSocket(/^writev?$/);

    await oneEach(isAnswer, (calls) => {
      const syncs = syncsOf(calls, /rainbow\.db-wal>/);
      const request = calls.find(onSocket(/^read$/));
      const answer = calls.find(isAnswer);
      return syncs.filter(({ started, ended }) => started > request!.ended && ended < answer!.started).length;
    });

    const calls = await callsWhile(trace, together, isAnswer);
    const syncs = syncsOf(calls, /rainbow\.db-wal>/);
    expect(syncs.length).toBeGreaterThanOrEqual(1);
    expect(syncs.length).toBeLessThan(TOGETHER / 4);
    expect(calls.find(isAnswer)!.started).toBeGreaterThan(syncs[0]!.ended);
  });

  test('of PostgreSQL', { timeout: 60_000 }, async (context) => {
    const under = tracer(trace, ['fsync', 'fdatasync', 'sendto'], 64);
    const { postgres, missing } = await localPostgres({ durable: true, under });
    context.skip(skipWithout('postgres', missing));
    const database = await postgres!.newDatabase();
    const server = await serve(
      { host: '127.0.0.1:0', database, secret: SECRET, version: '0', logLevel: 'silent' },
      realSystem,
    );
    try {
      client = createClient({ host: server.address, authorization: SECRET });
      // What tells a client that its COMMIT is done; reads end in one as well. The process that syncs is the one that writes.
      const isTold = ({ name, args }: Call): boolean => name === 'sendto' && args.includes('COMMIT\\0');
      const writer = await until(async () => {
        const calls = await callsWhile(trace, submit, isTold);
        return syncsOf(calls, /\/pg_wal\//).find(({ pid }) => calls.some((call) => call.pid === pid && isTold(call)))
          ?.pid;
      });
      const isCommitted = (call: Call): boolean => call.pid === writer && isTold(call);

      await oneEach(isCommitted, (calls) => {
        const syncs = syncsOf(calls, /\/pg_wal\//);
        const told = calls.filter(isCommitted);
        return syncs.filter(({ ended }) => told.some(({ started }) => started > ended)).length;
      });

      const calls = await callsWhile(trace, together, isCommitted);
      const syncs = syncsOf(calls, /\/pg_wal\//);
      expect(syncs.length).toBeGreaterThanOrEqual(1);
      expect(syncs.length).toBeLessThan(TOGETHER / 4);
    } finally {
      await server.stop();
      await postgres!.remove();
    }
  });
});

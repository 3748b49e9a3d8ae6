/**
 * An answer leaves after the sync of what it promises, seen from outside: in the system calls of the server, or of
 * PostgreSQL. One caller alone waits for one sync; many at once share.
 */
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Client } from 'pg';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { jobspecOf } from '../../src/agent/testing/jobspec.ts';
import { createClient, type RainbowClient } from '../../src/client/client.ts';
import { serve } from '../../src/server/serve.ts';
import { localPostgres } from '../../src/store/testing/postgres.ts';
import { realSystem } from '../../src/system/real.ts';
import { skipWithout } from '../needs.ts';
import { SECRET } from '../server/rainbow.ts';
import { callsWhile, syncsOf, tracer, whyNoTracer, type Call } from './trace.ts';

const SERVER = join(import.meta.dirname, '..', 'server', 'serve-child.ts');
const ALONE = 20;
const TOGETHER = 256;
/** The server's own work, as of looking at what is due, may fall among these; the longer they take, the more. */
const LEAST_ALONE = ALONE / 4;

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

/** Of callers one after the other: how many syncs each waited for, by `look`. One, but for what the server does besides; none of them none. */
async function oneEach(look: () => Promise<number>): Promise<void> {
  const counts: number[] = [];
  for (let n = 0; n < ALONE; n++) counts.push(await look());
  expect(Math.min(...counts)).toBe(1);
  expect(counts.filter((count) => count === 1).length).toBeGreaterThanOrEqual(LEAST_ALONE);
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

    const isRequest = onSocket(/^read$/);
    const isAnswer = onSocket(/^writev?$/);
    /** The first answer after the first request: one to an earlier request may be written down late. */
    const answered = (calls: readonly Call[]): readonly [Call, Call] | null => {
      const request = calls.find(isRequest);
      const answer = calls.find((call) => request !== undefined && isAnswer(call) && call.started > request.ended);
      return answer === undefined ? null : [request!, answer];
    };
    const whole = (calls: readonly Call[]): boolean => answered(calls) !== null;

    await oneEach(async () => {
      const calls = await callsWhile(trace, submit, whole);
      const [request, answer] = answered(calls)!;
      const syncs = syncsOf(calls, /rainbow\.db-wal>/);
      return syncs.filter(({ started, ended }) => started > request.ended && ended < answer.started).length;
    });

    const calls = await callsWhile(trace, together, whole);
    const syncs = syncsOf(calls, /rainbow\.db-wal>/);
    expect(syncs.length).toBeGreaterThanOrEqual(1);
    expect(syncs.length).toBeLessThan(TOGETHER / 2);
    expect(answered(calls)![1].started).toBeGreaterThan(syncs[0]!.ended);
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
      const beside = new Client({ connectionString: database });
      await beside.connect();
      let marks = 0;
      /** What PostgreSQL did until `act` was answered: it tells a mark only after that. */
      const done = async (act: () => Promise<unknown>): Promise<readonly Call[]> => {
        const mark = `mark-${marks++}-`;
        const acted = async () => {
          await act();
          await beside.query(`SELECT '${mark}'`);
        };
        return callsWhile(trace, acted, (calls) =>
          calls.some(({ name, args }) => name === 'sendto' && args.includes(mark)),
        );
      };
      // The process that syncs is the one that writes, and then tells its client that its COMMIT is done.
      const isTold = ({ name, args }: Call): boolean => name === 'sendto' && args.includes('COMMIT\\0');
      const committed = (calls: readonly Call[]): readonly Call[] =>
        syncsOf(calls, /\/pg_wal\//).filter(({ pid, ended }) =>
          calls.some((call) => isTold(call) && call.pid === pid && call.started > ended),
        );
      await done(submit);

      await oneEach(async () => committed(await done(submit)).length);

      const syncs = committed(await done(together));
      expect(syncs.length).toBeGreaterThanOrEqual(1);
      expect(syncs.length).toBeLessThan(TOGETHER / 2);
      await beside.end();
    } finally {
      await server.stop();
      await postgres!.remove();
    }
  });
});

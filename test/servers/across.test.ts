/** Two servers on one PostgreSQL: what is begun at one goes on at the other. */
import { afterAll, afterEach, beforeEach, describe, expect, test } from 'vitest';
import { serveCluster } from '../../src/agent/serve-cluster.ts';
import { memoryJournal } from '../../src/agent/journal.ts';
import { silentLog } from '../../src/agent/log.ts';
import { pickNamed } from '../../src/agent/pick/picks.ts';
import { ownQueue } from '../../src/agent/runners/own-queue.ts';
import { noHook } from '../../src/agent/sentinels.ts';
import { nativeCluster, type NativeCluster } from '../../src/agent/testing/native-cluster.ts';
import { grpcUplink } from '../../src/agent/wire.ts';
import { createClient, type RainbowClient } from '../../src/client/client.ts';
import { RainbowError } from '../../src/core/errors.ts';
import { generateGraph } from '../../src/core/graph/generate.ts';
import { BidKind } from '../../src/gen/rainbow/v1/bid_pb.js';
import { JobState, type Job } from '../../src/gen/rainbow/v1/job_pb.js';
import { coresJob } from '../../src/scheduler/testing/rig.ts';
import { serve, type RunningServer } from '../../src/server/serve.ts';
import { localPostgres } from '../../src/store/testing/postgres.ts';
import { realSystem } from '../../src/system/real.ts';
import { skipWithout } from '../needs.ts';
import { untilHolds } from '../../src/system/testing/until.ts';

const SECRET = 'two-servers';
const ADA = `rbu_${'ada'.padEnd(43, '0')}`;

const { postgres, missing } = await localPostgres();
afterAll(() => postgres?.remove());

let url: string;
let servers: RunningServer[];
let clients: RainbowClient[];
let one: RainbowClient;
let two: RainbowClient;
const closing: (() => unknown)[] = [];

const open = (database: string): Promise<RunningServer> =>
  serve(
    {
      host: '127.0.0.1:0',
      database,
      version: 'test',
      secret: SECRET,
      logLevel: 'silent',
      agents: { heartbeat: 1 },
    },
    realSystem,
  );

function clientOf(server: RunningServer, authorization = SECRET): RainbowClient {
  const client = createClient({ host: `127.0.0.1:${server.port}`, authorization });
  closing.push(() => client.close());
  return client;
}

async function register(client: RainbowClient, name: string): Promise<{ secret: string; token: string }> {
  const graph = generateGraph({ name, nodes: 2, coresPerNode: 4 });
  return client.clusters.register({ name, secret: SECRET, graph });
}

/** An agent that bids, at that server; with accounts only for those. */
function agent(client: RainbowClient, cluster: string, secret: string, accounts?: readonly string[]): NativeCluster {
  const native = nativeCluster(realSystem);
  const ending = new AbortController();
  const queue = ownQueue({
    totals: [
      { type: 'node', total: 2 },
      { type: 'core', total: 8 },
    ],
    jobs: async () => [...native.jobs.values()],
    refusal: () => null,
    clock: realSystem.clock,
  });
  const mapping = accounts === undefined ? {} : ({ runAs: 'mapped', accounts } as const);
  const done = serveCluster(
    {
      identity: { cluster, secret, runner: 'process', version: '1', maxJobs: 10, ...mapping },
      journal: memoryJournal(),
      runner: { ...native.open(), queue },
      uplink: grpcUplink(client),
      log: silentLog,
      reached: noHook,
      pick: { name: 'first-come', pick: pickNamed('first-come').open({}) },
    },
    realSystem,
    ending.signal,
  ).catch((error: unknown) => error);
  closing.push(async () => {
    ending.abort();
    await done;
  });
  return native;
}

const inState = (client: RainbowClient, id: string, state: JobState): Promise<Job> =>
  untilHolds(async () => {
    const job = await client.jobs.get({ id });
    expect(JobState[job.state]).toBe(JobState[state]);
    return job;
  });
const connected = (client: RainbowClient, name: string): Promise<unknown> =>
  untilHolds(async () => expect((await client.clusters.get({ name })).connected).toBe(true));

describe.skipIf(skipWithout('postgres', missing))('two servers', () => {
  beforeEach(async () => {
    url = await postgres!.newDatabase();
    servers = await Promise.all([open(url), open(url)]);
    clients = servers.map((server) => clientOf(server));
    [one, two] = clients as [RainbowClient, RainbowClient];
  });
  afterEach(async () => {
    for (let act = closing.pop(); act !== undefined; act = closing.pop()) await act();
    await Promise.all(servers.map((server) => server.stop()));
  });

  test('what is registered at one is known at the other with the next call', async () => {
    const ada = clientOf(servers[1]!, ADA);
    for (let n = 0; n < 5; n++) {
      const name = `c${n}`;
      const { token } = await register(one, name);
      const { job } = await ada.jobs.submit({ jobspec: coresJob({}), credentials: [{ name, token }] });
      expect(job).toMatchObject({ cluster: name, state: JobState.ASSIGNED });
      // An operator shows no token, and names it.
      await register(one, `d${n}`);
      const { job: named } = await two.jobs.submit({ jobspec: coresJob({}), clusters: [`d${n}`] });
      expect(named).toMatchObject({ cluster: `d${n}`, state: JobState.ASSIGNED });
    }
    const { token } = await one.groups.create({ name: 'all', clusters: ['c0', 'c1'] });
    const { job } = await ada.jobs.submit({ jobspec: coresJob({}), credentials: [{ name: 'all', token }] });
    expect(['c0', 'c1']).toContain(job!.cluster);
  });

  test('a graph, a state and a deletion arrive', async () => {
    const { secret } = await register(one, 'red');
    await untilHolds(async () => expect((await two.clusters.list({})).clusters).toHaveLength(1));
    await two.clusters.updateState({ cluster: 'red', secret, state: { load: 3 } });
    await untilHolds(async () => expect((await one.clusters.get({ name: 'red' })).state).toMatchObject({ load: 3 }));
    const graph = generateGraph({ name: 'red', nodes: 7, coresPerNode: 4 });
    await two.clusters.register({ name: 'red', secret, graph, replace: true });
    await untilHolds(async () => {
      const { candidates } = await one.jobs.match({ jobspec: coresJob({ nodes: 7 }) });
      expect(candidates.map(({ cluster }) => cluster)).toEqual(['red']);
    });
    await one.clusters.delete({ name: 'red', secret });
    await untilHolds(async () => expect((await two.clusters.list({})).clusters).toEqual([]));
  });

  test('submitted at one, run by an agent at the other, its output followed and its cancel asked for at the first', async () => {
    const { secret } = await register(one, 'red');
    const native = agent(two, 'red', secret);
    await connected(one, 'red');
    const { job } = await one.jobs.submit({ jobspec: coresJob({}) });
    const key = `${job!.id}.1`;
    await untilHolds(() => expect(native.jobs.has(key)).toBe(true));
    native.run(key);
    await inState(one, job!.id, JobState.RUNNING);
    native.write(key, 'hello');
    const read = (async () => {
      for await (const { data } of one.jobs.readOutput({ id: job!.id, follow: true })) {
        if (data.byteLength > 0) return Buffer.from(data).toString();
      }
      return null;
    })();
    expect(await read).toBe('hello');
    await one.jobs.cancel({ id: job!.id });
    await untilHolds(() => expect(native.stopped.map((stopped) => stopped.key)).toContain(key));
    await inState(one, job!.id, JobState.CANCELED);
  });

  test('what one debits and credits the other does too', async () => {
    const { secret } = await register(one, 'red');
    const native = agent(two, 'red', secret);
    await connected(one, 'red');
    const free = async (client: RainbowClient): Promise<number> => {
      const { resources } = await client.clusters.get({ name: 'red' });
      return Number(resources.find(({ type }) => type === 'core')?.free);
    };
    expect(await free(two)).toBe(8);
    const ids: string[] = [];
    for (const client of [one, two, one])
      ids.push((await client.jobs.submit({ jobspec: coresJob({ cores: 2 }) })).job!.id);
    for (const client of clients) await untilHolds(async () => expect(await free(client)).toBe(2));
    for (const id of ids) {
      await untilHolds(() => expect(native.jobs.has(`${id}.1`)).toBe(true));
      native.run(`${id}.1`);
      native.end(`${id}.1`, { exitCode: 0 });
    }
    for (const client of clients) await untilHolds(async () => expect(await free(client)).toBe(8));
  });

  test('a bid comes from an agent whose stream the other holds', async () => {
    const { secret } = await register(one, 'red');
    agent(two, 'red', secret);
    await connected(one, 'red');
    const bids = async (): Promise<unknown> => {
      const { job } = await one.jobs.submit({ jobspec: coresJob({}), ask: true });
      const { decisions } = await one.jobs.explain({ id: job!.id });
      return decisions[0]?.candidates.map(({ bid }) => ({ kind: BidKind[bid!.kind], byProxy: bid!.byProxy }));
    };
    await untilHolds(async () => expect(await bids()).toEqual([{ kind: 'YES', byProxy: false }]));
  });

  test('what one learns of bids the other goes by', async () => {
    const { secret } = await register(one, 'red');
    const native = agent(two, 'red', secret);
    await connected(one, 'red');
    const asked = async (client: RainbowClient): Promise<{ id: string; bid: string | undefined }> => {
      const { job } = await client.jobs.submit({ jobspec: coresJob({}), ask: true });
      const { decisions } = await client.jobs.explain({ id: job!.id });
      const bid = decisions[0]?.candidates[0]?.bid;
      return { id: job!.id, bid: bid?.byProxy === true ? 'PROXY' : BidKind[bid?.kind ?? 0] };
    };
    await untilHolds(async () => {
      const { id, bid } = await asked(one);
      await untilHolds(() => expect(native.jobs.has(`${id}.1`)).toBe(true));
      native.run(`${id}.1`);
      expect(bid).toBe('YES');
    });
    // What was bid is compared with what happened, where it was decided.
    for (const client of clients) {
      await untilHolds(async () =>
        expect(await client.bids.getRecord({ cluster: 'red' })).toMatchObject({ calibrations: [{}, {}] }),
      );
    }
    // A word that was not kept is not believed for a while, by either.
    native.refusal = new RainbowError('failed_precondition', 'not today');
    await untilHolds(async () => expect((await asked(one)).bid).toBe('YES'));
    await untilHolds(async () => expect((await asked(two)).bid).toBe('INVALID'));
  });

  test('whose jobs an agent runs is known at both', async () => {
    const { secret, token } = await register(one, 'red');
    const asked = {
      jobspec: coresJob({}),
      credentials: [{ name: 'red', token }],
    };
    const ada = clientOf(servers[1]!, ADA);
    const first = await ada.jobs.submit(asked);
    expect(first.job?.state).toBe(JobState.ASSIGNED);
    agent(one, 'red', secret, ['user:somebody']);
    await connected(two, 'red');
    await untilHolds(async () => {
      const { job } = await ada.jobs.submit(asked);
      expect(job).toMatchObject({ state: JobState.REJECTED, reason: { code: 'never_fits' } });
    });
  });

  test('jobs that wait for a cluster are decided once, whichever server sees it first', async () => {
    const ids: string[] = [];
    for (let n = 0; n < 40; n++) {
      const client = clients[n % 2]!;
      ids.push((await client.jobs.submit({ jobspec: coresJob({}), waitForCluster: true })).job!.id);
    }
    await register(one, 'red');
    for (const id of ids) await inState(two, id, JobState.ASSIGNED);
    for (const id of ids) {
      const { decisions } = await one.jobs.explain({ id });
      expect(decisions.filter(({ chosen }) => chosen === 'red')).toHaveLength(1);
    }
  });

  test('an agent that connects elsewhere is the other’s from then on', async () => {
    const { secret } = await register(one, 'red');
    const first = agent(one, 'red', secret);
    await connected(two, 'red');
    // A newer instance at the other server: the older is told to end, and what is submitted goes to the newer.
    const second = agent(two, 'red', secret);
    await untilHolds(async () => {
      const { job } = await one.jobs.submit({ jobspec: coresJob({}) });
      await untilHolds(() => expect(first.jobs.has(`${job!.id}.1`) || second.jobs.has(`${job!.id}.1`)).toBe(true));
      expect(second.jobs.has(`${job!.id}.1`)).toBe(true);
    });
  });

  test('without the database calls fail at once with a hint when to try again; with it they go on by themselves', async () => {
    const { secret } = await register(one, 'red');
    const native = agent(two, 'red', secret);
    await connected(one, 'red');
    const { job } = await one.jobs.submit({ jobspec: coresJob({}) });
    const key = `${job!.id}.1`;
    await untilHolds(() => expect(native.jobs.has(key)).toBe(true));
    await postgres!.stop();
    const began = performance.now();
    const answer = await fetch(`http://127.0.0.1:${servers[0]!.port}/rainbow.v1.JobService/Get`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', authorization: `Bearer ${SECRET}` },
      body: JSON.stringify({ id: job!.id }),
    });
    expect(answer.status).toBe(503);
    expect(answer.headers.get('retry-after')).toBe('1');
    expect(performance.now() - began).toBeLessThan(30_000);
    // What runs goes on, and is reported when there is a database again.
    native.run(key);
    native.end(key, { exitCode: 0 });
    await postgres!.start();
    await inState(one, job!.id, JobState.COMPLETED);
    const { job: next } = await two.jobs.submit({ jobspec: coresJob({}) });
    await untilHolds(() => expect(native.jobs.has(`${next!.id}.1`)).toBe(true));
    await inState(one, next!.id, JobState.ACCEPTED);
  });
});

describe.skipIf(skipWithout('postgres', missing))('two servers that are given no secret', () => {
  test('and begin at once have one', async () => {
    const database = await postgres!.newDatabase();
    const begin = (): Promise<RunningServer> =>
      serve({ host: '127.0.0.1:0', database, version: 'test', logLevel: 'silent' }, realSystem);
    const both = await Promise.all([begin(), begin()]);
    const shown = both.flatMap(({ secretToShow }) => (secretToShow === null ? [] : [secretToShow]));
    expect(shown).toHaveLength(1);
    for (const server of both) {
      const client = createClient({ host: `127.0.0.1:${server.port}`, authorization: shown[0]! });
      expect((await client.jobs.list({ all: true })).jobs).toEqual([]);
      client.close();
    }
    await Promise.all(both.map((server) => server.stop()));
  });
});

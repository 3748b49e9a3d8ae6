/**
 * Three clusters with real agents and real processes, of different load and tariff, behind a real server:
 *   idle   nothing runs; dear      starts at once, 18 EUR
 *   half   a job of half an hour   starts in half an hour, 8 EUR
 *   long   a job of four hours     starts in four hours, 2 EUR
 */
import { chmod, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { runAgent } from '../../src/agent/agent.ts';
import { createClient, type RainbowClient } from '../../src/client/client.ts';
import { readTariff } from '../../src/core/bid/tariff-file.ts';
import { generateGraph } from '../../src/core/graph/generate.ts';
import { BidKind } from '../../src/gen/rainbow/v1/bid_pb.js';
import { JobState, type Decision, type Job } from '../../src/gen/rainbow/v1/job_pb.js';
import { serve, type RunningServer } from '../../src/server/serve.ts';
import { realSystem } from '../../src/system/real.ts';
import { expectExit, homeIn, rainbow } from '../cli/command-line.ts';
import { until } from '../../src/system/testing/until.ts';

const SECRET = 'three-clusters';
const HOUR = 3600;
const FINAL = [JobState.COMPLETED, JobState.FAILED, JobState.CANCELED, JobState.REJECTED];
const CLUSTERS = { half: 4, idle: 9, long: 1 } as const;
type Name = keyof typeof CLUSTERS;

let root: string;
let server: RunningServer;
let client: RainbowClient;
const tokens = new Map<string, string>();
const loads = new Map<Name, string>();
const endings: (() => Promise<void>)[] = [];

/** On both of a cluster's cores. */
function jobspec(script: string, walltime: number): string {
  return JSON.stringify({
    version: 1,
    resources: [{ type: 'slot', count: 1, label: 'all', with: [{ type: 'core', count: 2 }] }],
    tasks: [{ command: ['/bin/sh', '-c', script], slot: 'all', count: { per_slot: 1 } }],
    attributes: { system: { duration: walltime } },
  });
}

const inState = (id: string, ...states: JobState[]): Promise<Job> =>
  until(`job ${id} is ${states.join(' or ')}`, async () => {
    const job = await client.jobs.get({ id });
    return states.includes(job.state) ? job : null;
  });

async function submit(
  script: string,
  walltime: number,
  clusters: readonly Name[],
  more: { policy?: string; policyOptions?: Record<string, string>; rebid?: boolean } = {},
): Promise<{ job: Job; decision: Decision }> {
  const credentials = clusters.map((name) => ({ name, token: tokens.get(name)! }));
  const { job, decision } = await client.jobs.submit({ jobspec: jobspec(script, walltime), credentials, ...more });
  return { job: job!, decision: decision! };
}

async function cancel(id: string): Promise<void> {
  await client.jobs.cancel({ id });
  await inState(id, ...FINAL);
}

/** Where a job of an hour goes by that policy; it never runs. */
async function choice(policy: string, policyOptions: Record<string, string> = {}): Promise<Decision> {
  const { job, decision } = await submit('exec sleep 300', HOUR, ['half', 'idle', 'long'], { policy, policyOptions });
  await cancel(job.id);
  return decision;
}

beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'rainbow-bids-'));
  await chmod(root, 0o755);
  server = await serve(
    {
      host: '127.0.0.1:0',
      database: join(root, 'rainbow.db'),
      version: 'test',
      secret: SECRET,
      agents: { heartbeat: 1 },
      // Answers are waited for as long as this busy machine may take.
      scheduler: {
        bidWithin: 10,
        bidReuse: 0,
        rebidEvery: 1,
        rebidLeast: 60,
        refusalBackoff: 1,
        shadow: { policy: 'cheapest', options: {} },
      },
      logLevel: 'silent',
      graceSeconds: 0.2,
    },
    realSystem,
  );
  client = createClient({ host: server.address, authorization: SECRET });
  for (const [name, rate] of Object.entries(CLUSTERS)) {
    const graph = generateGraph({ name, nodes: 1, coresPerNode: 2 });
    const { secret, token } = await client.clusters.register({ name, secret: SECRET, graph });
    tokens.set(name, token);
    const ending = new AbortController();
    const done = runAgent(
      {
        host: server.address,
        cluster: name,
        secret,
        runner: 'process',
        stateDir: join(root, name),
        graph,
        tariff: readTariff(`{currency: EUR, perHour: {core: ${rate}}}`),
      },
      realSystem,
      ending.signal,
    );
    endings.push(async () => {
      ending.abort();
      await done;
    });
    await until(`${name} is connected`, async () => (await client.clusters.get({ name })).connected);
  }
  for (const [name, walltime] of [['half', HOUR / 2] as const, ['long', 4 * HOUR] as const]) {
    const { job } = await submit('exec sleep 3000', walltime, [name]);
    loads.set(name, job.id);
    await inState(job.id, JobState.RUNNING);
  }
}, 60_000);

afterAll(async () => {
  for (const id of loads.values()) await client.jobs.cancel({ id });
  for (const id of loads.values()) await inState(id, ...FINAL);
  for (const end of endings) await end();
  client.close();
  await server.stop();
  await rm(root, { recursive: true, force: true, maxRetries: 20, retryDelay: 50 });
}, 60_000);

test('each policy chooses by what the clusters bid, and rightly', async () => {
  const soonest = await choice('soonest');
  expect(soonest.chosen).toBe('idle');
  const offers = new Map(
    soonest.candidates.map(({ cluster, bid }) => {
      expect(bid).toMatchObject({ kind: BidKind.YES, byProxy: false });
      const { startP50, cost } = bid!.offer!;
      const wait = Number(startP50!.seconds) - Number(soonest.at!.seconds);
      return [cluster, { wait, amount: cost!.amount }] as const;
    }),
  );
  expect(offers.get('idle')!.wait).toBeLessThan(60);
  expect(Math.abs(offers.get('half')!.wait - HOUR / 2)).toBeLessThan(120);
  expect(Math.abs(offers.get('long')!.wait - 4 * HOUR)).toBeLessThan(120);
  expect([...offers.values()].map(({ amount }) => amount)).toEqual([8, 18, 2]);

  expect((await choice('cheapest')).chosen).toBe('long');
  // 18 + 4·1, 8 + 4·1.5, 2 + 4·5 euros.
  expect((await choice('value', { money_per_hour: '4' })).chosen).toBe('half');
  expect((await choice('value', { money_per_hour: '100' })).chosen).toBe('idle');
  expect((await choice('deadline', { within: '70m' })).chosen).toBe('idle');
  expect((await choice('deadline', { within: '3h' })).chosen).toBe('half');
  expect((await choice('deadline', { within: '12h' })).chosen).toBe('long');
}, 60_000);

test('explain tells the story; replay and the shadow tell what cheapest would have changed', async () => {
  const { job } = await submit('exit 0', HOUR, ['half', 'idle', 'long'], { policy: 'soonest' });
  await inState(job.id, JobState.COMPLETED);
  const told = await command('explain', job.id, '--operator');
  expect(told).toMatch(/idle +fits, could start now {2}← chosen/);
  expect(told).toMatch(/offers a start in [\d.]+ s, nine in ten in [\d.]+ s, 18.00 EUR/);
  expect(told).toMatch(/3 asked for a bid, waited \d+ ms/);
  expect(told).toMatch(/the shadow policy cheapest would have chosen long/);

  const cheapest = await client.bids.replay({ policy: 'cheapest' });
  expect(cheapest.changed).toBeGreaterThan(0);
  expect(cheapest.costs[0]!.replayed).toBeLessThan(cheapest.costs[0]!.recorded);
  expect(cheapest.waitReplayed).toBeGreaterThan(cheapest.waitRecorded);
  expect(cheapest.changes.map(({ from, to }) => `${from} → ${to}`)).toContain('idle → long');
  // The same choices, made at the time.
  const shadow = await client.bids.replay({ shadow: true });
  expect(shadow).toMatchObject({ policy: 'cheapest', changed: cheapest.changed, costs: cheapest.costs });
  expect(await command('replay', '--policy', 'cheapest', '--operator')).toMatch(/would have gone elsewhere/);

  const shown = JSON.parse(await command('cluster', 'show', 'idle', '--json')) as {
    bids: { counts: { asked: number; yes: number }; calibrations: { jobs: number }[] };
  };
  expect(shown.bids.counts.yes).toBeGreaterThan(0);
  expect(shown.bids.calibrations[0]!.jobs).toBeGreaterThan(0);
}, 60_000);

test('a job that waits is handed from one real queue to another, and runs once', async () => {
  const { job } = await submit('exit 0', HOUR, ['half', 'long'], { policy: 'soonest', rebid: true });
  expect(job.cluster).toBe('half');
  await inState(job.id, JobState.ACCEPTED);
  await client.jobs.cancel({ id: loads.get('long')! });
  const ended = await inState(job.id, ...FINAL);
  expect(ended).toMatchObject({ state: JobState.COMPLETED, cluster: 'long', epoch: '2' });
  expect(
    ended.attempts.map(({ cluster, reason, startedAt }) => [cluster, reason?.code, startedAt === undefined]),
  ).toEqual([
    ['half', 'moved', true],
    ['long', 'exit', false],
  ]);
}, 60_000);

async function command(...args: string[]): Promise<string> {
  const env = { ...homeIn('/nonexistent-home'), RAINBOW_SERVER_SECRET: SECRET };
  const outcome = await rainbow([...args, '--host', server.address], { env });
  expectExit(outcome, 0);
  return outcome.stdout;
}

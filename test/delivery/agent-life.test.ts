/** Whole lives: server and agents, their own code, under a simulated clock. */
import { afterEach, expect, test } from 'vitest';
import { retryPolicy } from '../../src/core/job/retry.ts';
import { coresJob } from '../../src/scheduler/testing/rig.ts';
import { openPlace, type Place } from './in-process.ts';

let place: Place;
afterEach(() => place.close());

const HOUR = 3_600_000;
const state = async (id: string): Promise<string> => (await place.rig.job(id)).state;

test('a server that is down for an hour changes nothing for what runs, whatever on_cluster_loss says', async () => {
  place = await openPlace();
  const { rig } = place;
  await rig.cluster('K');
  await rig.cluster('L');
  const [k, l] = [await place.agent('K'), await place.agent('L')];
  const jobs: string[] = [];
  for (const onClusterLoss of ['wait', 'requeue', 'fail', 'duplicate'] as const) {
    const { job } = await rig.submit(coresJob({}), { onClusterLoss, policy: 'first' });
    await rig.system.settle();
    k.native.run(`${job.id}.1`);
    jobs.push(job.id);
  }
  await rig.system.settle();
  for (const id of jobs) expect(await state(id)).toBe('running');
  await place.down();
  await rig.system.advance(HOUR);
  // One ends meanwhile.
  k.native.end(`${jobs[0]!}.1`, { exitCode: 0 });
  await rig.system.advance(1000);
  await place.up();
  // Agents come back within their own pause, before anybody calls them silent.
  await rig.system.advance(20_000);
  expect(await state(jobs[0]!)).toBe('completed');
  for (const id of jobs.slice(1)) expect(await rig.job(id)).toMatchObject({ state: 'running', epoch: 1, cluster: 'K' });
  await rig.system.advance(HOUR);
  for (const id of jobs.slice(1)) expect(await rig.job(id)).toMatchObject({ state: 'running', epoch: 1 });
  expect(k.native.stopped).toEqual([]);
  expect([...k.native.submitted.values(), ...l.native.submitted.values()]).toEqual([1, 1, 1, 1]);
});

test('where the agent does not come back with the server, silence is counted from the server’s start', async () => {
  place = await openPlace({ settings: { silentAfter: 60, lostAfter: 600 } });
  const { rig } = place;
  await rig.cluster('K');
  const k = await place.agent('K');
  const { job } = await rig.submit(coresJob({}), { onClusterLoss: 'fail' });
  await rig.system.settle();
  k.native.run(`${job.id}.1`);
  await rig.system.settle();
  await place.down();
  await k.stop();
  await rig.system.advance(HOUR);
  await place.up();
  await rig.system.advance(55_000);
  expect(await state(job.id)).toBe('running');
  await rig.system.advance(15_000);
  expect(await state(job.id)).toBe('unknown');
  await rig.system.advance(500_000);
  expect(await state(job.id)).toBe('unknown');
  await rig.system.advance(60_000);
  expect(await rig.job(job.id)).toMatchObject({ state: 'failed', reason: { code: 'cluster_lost' } });
});

test('a job that fails is tried again by the agent itself, under a new epoch', async () => {
  place = await openPlace();
  const { rig } = place;
  await rig.cluster('K');
  const k = await place.agent('K');
  const retry = retryPolicy({ limit: 2, on: ['exit:3'], where: 'here', delay: 30 }, 'retry');
  const { job } = await rig.submit(coresJob({}), { handling: { retry } });
  await rig.system.settle();
  k.native.run(`${job.id}.1`);
  k.native.write(`${job.id}.1`, 'first');
  k.native.end(`${job.id}.1`, { outcome: 'failed', exitCode: 3, reason: { code: 'exit', message: '3' } });
  await rig.system.advance(2000);
  expect(await rig.job(job.id)).toMatchObject({ state: 'pending', epoch: 2 });
  await rig.system.advance(31_000);
  expect(k.native.jobs.has(`${job.id}.2`)).toBe(true);
  k.native.run(`${job.id}.2`);
  k.native.end(`${job.id}.2`, { exitCode: 0 });
  await rig.system.advance(2000);
  expect(await rig.job(job.id)).toMatchObject({ state: 'completed', epoch: 2, exitCode: 0 });
  const output = await rig.store.output.read(job.id, 1, 0, 9);
  expect(output.chunks.map(({ data }) => Buffer.from(data).toString())).toEqual(['first']);
});

test('smallest with --max-jobs: the small ones first, the large one is left, and is run when there is room', async () => {
  place = await openPlace();
  const { rig } = place;
  await rig.cluster('K');
  const large = (await rig.submit(coresJob({ nodes: 2, cores: 4 }))).job.id;
  const small = (await rig.submit(coresJob({ cores: 2 }))).job.id;
  const k = await place.agent('K', { pick: 'smallest', maxJobs: 1 });
  await rig.system.advance(1000);
  expect([...k.native.submitted.keys()]).toEqual([`${small}.1`]);
  const left = await rig.job(large);
  expect(left).toMatchObject({ state: 'assigned', reason: { code: 'left' } });
  expect(left.reason.message).toContain('at most 1 job at once, and smallest comes first');
  k.native.run(`${small}.1`);
  k.native.end(`${small}.1`, { exitCode: 0 });
  await rig.system.advance(1000);
  expect([...k.native.submitted.keys()]).toEqual([`${small}.1`, `${large}.1`]);
  expect(await state(large)).toBe('accepted');
});

test('first-come is sent its jobs without a question, and without a poll', async () => {
  place = await openPlace();
  const { rig } = place;
  await rig.cluster('K');
  const k = await place.agent('K');
  const { job } = await rig.submit(coresJob({}));
  await rig.system.settle();
  expect(k.native.jobs.has(`${job.id}.1`)).toBe(true);
  expect(place.said.get('choose')).toBeUndefined();
});

test('deleted while its agent was away: when that is back it stops what it holds, and ends', async () => {
  place = await openPlace();
  const { rig } = place;
  await rig.cluster('K');
  const k = await place.agent('K');
  const { job } = await rig.submit(coresJob({}));
  await rig.system.settle();
  k.native.run(`${job.id}.1`);
  await rig.system.settle();
  await place.down();
  await rig.scheduler.registry.delete('K');
  expect((await rig.job(job.id)).reason.message).toContain('it is told to stop it when it calls in again');
  await place.up();
  await rig.system.advance(20_000);
  expect(await k.done).toMatchObject({
    code: 'not_found',
    message: expect.stringContaining('1 job stopped') as string,
  });
  expect(k.native.stopped).toMatchObject([{ key: `${job.id}.1`, reason: { code: 'cluster_deleted' } }]);
});

test('a job that writes a hundred times its cap: head, tail and little more travels and is kept; followed, it is live', async () => {
  place = await openPlace();
  const { rig } = place;
  await rig.cluster('K');
  const k = await place.agent('K');
  k.native.measures = true;
  const { job } = await rig.submit(coresJob({}));
  await rig.system.settle();
  const key = `${job.id}.1`;
  k.native.run(key);
  let text = '';
  const write = async (lines: number): Promise<void> => {
    let some = '';
    for (let i = 0; i < lines; i++) some += `line ${text.length + some.length}\n`;
    text += some;
    k.native.write(key, some);
    await rig.system.advance(1000);
  };
  for (let i = 0; i < 100; i++) await write(400);
  expect(text.length).toBeGreaterThan(100 * 4096);
  expect(place.outputBytes).toBeLessThan(text.length / 5);
  const stop = place.followers.follow({ cluster: 'K', jobId: job.id, epoch: 1 });
  await rig.system.advance(1500);
  for (let i = 0; i < 3; i++) {
    await write(2);
    await rig.system.advance(1000);
    const { chunks } = await rig.store.output.read(job.id, 1, 0, 1000);
    expect(
      Buffer.concat(chunks.map(({ data }) => data))
        .toString()
        .endsWith(text.slice(-20)),
    ).toBe(true);
  }
  stop();
  k.native.end(key, { exitCode: 0 });
  await rig.system.advance(5000);
  expect(await state(job.id)).toBe('completed');
  const { chunks } = await rig.store.output.read(job.id, 1, 0, 1000);
  const kept = Buffer.concat(chunks.map(({ data }) => data)).toString();
  expect(kept.startsWith(text.slice(0, 2048))).toBe(true);
  expect(kept.endsWith(text.slice(-2048))).toBe(true);
  expect(kept.length).toBeLessThan(4096 * 1.3);
});

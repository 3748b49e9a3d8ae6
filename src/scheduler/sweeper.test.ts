import { afterEach, beforeEach, expect, test } from 'vitest';
import type { ReasonCode } from '../core/job/state.ts';
import type { JobRecord } from '../store/store.ts';
import { coresJob, openRig, type Rig } from './testing/rig.ts';

const ALL = { nodes: 3, cores: 12 };

let rig: Rig;
beforeEach(async () => {
  rig = await openRig();
});
afterEach(async () => {
  await rig.close();
  if (rig.system.pendingTimers() > 0) throw new Error('a timer was left behind');
});

const fresh = async (options: Parameters<typeof openRig>[0]): Promise<void> => {
  await rig.close();
  rig = await openRig(options);
};

const reason = (code: ReasonCode) => ({ code, message: '' });

async function move(job: JobRecord, to: JobRecord['state'], more: object = {}): Promise<JobRecord> {
  const at = rig.system.clock.now();
  const { id, epoch, state } = job;
  const result = await rig.scheduler.transition({ id, epoch, from: [state], to, reason: reason('exit'), at, ...more });
  if (!result.done) throw new Error(`${state} → ${to} was not done`);
  return result.job;
}

test('an unaccepted lease returns by time, and the job is there again', async () => {
  await rig.cluster('K');
  const { job } = await rig.submit(coresJob({ cores: 12 }));
  const [leased] = await rig.receive('K', 10, 30_000);
  expect(leased?.id).toBe(job.id);
  expect(await rig.receive('K', 10, 30_000)).toEqual([]);
  await rig.system.advance(29_000);
  expect((await rig.job(job.id)).state).toBe('received');
  await rig.system.advance(3_000);
  expect(await rig.job(job.id)).toMatchObject({ state: 'assigned', epoch: 2, cluster: 'K' });
  expect(rig.freeCores('K')).toBe(24);
  // The first holder is too late.
  const late = {
    id: job.id,
    from: ['received'] as const,
    epoch: 1,
    to: 'accepted' as const,
    reason: reason('leased'),
  };
  expect((await rig.scheduler.transition({ ...late, at: rig.system.clock.now() })).done).toBe(false);
});

test('one that asks for no time is over when what its partition gives is', async () => {
  await fresh({ settings: { notReportedGrace: 100, defaultWalltime: 60 } });
  await rig.cluster('K');
  const nodes = {
    all: { metadata: { type: 'partitions', name: 'K' } },
    main: { metadata: { type: 'partition', name: 'main', default: true, default_time: '00:05:00' } },
  };
  const graph = { nodes, edges: [{ source: 'all', target: 'main', relation: 'contains' }] };
  await rig.scheduler.registry.putSubsystem('K', 'partition', JSON.stringify({ graph }), true);
  const asking = { ...(JSON.parse(coresJob({ cores: 12 })) as object), attributes: { system: {} } };
  const { job } = await rig.submit(JSON.stringify(asking));
  const [leased] = await rig.receive('K', 10, 30_000);
  await move(leased as JobRecord, 'accepted', { leaseExpiresAt: null });
  await rig.system.advance(390_000);
  expect((await rig.job(job.id)).state).toBe('accepted');
  await rig.system.advance(20_000);
  expect(await rig.job(job.id)).toMatchObject({ state: 'unknown', reason: { code: 'not_reported' } });
});

test('what it accepted is over at walltime and grace: unknown, its capacity free, also after a restart', async () => {
  await fresh({ settings: { notReportedGrace: 100 } });
  await rig.cluster('K');
  const { job } = await rig.submit(coresJob({ cores: 12 }));
  const [leased] = await rig.receive('K', 10, 30_000);
  await move(leased as JobRecord, 'accepted', { leaseExpiresAt: null });
  await rig.system.advance(155_000);
  expect((await rig.job(job.id)).state).toBe('accepted');
  await rig.system.advance(20_000);
  expect(await rig.job(job.id)).toMatchObject({ state: 'unknown', reason: { code: 'not_reported' } });
  expect(rig.freeCores('K')).toBe(36);
  await rig.restart();
  expect(rig.freeCores('K')).toBe(36);
  const canceled = await rig.scheduler.cancel(job.id, { code: 'user', message: 'enough' });
  expect(canceled).toMatchObject({ state: 'canceled', reason: { code: 'user' } });
  expect(canceled?.reason.message).toContain('cannot be told');
});

test('cancel at each stage ends it at once, and again is no change', async () => {
  await fresh({ settings: { overcommit: 'deny' } });
  await rig.cluster('K');
  const cancel = (job: JobRecord) => rig.scheduler.cancel(job.id, { code: 'user', message: 'no more' });
  const stages: JobRecord[] = [];
  stages.push((await rig.submit(coresJob(ALL))).job);
  stages.push((await rig.submit(coresJob(ALL))).job); // pending
  expect(stages.map(({ state }) => state)).toEqual(['assigned', 'pending']);
  for (const job of stages.toReversed()) expect(await cancel(job)).toMatchObject({ state: 'canceled' });
  const { job: received } = await rig.submit(coresJob(ALL));
  await rig.receive('K', 1, 30_000);
  expect(await cancel(received)).toMatchObject({ state: 'canceled', reason: { message: 'no more' } });
  const { job: accepted } = await rig.submit(coresJob(ALL));
  const [leased] = await rig.receive('K', 1, 30_000);
  await move(leased as JobRecord, 'accepted', { leaseExpiresAt: null });
  const ended = await cancel(accepted);
  expect(ended).toMatchObject({ state: 'canceled' });
  expect(ended?.reason.message).toContain('stop it there by hand');
  expect(await cancel(accepted)).toEqual(ended);
  expect(await rig.scheduler.cancel('999', reason('user'))).toBeNull();
  expect(rig.freeCores('K')).toBe(36);
});

/** What jobs wait for, on a real store and matcher: dependencies, arrays, times, holds, clusters that come later. */
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { readArraySpec } from '../core/job/array-spec.ts';
import type { JobId } from '../store/store.ts';
import type { Submission } from './scheduler.ts';
import { coresJob, hash, openRig, type Rig } from './testing/rig.ts';

let rig: Rig;
beforeEach(async () => {
  rig = await openRig();
});
afterEach(async () => {
  await rig.close();
  if (rig.system.pendingTimers() > 0) throw new Error('a timer was left behind');
});

const ONE = coresJob({});
const now = (): number => rig.system.clock.now();
const after = (kind: 'afterok' | 'afterany' | 'afternotok', ...on: JobId[]): Partial<Submission> => ({
  dependencies: on.map((id) => ({ kind, on: id })),
});
const array = (text: string): Partial<Submission> => ({ array: readArraySpec(text, 'array', 10_000) });

/** As an agent does it, to its end. */
async function run(id: JobId, how: 'completed' | 'failed' = 'completed'): Promise<void> {
  await rig.system.settle();
  const job = await rig.job(id);
  await rig.receive(job.cluster ?? '', 100, null);
  await end(id, how);
}

async function end(id: JobId, how: 'completed' | 'failed'): Promise<void> {
  for (const to of ['accepted', 'running', how] as const) await step(id, to);
}

async function step(id: JobId, to: 'accepted' | 'running' | 'completed' | 'failed'): Promise<void> {
  const job = await rig.job(id);
  const reason = { code: 'exit', message: '' } as const;
  const change = { id, from: [job.state], epoch: job.epoch, to, reason, at: now(), nativeId: 'n' };
  const result = await rig.scheduler.transition(change);
  if (!result.done) throw new Error(`${job.state} to ${to}`);
  await rig.system.settle();
}

const tasksOf = (id: JobId) => rig.store.jobs.list({ array: id, oldestFirst: true, limit: 10_000 });

describe('dependencies', () => {
  test('a job waits, and is placed as soon as what it waited for has ended', async () => {
    await rig.cluster('K');
    const first = await rig.submit(ONE);
    const second = await rig.submit(ONE, after('afterok', first.job.id));
    expect(second.job).toMatchObject({
      state: 'pending',
      reason: { code: 'dependency', message: `waits for afterok:${first.job.id}` },
    });
    // It was matched, and nothing was chosen.
    expect(second.decision).toMatchObject({ chosen: null, reason: second.job.reason, order: ['K'] });
    await run(first.job.id);
    expect(await rig.job(second.job.id)).toMatchObject({ state: 'assigned', cluster: 'K' });
  });

  test('after a start; with minutes, that long after it', async () => {
    await rig.cluster('K');
    const first = await rig.submit(ONE);
    const second = await rig.submit(ONE, { dependencies: [{ kind: 'after', on: first.job.id }] });
    const third = await rig.submit(ONE, { dependencies: [{ kind: 'after', on: first.job.id, minutes: 2 }] });
    expect([second.job.state, third.job.reason.message]).toEqual(['pending', `waits for after:${first.job.id}+2`]);
    await rig.system.settle();
    expect((await rig.job(second.job.id)).state).toBe('pending');
    await rig.receive('K', 100, null);
    await step(first.job.id, 'accepted');
    await step(first.job.id, 'running');
    expect(await rig.job(second.job.id)).toMatchObject({ state: 'assigned', cluster: 'K' });
    expect(await rig.job(third.job.id)).toMatchObject({ state: 'pending', reason: { code: 'begin' } });
    await rig.system.advance(119_000);
    expect((await rig.job(third.job.id)).state).toBe('pending');
    await rig.system.advance(2_000);
    expect((await rig.job(third.job.id)).state).toBe('assigned');
    await expect(rig.submit(ONE, { dependencies: [{ kind: 'after', on: '999' }] })).rejects.toMatchObject({
      code: 'not_found',
    });
  });

  test('singletons of one name run one after the other; one with nothing in its way is placed', async () => {
    await rig.cluster('K');
    const alone = { name: 'nightly', dependencies: [{ kind: 'singleton', on: '' }] } as const;
    const row = [await rig.submit(ONE, alone), await rig.submit(ONE, alone), await rig.submit(ONE, alone)];
    const other = await rig.submit(ONE, { ...alone, name: 'other' });
    await rig.system.settle();
    const states = async () => Promise.all(row.map(async ({ job }) => (await rig.job(job.id)).state));
    expect([await states(), (await rig.job(other.job.id)).state]).toEqual([
      ['assigned', 'pending', 'pending'],
      'assigned',
    ]);
    await run(row[0]!.job.id, 'failed');
    expect(await states()).toEqual(['failed', 'assigned', 'pending']);
    await rig.scheduler.cancel(row[1]!.job.id, { code: 'user', message: '' });
    await rig.system.settle();
    expect(await states()).toEqual(['failed', 'canceled', 'assigned']);
  });

  test('a server that was killed after it took a singleton looks at it when it is back', async () => {
    await rig.cluster('K');
    await rig.scheduler.stop();
    const { job } = await rig.submit(ONE, { name: 'nightly', dependencies: [{ kind: 'singleton', on: '' }] });
    expect((await rig.job(job.id)).state).toBe('pending');
    await rig.restart();
    await rig.system.settle();
    expect((await rig.job(job.id)).state).toBe('assigned');
  });

  test('what has ended already decides at the submit', async () => {
    await rig.cluster('K');
    const first = await rig.submit(ONE);
    await run(first.job.id, 'failed');
    const never = await rig.submit(ONE, after('afterok', first.job.id));
    expect(never.job).toMatchObject({ state: 'canceled', reason: { code: 'dependency' } });
    expect((await rig.submit(ONE, after('afternotok', first.job.id))).job.state).toBe('assigned');
    await expect(rig.submit(ONE, after('afterok', '999'))).rejects.toMatchObject({ code: 'not_found' });
  });

  test('a chain of 2,000 ends with its head, without anybody being kept waiting by it', async () => {
    await rig.cluster('K');
    const head = await rig.submit(ONE, { hold: true });
    let last = head.job.id;
    for (let n = 0; n < 2_000; n++) last = (await rig.submit(ONE, after('afterok', last))).job.id;
    await rig.scheduler.cancel(head.job.id, { code: 'user', message: '' });
    await rig.system.settle();
    expect(await rig.job(last)).toMatchObject({ state: 'canceled', reason: { code: 'dependency' } });
    expect(await rig.store.jobs.list({ states: ['pending'], limit: 5 })).toEqual([]);
  }, 60_000);

  test('a server that was killed between an end and what it meant finds it', async () => {
    await rig.cluster('K');
    const first = await rig.submit(ONE);
    const second = await rig.submit(ONE, after('afterany', first.job.id));
    await rig.scheduler.stop();
    // As if by a server that died right after this commit.
    await rig.store.jobs.transition({
      id: first.job.id,
      from: ['assigned'],
      epoch: 1,
      to: 'canceled',
      reason: { code: 'user', message: '' },
      at: now(),
    });
    await rig.restart();
    await rig.system.settle();
    expect(await rig.job(second.job.id)).toMatchObject({ state: 'assigned' });
  });
});

describe('arrays', () => {
  test('one submit, many tasks, each placed; at most so many at once', async () => {
    await rig.cluster('K');
    const submitted = await rig.submit(ONE, array('0-9%3'));
    expect(submitted).toMatchObject({ job: null, created: true, array: { tasks: 10, mostAtOnce: 3 } });
    expect(submitted.decision).toMatchObject({
      chosen: null,
      reason: { message: 'the tasks of an array are decided one by one' },
    });
    const id = submitted.array?.id ?? '';
    await rig.system.settle();
    const states = async () => (await rig.store.arrays.get(id))?.counts;
    expect(await states()).toEqual({ assigned: 3, pending: 7 });
    const [first] = await tasksOf(id);
    await run(first?.id ?? '');
    expect(await states()).toEqual({ completed: 1, assigned: 1, received: 2, pending: 6 });
    expect(await rig.store.jobs.decisions(first?.id ?? '')).not.toEqual([]);
  });

  test('an array that can never run is rejected as a whole', async () => {
    await rig.cluster('K');
    const { array: stored } = await rig.submit(coresJob({ cores: 99 }), array('0-4'));
    expect(stored).toMatchObject({ counts: { rejected: 5 }, endedAt: now() });
  });

  test('one cancel ends all of it, wherever its tasks are, and over a restart', async () => {
    await rig.cluster('K', 1, 4);
    const { array: stored } = await rig.submit(ONE, { ...array('0-7'), overcommit: 'deny' });
    const id = stored?.id ?? '';
    await rig.system.settle();
    await rig.receive('K', 1, null);
    expect((await rig.store.arrays.get(id))?.counts).toEqual({ received: 1, assigned: 3, pending: 4 });
    await rig.scheduler.stop();
    await rig.store.arrays.requestCancel(id, { code: 'user', message: '' }, now());
    await rig.restart();
    await rig.system.settle();
    expect((await rig.store.arrays.get(id))?.counts).toEqual({ received: 1, canceled: 7 });
    const [held] = await tasksOf(id);
    expect(held).toMatchObject({ state: 'received', cancelCode: 'user' });
  });

  test('a job after an array starts when all tasks have ended well', async () => {
    await rig.cluster('K');
    const { array: stored } = await rig.submit(ONE, array('1-2'));
    const { job } = await rig.submit(ONE, after('afterok', stored?.id ?? ''));
    await rig.system.settle();
    for (const task of await tasksOf(stored?.id ?? '')) {
      expect((await rig.job(job.id)).state).toBe('pending');
      await rig.receive('K', 9, null);
      await end(task.id, 'completed');
    }
    expect((await rig.job(job.id)).state).toBe('assigned');
  });
});

describe('times', () => {
  test('not before; started by; ended by', async () => {
    await rig.cluster('K', 1, 1);
    const later = await rig.submit(ONE, { beginAt: now() + 10_000 });
    expect(later.job).toMatchObject({ state: 'pending', reason: { code: 'begin' } });
    await rig.system.advance(9_000);
    expect((await rig.job(later.job.id)).state).toBe('pending');
    await rig.system.advance(2_000);
    expect((await rig.job(later.job.id)).state).toBe('assigned');

    const wait = { overcommit: 'deny' } as const;
    const impatient = await rig.submit(ONE, { ...wait, startBefore: now() + 5_000 });
    const tight = await rig.submit(ONE, { ...wait, deadline: now() + 65_000 });
    await rig.system.advance(4_500);
    expect((await rig.job(tight.job.id)).state).toBe('pending');
    await rig.system.advance(2_000);
    for (const { job } of [impatient, tight]) {
      expect(await rig.job(job.id)).toMatchObject({ state: 'failed', reason: { code: 'deadline' }, epoch: 1 });
    }
  });

  test('what is assigned and not started is taken back, and fails; it does not go round', async () => {
    await rig.cluster('K');
    const { job } = await rig.submit(ONE, { startBefore: now() + 5_000 });
    expect(job.state).toBe('assigned');
    await rig.system.advance(7_000);
    expect(await rig.job(job.id)).toMatchObject({ state: 'failed', reason: { code: 'deadline' }, epoch: 2 });
    expect(rig.freeCores('K')).toBe(36);
  });

  test('what an agent runs past its deadline is asked to stop', async () => {
    await rig.cluster('K');
    const guessed = ONE.replace('"duration":60', '"duration":0');
    const { job } = await rig.submit(guessed, { deadline: now() + 5_000 });
    await rig.receive('K', 1, null);
    for (const [from, to] of [
      ['received', 'accepted'],
      ['accepted', 'running'],
    ] as const) {
      const reason = { code: 'started', message: '' } as const;
      await rig.scheduler.transition({ id: job.id, from: [from], epoch: 1, to, reason, at: now(), nativeId: 'n' });
    }
    const told: string[] = [];
    const stop = rig.scheduler.onWork((_, work) => told.push(work.kind));
    await rig.system.advance(7_000);
    stop();
    expect(await rig.job(job.id)).toMatchObject({ state: 'running', cancelCode: 'deadline' });
    expect(told).toEqual(['cancel']);
  });

  test('what a polling client runs past its deadline has failed; nobody can be told to stop it', async () => {
    await rig.cluster('K');
    const { job } = await rig.submit(ONE, { startBefore: now() + 5_000 });
    const [leased] = await rig.receive('K', 1, 60_000);
    const reason = { code: 'in_native_queue', message: '' } as const;
    await rig.scheduler.transition({ id: job.id, from: ['received'], epoch: 1, to: 'accepted', reason, at: now() });
    expect(leased?.id).toBe(job.id);
    await rig.system.advance(7_000);
    expect(await rig.job(job.id)).toMatchObject({ state: 'failed', reason: { code: 'deadline' } });
  });

  test('what was to stop at its deadline and comes back to pending has failed, too', async () => {
    await rig.cluster('K');
    const { job } = await rig.submit(ONE, { deadline: now() + 62_000 });
    await rig.receive('K', 1, null);
    await rig.system.advance(4_000);
    expect(await rig.job(job.id)).toMatchObject({ state: 'received', cancelCode: 'deadline' });
    const reason = { code: 'not_held', message: '' } as const;
    const back = { id: job.id, from: ['received' as const], epoch: 1, to: 'pending' as const, reason, at: now() };
    await rig.scheduler.transition(back);
    expect(await rig.job(job.id)).toMatchObject({ state: 'failed', reason: { code: 'deadline' }, epoch: 2 });
  });
});

describe('hold and release', () => {
  test('a held job is not placed, whatever falls free, until it is released', async () => {
    await rig.cluster('K');
    const { job } = await rig.submit(ONE, { hold: true });
    expect(job).toMatchObject({ state: 'pending', reason: { code: 'held' } });
    await rig.system.advance(60_000);
    expect((await rig.job(job.id)).state).toBe('pending');
    expect(await rig.scheduler.release(job.id)).toMatchObject({ id: job.id });
    await rig.system.settle();
    expect((await rig.job(job.id)).state).toBe('assigned');
  });
});

describe('waiting for a cluster', () => {
  const LARGE = coresJob({ cores: 64 });

  test('a later member of the group whose token was sent; none other', async () => {
    await rig.cluster('K');
    const group = await rig.store.groups.create({ name: 'g', tokenHash: hash('g'), clusters: ['K'], at: now() });
    const later = { any: false, groups: [{ name: 'g', createdAt: group.createdAt }], only: [] };
    const { job } = await rig.submit(LARGE, { candidates: ['K'], later });
    expect(job).toMatchObject({ state: 'pending', reason: { code: 'waiting_for_cluster' } });
    await rig.cluster('L', 1, 64);
    await rig.system.settle();
    expect((await rig.job(job.id)).state).toBe('pending');
    await rig.store.groups.update('g', ['K', 'L'], now());
    rig.scheduler.groupsChanged();
    await rig.system.settle();
    expect(await rig.job(job.id)).toMatchObject({ state: 'assigned', cluster: 'L' });
  });

  test('a namesake of the group has another token, and opens nothing', async () => {
    await rig.cluster('K');
    const group = await rig.store.groups.create({ name: 'g', tokenHash: hash('g'), clusters: ['K'], at: now() });
    const later = { any: false, groups: [{ name: 'g', createdAt: group.createdAt }], only: [] };
    const { job } = await rig.submit(LARGE, { candidates: ['K'], later });
    await rig.cluster('L', 1, 64);
    await rig.system.advance(10);
    await rig.store.groups.delete('g', now());
    await rig.store.groups.create({ name: 'g', tokenHash: hash('other'), clusters: ['L'], at: now() });
    rig.scheduler.groupsChanged();
    await rig.system.settle();
    expect((await rig.job(job.id)).state).toBe('pending');
  });

  test('without being asked to wait it is rejected; a graph that grows lets one that waits go', async () => {
    await rig.cluster('K', 1, 4);
    expect((await rig.submit(LARGE)).job.state).toBe('rejected');
    const { job } = await rig.submit(LARGE, { later: { any: false, groups: [], only: [] } });
    expect(job.reason.code).toBe('waiting_for_cluster');
    const { generateGraph } = await import('../core/graph/generate.ts');
    await rig.scheduler.registry.replaceGraph('K', generateGraph({ name: 'K', nodes: 1, coresPerNode: 64 }));
    await rig.system.settle();
    expect(await rig.job(job.id)).toMatchObject({ state: 'assigned', cluster: 'K' });
  });
});

describe('reasons', () => {
  test('another reason of a job that stays pending is written once, with an event', async () => {
    await rig.cluster('K', 1, 4);
    const whole = coresJob({ cores: 4 });
    const { array: stored } = await rig.submit(whole, { ...array('0-2'), overcommit: 'deny' });
    await rig.system.advance(60_000);
    const tasks = await tasksOf(stored?.id ?? '');
    expect(tasks.map(({ reason }) => reason.code)).toEqual(['selected', 'nothing_free', 'nothing_free']);
    const events = await rig.store.events.after(0, 99, { jobId: tasks[1]?.id ?? '' });
    expect(events.map(({ kind }) => kind)).toEqual(['reason']);
  });
});

describe('retention', () => {
  test('ended jobs go after their time, not before, and those that run stay', async () => {
    await rig.close();
    rig = await openRig({ settings: { retention: { days: 100 / 86_400, count: null, every: 10 } } });
    await rig.cluster('K');
    const old = await rig.submit(ONE);
    const alive = await rig.submit(ONE);
    await run(old.job.id);
    await rig.system.advance(90_000);
    expect(await rig.store.jobs.get(old.job.id)).not.toBeNull();
    await rig.system.advance(30_000);
    expect(await rig.store.jobs.get(old.job.id)).toBeNull();
    expect(await rig.job(alive.job.id)).toMatchObject({ id: alive.job.id });
  }, 60_000);

  test('files that no job has go after their time, after an hour where there are many', async () => {
    const room = { quota: 1e9, unused: null };
    const keep = (bytes: number) => {
      const sha256 = bytes.toString(16).padStart(64, '0');
      return rig.store.files.begin({ owner: 'user:test', sha256, bytes }, room, now());
    };
    await rig.close();
    rig = await openRig({
      settings: { filesUnused: 6 * 3600, filesUnusedBytes: 400_000, sweepEvery: 120, pollEvery: 7200 },
    });
    await keep(40_000);
    await rig.system.advance(2 * 3_600_000);
    expect(await rig.store.files.unused()).toBe(40_000);
    await keep(20_000);
    await rig.system.advance(300_000);
    expect(await rig.store.files.unused()).toBe(20_000);
    await rig.system.advance(2 * 3_600_000);
    expect(await rig.store.files.unused()).toBe(20_000);
    await rig.system.advance(4 * 3_600_000);
    expect(await rig.store.files.unused()).toBe(0);
  }, 60_000);
});

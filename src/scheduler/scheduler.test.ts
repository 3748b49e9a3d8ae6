/**
 * The scheduler on a real store and a real matcher. Long: one rig, and a case for each promise of scheduler.ts; sweeper
 * and properties have files of their own.
 */
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { generateGraph } from '../core/graph/generate.ts';
import { readJobspec } from '../core/jobspec/read.ts';
import type { ReasonCode } from '../core/job/state.ts';
import type { JobRecord, NewJob, Transition } from '../store/store.ts';
import { coresJob, hash, openRig, type Rig } from './testing/rig.ts';

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

const byText = (a: string | null, b: string | null): number => (String(a) < String(b) ? -1 : 1);

const reason = (code: ReasonCode) => ({ code, message: '' });

async function move(job: JobRecord, to: JobRecord['state'], more: object = {}): Promise<JobRecord> {
  const at = rig.system.clock.now();
  const { id, epoch, state } = job;
  const result = await rig.scheduler.transition({ id, epoch, from: [state], to, reason: reason('exit'), at, ...more });
  if (!result.done) throw new Error(`${state} → ${to} was not done`);
  return result.job;
}

/** As an agent does: with a native id. */
async function run(job: JobRecord): Promise<JobRecord> {
  const [held] = await rig.receive(job.cluster ?? '', 1, null);
  return await move(await move(held as JobRecord, 'accepted', { nativeId: 'n' }), 'running');
}

describe('capacity', () => {
  test('two concurrent jobs of a whole cluster each go to different clusters; the third waits by the policy', async () => {
    await rig.cluster('K');
    await rig.cluster('L');
    const [first, second] = await Promise.all([rig.submit(coresJob(ALL)), rig.submit(coresJob(ALL))]);
    expect([first.job.cluster, second.job.cluster].toSorted(byText)).toEqual(['K', 'L']);
    expect([rig.freeCores('K'), rig.freeCores('L')]).toEqual([0, 0]);

    const third = await rig.submit(coresJob(ALL));
    expect(third.job).toMatchObject({ state: 'assigned', allocation: null });
    const fourth = await rig.submit(coresJob(ALL));
    expect([third.job.cluster, fourth.job.cluster].toSorted(byText)).toEqual(['K', 'L']);

    // What falls free goes to the job that waits there, not to the next that comes.
    const { cluster } = third.job;
    const before = [first, second].find(({ job }) => job.cluster === cluster)?.job as JobRecord;
    await move(await run(before), 'completed');
    expect(rig.freeCores(cluster ?? '')).toBe(0);
    expect(rig.scheduler.match(readJobspec(coresJob({ cores: 1 })), [cluster ?? ''])[0]?.startable.fits).toBe('no');
    await rig.scheduler.cancel(third.job.id, reason('user'));
    expect(rig.freeCores(cluster ?? '')).toBe(36);
  });

  test('with overcommit denied the third stays pending, and finishing the first frees its cluster for it', async () => {
    await fresh({ settings: { overcommit: 'deny' } });
    await rig.cluster('K');
    await rig.cluster('L');
    const [first] = await Promise.all([rig.submit(coresJob(ALL)), rig.submit(coresJob(ALL))]);
    const third = await rig.submit(coresJob(ALL));
    expect(third.job).toMatchObject({ state: 'pending', reason: { code: 'nothing_free' } });
    await move(await run(first.job), 'completed');
    await rig.system.settle();
    expect(await rig.job(third.job.id)).toMatchObject({ state: 'assigned', cluster: first.job.cluster, epoch: 1 });
    expect(rig.freeCores(first.job.cluster ?? '')).toBe(0);
  });

  test('a write that fails gives the capacity back', async () => {
    await rig.cluster('K');
    await rig.store.close();
    await expect(rig.submit(coresJob(ALL))).rejects.toMatchObject({ code: 'unavailable' });
    expect(rig.freeCores('K')).toBe(36);
  });

  test('a submit repeated with its key is the same job and takes nothing more', async () => {
    await rig.cluster('K');
    const job = coresJob({ nodes: 1, cores: 12 });
    const all = await Promise.all([1, 2, 3].map(() => rig.submit(job, { idempotencyKey: 'one' })));
    expect(all.map(({ created }) => created)).toEqual([true, false, false]);
    expect(new Set(all.map(({ job: { id } }) => id)).size).toBe(1);
    expect(rig.freeCores('K')).toBe(24);
    await rig.scheduler.cancel(all[1]?.job.id ?? '', reason('user'));
    expect(rig.freeCores('K')).toBe(36);
  });

  test('a restart rebuilds what is taken from what is stored', async () => {
    await rig.cluster('K');
    await rig.cluster('L');
    const jobs = [];
    for (let i = 0; i < 8; i++) jobs.push((await rig.submit(coresJob({ cores: 5 + i }))).job);
    await move(await run(jobs[0] as JobRecord), 'completed');
    const free = () => [rig.freeCores('K'), rig.freeCores('L')];
    // But for whose turn it is: that is not kept.
    const states = () =>
      rig.scheduler
        .match({ request: { groups: [], constraint: null } } as never, ['K', 'L'])
        .map(({ state }) => ({ ...state, rainbow_last_chosen: null }));
    const before = [free(), states()];
    await rig.restart();
    expect([free(), states()]).toEqual(before);
    for (const { id } of jobs) await rig.scheduler.cancel(id, reason('user'));
    await rig.system.settle();
    for (const job of await rig.store.jobs.list({ states: ['received', 'running', 'accepted'], limit: 10 })) {
      await move(job, 'canceled');
    }
    expect(free()).toEqual([36, 36]);
  });

  test('what fell free while nobody looked goes in order to those that wait; equals of one that does not fit hold up no other', async () => {
    await rig.cluster('K', 1);
    const all = (await rig.submit(coresJob({ cores: 12 }))).job;
    const waiting: JobRecord[] = [];
    for (const cores of [8, 8, 3, 8, 1]) waiting.push((await rig.submit(coresJob({ cores }))).job);
    expect(waiting.map(({ allocation }) => allocation)).toEqual([null, null, null, null, null]);
    await rig.store.jobs.transition({
      id: all.id,
      from: ['assigned'],
      epoch: 1,
      to: 'canceled',
      reason: reason('user'),
      at: 0,
    });
    await rig.restart();
    // 8, 3 and 1 of 12: the other two of 8 wait.
    expect(rig.freeCores('K')).toBe(0);
    for (const place of [1, 3]) await rig.scheduler.cancel(waiting[place]!.id, reason('user'));
    expect(rig.freeCores('K')).toBe(0);
    for (const [place, free] of [
      [0, 8],
      [2, 11],
      [4, 12],
    ] as const) {
      await rig.scheduler.cancel(waiting[place]!.id, reason('user'));
      expect(rig.freeCores('K')).toBe(free);
    }
  });

  test('what the agent reports as taken replaces the debits that it includes, and no others', async () => {
    await rig.cluster('K');
    const one = (await rig.submit(coresJob({ cores: 12 }))).job;
    const two = (await rig.submit(coresJob({ cores: 12 }))).job;
    expect(rig.freeCores('K')).toBe(12);
    const claims = JSON.parse(one.allocation ?? '') as { groups: { slots: { claims: [string][] }[] }[] };
    const busy = claims.groups.flatMap(({ slots }) => slots.flatMap((slot) => slot.claims.map(([id]) => id)));
    rig.scheduler.reportFree('K', { seq: 1, busyVertices: busy, includes: [{ jobId: one.id, epoch: 1 }] });
    expect(rig.freeCores('K')).toBe(12);
    // Somebody else's work ends, and the job's own is no longer included: its debit stays.
    rig.scheduler.reportFree('K', { seq: 2, busyVertices: [], includes: [] });
    expect(rig.freeCores('K')).toBe(12);
    for (const { id } of [one, two]) await rig.scheduler.cancel(id, reason('user'));
    expect(rig.freeCores('K')).toBe(36);
  });
});

test('who serves the cluster is told while the job is written, and finds it by what it asks in that turn', async () => {
  await rig.cluster('K');
  const cluster = rig.scheduler.registry.get('K')!;
  const heard: string[] = [];
  let found: Promise<readonly JobRecord[]> | null = null;
  const stop = rig.scheduler.onWork((_, work) => {
    heard.push(work.kind === 'assigned' ? `assigned ${work.jobId ?? ''}` : work.kind);
    if (work.kind === 'coming') found = rig.scheduler.receive(cluster, 8, null);
  });
  const { job } = await rig.submit(coresJob({ cores: 3 }));
  stop();
  expect(heard).toEqual(['coming', `assigned ${job.id}`]);
  expect(await found!).toMatchObject([{ id: job.id, state: 'received' }]);
});

describe('decisions', () => {
  test('a job that fits nowhere is stored as rejected only where that is asked', async () => {
    await rig.cluster('K');
    const stored = await rig.submit(coresJob({ cores: 13 }));
    expect(stored.job).toMatchObject({ state: 'rejected', reason: { code: 'never_fits' } });
    const dropped = await rig.submit(coresJob({ cores: 13 }), { storeRejected: false });
    expect(dropped).toMatchObject({ job: null, created: false, decision: { chosen: null } });
    expect(await rig.store.jobs.list({ limit: 10 })).toHaveLength(1);
  });

  test('what it saw and chose is stored with the job, and replays from its seed', async () => {
    await rig.cluster('K');
    await rig.cluster('L');
    await rig.scheduler.registry.mergeState('K', { nodes_free: 3 });
    const { job, decision } = await rig.submit(coresJob({ cores: 2 }));
    const [stored] = await rig.store.jobs.decisions(job.id);
    expect(JSON.parse(stored?.decision ?? '')).toEqual(decision);
    expect(decision).toMatchObject({ chosen: job.cluster, policy: 'random', reason: { code: 'selected' } });
    expect(decision.seed).toMatch(/^[0-9a-f]{16}$/);
    expect(decision.candidates.find(({ cluster }) => cluster === 'K')?.state).toMatchObject({
      nodes_free: 3,
      rainbow_queued: 0,
      rainbow_free_core: 36,
    });
  });

  test('one job that cannot be placed never keeps the next waiting, over many pages', async () => {
    await fresh({ settings: { overcommit: 'deny' } });
    await rig.cluster('K');
    const { job: big } = await rig.submit(coresJob(ALL));
    const blocked = await Promise.all(
      Array.from({ length: 600 }, (_, i) => rig.submit(coresJob({ nodes: 3, cores: 7 + (i % 5) }))),
    );
    const small = await rig.submit(coresJob({ cores: 1 }));
    const urgent = await rig.submit(coresJob({ cores: 1 }), { priority: 5 });
    expect(new Set([...blocked, small, urgent].map(({ job }) => job.state))).toEqual(new Set(['pending']));
    await move(await run(big), 'completed');
    await rig.system.settle();
    // The first of the blocked took 21 cores; the small ones fit beside it.
    expect((await rig.job(urgent.job.id)).state).toBe('assigned');
    expect((await rig.job(small.job.id)).state).toBe('assigned');
    expect((await rig.job(blocked[0]?.job.id ?? '')).state).toBe('assigned');
  });

  test('a job whose jobspec can no longer be read fails with the reason, and stops no other', async () => {
    await rig.cluster('K');
    const base = {
      name: 't',
      owner: 'o',
      candidates: [rig.ref('K')],
      policy: 'random',
      policyOptions: {},
      priority: 9,
      walltime: 60,
    };
    const { job } = await rig.store.jobs.submit({
      ...base,
      jobspec: 'version: 99',
      onClusterLoss: 'wait',
      idempotencyKey: null,
      at: rig.system.clock.now(),
      outcome: { state: 'pending', reason: reason('submitted') },
      decision: null,
    });
    const good = await rig.store.jobs.submit({
      ...base,
      jobspec: coresJob({ cores: 1 }),
      onClusterLoss: 'wait',
      idempotencyKey: null,
      at: rig.system.clock.now(),
      outcome: { state: 'pending', reason: reason('submitted') },
      decision: null,
    });
    await rig.restart();
    await rig.system.settle();
    expect(await rig.job(job.id)).toMatchObject({ state: 'failed', reason: { code: 'cannot_start' } });
    expect((await rig.job(good.job.id)).state).toBe('assigned');
  });

  test('what waits for a cluster’s state goes when that comes', async () => {
    await rig.cluster('K');
    await rig.scheduler.registry.mergeState('K', { nodes_free: 0 });
    const priorities = '- priority: 1\n  steps:\n  - filter: "nodes_free > 0"\n  - select: first\n';
    const { job } = await rig.submit(coresJob({}), { policy: 'constraint', policyOptions: { priorities } });
    expect(job).toMatchObject({ state: 'pending', reason: { code: 'nothing_free' } });
    await rig.scheduler.registry.mergeState('K', { nodes_free: 2 });
    await rig.system.settle();
    expect((await rig.job(job.id)).state).toBe('assigned');
  });

  test('a refusal sends it elsewhere; when all have refused, it fails with their words', async () => {
    await rig.cluster('K');
    await rig.cluster('L');
    const { job } = await rig.submit(coresJob({}));
    const refuse = async (): Promise<void> => {
      const now = await rig.job(job.id);
      const [held] = await rig.receive(now.cluster ?? '', 1, null);
      await move(held as JobRecord, 'pending', { reason: { code: 'refused', message: 'no such partition' } });
      await rig.system.settle();
    };
    await refuse();
    const second = await rig.job(job.id);
    expect(second).toMatchObject({ state: 'assigned', epoch: 2 });
    expect(second.cluster).not.toBe(job.cluster);
    await refuse();
    const ended = await rig.job(job.id);
    expect(ended).toMatchObject({ state: 'failed', reason: { code: 'refused' } });
    expect(ended.reason.message).toContain('no such partition');
    expect([rig.freeCores('K'), rig.freeCores('L')]).toEqual([36, 36]);
  });
});

describe('clusters', () => {
  test('what is wrong leaves no trace; what is right survives a restart', async () => {
    const { registry } = rig.scheduler;
    const secrets = { secretHash: hash('s'), tokenHash: hash('t') };
    await expect(registry.register({ name: 'K', ...secrets, graph: '{"graph":{}}' })).rejects.toMatchObject({
      code: 'invalid_input',
    });
    expect(registry.get('K')).toBeNull();
    expect(await rig.store.clusters.list()).toEqual([]);
    await rig.cluster('K');
    await expect(rig.cluster('K')).rejects.toMatchObject({ code: 'already_exists' });
    await registry.mergeState('K', { a: 1 });
    await registry.mergeState('K', { b: 2 });
    await rig.restart();
    expect(rig.scheduler.registry.get('K')?.state).toEqual({ a: 1, b: 2 });
    expect(rig.scheduler.registry.counts('K').find(({ type }) => type === 'core')).toMatchObject({
      total: 36,
      free: 36,
    });
  });

  test('a subsystem opens matches, and a graph that it does not fit is refused', async () => {
    await rig.cluster('K');
    const { registry } = rig.scheduler;
    const graph = JSON.parse(generateGraph({ name: 'K', nodes: 3, coresPerNode: 12 })) as {
      graph: { nodes: Record<string, { metadata: { type: string } }> };
    };
    const node = Object.entries(graph.graph.nodes).find(([, { metadata }]) => metadata.type === 'node')?.[0] ?? '';
    const subsystem = JSON.stringify({
      graph: {
        nodes: { s0: { metadata: { type: 'sw' } }, s1: { metadata: { type: 'package', name: 'gcc' } } },
        edges: [
          { source: 's0', target: 's1', relation: 'contains' },
          { source: node, target: 's1', relation: 'contains' },
        ],
      },
    });
    const asks =
      'version: 1\nresources:\n  r: {type: node, count: 1, requires: [{name: sw, field: name, match: gcc}]}\ntasks: [{command: [app], resources: r}]\n';
    expect((await rig.submit(asks)).job.state).toBe('rejected');
    await registry.putSubsystem('K', 'sw', subsystem, false);
    await expect(registry.putSubsystem('K', 'sw', subsystem, false)).rejects.toMatchObject({ code: 'already_exists' });
    expect((await rig.submit(asks)).job.state).toBe('assigned');
    await rig.restart();
    expect((await rig.submit(asks)).job.state).toBe('assigned');
    const other =
      '{"graph":{"nodes":{"x":{"metadata":{"type":"cluster"}},"y":{"metadata":{"type":"node"}}},"edges":[{"source":"x","target":"y","relation":"contains"}]}}';
    await expect(rig.scheduler.registry.replaceGraph('K', other)).rejects.toMatchObject({
      code: 'failed_precondition',
    });
    expect(rig.scheduler.registry.get('K')?.subsystems).toEqual(['sw']);
    await rig.scheduler.registry.deleteSubsystem('K', 'sw');
    expect((await rig.submit(asks)).job.state).toBe('rejected');
  });

  test('a larger graph takes jobs that waited; debits stay', async () => {
    await rig.cluster('K', 1, 4);
    const first = await rig.submit(coresJob({ cores: 4 }));
    const second = await rig.submit(coresJob({ cores: 4 }));
    expect([first.job.allocation === null, second.job.allocation === null]).toEqual([false, true]);
    await rig.scheduler.registry.replaceGraph('K', generateGraph({ name: 'K', nodes: 3, coresPerNode: 4 }));
    expect(rig.freeCores('K')).toBe(4);
  });

  test('a deleted cluster’s waiting jobs go elsewhere, or are canceled where there is nowhere; a namesake gets none', async () => {
    await rig.cluster('K');
    await rig.cluster('L');
    const only = await rig.submit(coresJob({}), { candidates: ['K'] });
    const either = await rig.submit(coresJob({}), { candidates: ['K', 'L'], policy: 'first' });
    expect(either.job.cluster).toBe('K');
    const deleted = await rig.scheduler.registry.delete('K');
    expect([...deleted.returned].sort()).toEqual([only.job.id, either.job.id]);
    await rig.system.advance(1);
    await rig.cluster('K');
    await rig.system.settle();
    expect(await rig.job(only.job.id)).toMatchObject({ state: 'canceled', reason: { code: 'cluster_deleted' } });
    expect(await rig.job(either.job.id)).toMatchObject({ state: 'assigned', cluster: 'L' });
    expect(rig.freeCores('K')).toBe(36);
  });

  test('a clock that is set back cancels nothing, and sends nothing to a namesake', async () => {
    await fresh({ settings: { overcommit: 'deny' } });
    await rig.cluster('K');
    const { job: first } = await rig.submit(coresJob(ALL));
    // 1. Submitted, by the clock, before its cluster was registered.
    rig.system.turnClock(-3_600_000);
    const { job: waits } = await rig.submit(coresJob(ALL));
    const { job: leased } = await rig.submit(coresJob(ALL));
    expect([waits.state, leased.state]).toEqual(['pending', 'pending']);
    await rig.system.advance(60_000);
    expect((await rig.job(waits.id)).state).toBe('pending');
    await rig.restart();
    await rig.system.settle();
    expect((await rig.job(waits.id)).state).toBe('pending');
    await move(await run(first), 'completed');
    await rig.system.settle();
    expect(await rig.job(waits.id)).toMatchObject({ state: 'assigned', cluster: 'K' });
    // 2. Deleted, and registered anew at a time that seems to be before the submit.
    const [held] = await rig.receive('K', 1, null);
    expect(held?.id).toBe(waits.id);
    await rig.scheduler.registry.delete('K');
    rig.system.turnClock(-3_600_000);
    await rig.cluster('K');
    await rig.system.advance(60_000);
    expect(await rig.job(leased.id)).toMatchObject({ state: 'canceled', reason: { code: 'cluster_deleted' } });
    expect(await rig.receive('K', 10, null)).toEqual([]);
    expect(rig.freeCores('K')).toBe(36);
  });

  test('deleted and registered anew between decision and write, in the same millisecond: a lost race', async () => {
    await rig.cluster('K');
    const anew = async (): Promise<void> => {
      await rig.scheduler.registry.delete('K');
      await rig.cluster('K');
    };
    // 1. A submit: its only cluster is gone, so it is told; with another, it goes there.
    const before = rig.ref('K');
    const submit = rig.store.jobs.submit.bind(rig.store.jobs);
    let tries = 0;
    const racing = (): void => {
      tries = 0;
      Object.assign(rig.store.jobs, {
        submit: async (job: NewJob) => {
          if (++tries === 1) await anew();
          return await submit(job);
        },
      });
    };
    racing();
    await expect(rig.submit(coresJob({}), { candidates: ['K'] })).rejects.toMatchObject({ code: 'aborted' });
    expect(rig.ref('K').id).toBeGreaterThan(before.id);
    expect(await rig.store.jobs.list({ limit: 9 })).toEqual([]);
    await rig.cluster('L');
    const meant = [rig.ref('K'), rig.ref('L')];
    racing();
    const { job } = await rig.submit(coresJob({}), { policy: 'first' });
    expect(job).toMatchObject({ state: 'assigned', cluster: 'L', candidates: meant });
    expect(tries).toBe(2);
    Object.assign(rig.store.jobs, { submit });
    await rig.scheduler.cancel(job.id, reason('user'));

    // 2. A pass over what is pending.
    const asks = { candidates: [rig.ref('K')] };
    const transition = rig.store.jobs.transition.bind(rig.store.jobs);
    let isRaced = false;
    Object.assign(rig.store.jobs, {
      transition: async (change: Transition) => {
        if (change.to === 'assigned' && !isRaced) {
          isRaced = true;
          await anew();
        }
        return await transition(change);
      },
    });
    const { job: pending } = await rig.store.jobs.submit({
      name: 't',
      owner: 'o',
      ...asks,
      policy: 'random',
      policyOptions: {},
      priority: 0,
      walltime: 60,
      jobspec: coresJob({}),
      onClusterLoss: 'wait',
      idempotencyKey: null,
      at: rig.system.clock.now(),
      outcome: { state: 'pending', reason: reason('submitted') },
      decision: null,
    });
    await rig.system.advance(60_000);
    expect(isRaced).toBe(true);
    expect(await rig.job(pending.id)).toMatchObject({ state: 'canceled', reason: { code: 'cluster_deleted' } });
    expect([rig.freeCores('K'), rig.freeCores('L')]).toEqual([36, 36]);
  });

  test('a cluster that was deleted behind our back is not chosen again', async () => {
    await rig.cluster('K');
    await rig.cluster('L');
    await rig.store.clusters.delete('K', rig.system.clock.now());
    const { job } = await rig.submit(coresJob({}), { policy: 'first' });
    expect(job).toMatchObject({ state: 'assigned', cluster: 'L' });
    expect(rig.scheduler.registry.get('K')).toBeNull();
  });

  test('a stored graph that no longer reads stops that cluster alone', async () => {
    await rig.cluster('K');
    await rig.cluster('L');
    await rig.store.clusters.replaceGraph('K', '{"graph":', [], rig.system.clock.now());
    await rig.restart();
    const { job } = await rig.submit(coresJob({ cores: 12 }));
    expect(job.cluster).toBe('L');
    const stuck = await rig.submit(coresJob({}), { candidates: ['K'] });
    expect(stuck.job).toMatchObject({ state: 'pending', reason: { code: 'match_unknown' } });
    await rig.scheduler.registry.replaceGraph('K', generateGraph({ name: 'K', nodes: 3, coresPerNode: 12 }));
    await rig.system.settle();
    expect(await rig.job(stuck.job.id)).toMatchObject({ state: 'assigned', cluster: 'K' });
  });
});

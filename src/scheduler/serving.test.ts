/** Clusters that do not take every job: drained, in maintenance, or with a scheduler that cannot be told all of it. */
import { afterEach, beforeEach, expect, test } from 'vitest';
import { readJobspec } from '../core/jobspec/read.ts';
import { IN_SERVICE } from '../store/store.ts';
import type { CandidateResult } from './scheduler.ts';
import { coresJob, openRig, type Rig } from './testing/rig.ts';

let rig: Rig;
beforeEach(async () => {
  rig = await openRig();
});
afterEach(() => rig.close());

/** Time passes, a second at a time, and what it brings is waited for. */
async function until(isSo: () => Promise<boolean>): Promise<void> {
  for (let seconds = 0; seconds < 300; seconds++) {
    await rig.system.settle();
    if (await isSo()) return;
    await rig.system.advance(1000);
  }
  throw new Error('never');
}

/** Of one cluster, with what each says. */
async function putPartitions(cluster: string, partitions: Readonly<Record<string, object>>): Promise<void> {
  const names = Object.keys(partitions);
  const nodes = Object.fromEntries(
    names.map((name) => [name, { metadata: { type: 'partition', name, ...partitions[name] } }]),
  );
  const all = { metadata: { type: 'partitions', name: cluster } };
  const edges = names.map((target) => ({ source: 'all', target, relation: 'contains' }));
  const subsystem = { graph: { nodes: { all, ...nodes }, edges } };
  await rig.scheduler.registry.putSubsystem(cluster, 'partition', JSON.stringify(subsystem), true);
}

const drain = (cluster: string): Promise<unknown> =>
  rig.scheduler.registry.setService(cluster, { ...IN_SERVICE, drained: { at: 1, reason: 'disks' } }, 'drained');

test('a drained cluster gets no new jobs, and decisions say why; resumed it gets those that wait', async () => {
  await rig.cluster('K');
  await rig.cluster('L');
  await drain('K');
  const first = await rig.submit({ nodes: 1, cores: 1 });
  expect(first.job.cluster).toBe('L');
  expect(first.decision.notes).toContain('K was passed over: it is drained: disks');
  await drain('L');
  const second = await rig.submit({ nodes: 1, cores: 1 });
  expect(second.job).toMatchObject({
    state: 'pending',
    reason: { message: expect.stringContaining('drained') as string },
  });
  await rig.scheduler.registry.setService('K', IN_SERVICE, 'resumed');
  await until(async () => (await rig.job(second.job.id)).cluster === 'K');
});

test('a cluster for which nobody has ever called in comes after those with an agent, and is taken where there is none', async () => {
  for (const name of ['K', 'L', 'M']) await rig.cluster(name, 1, 8);
  const first = { policy: 'first' };
  const chosen = async (): Promise<string | null> => (await rig.submit({ nodes: 1, cores: 1 }, first)).job.cluster;
  // Among those that would be polled, as ever: the first poll may come after the first job.
  expect(await chosen()).toBe('K');
  rig.scheduler.registry.seen('L');
  expect(await chosen()).toBe('K');

  const instance = { id: 'a', startedAt: 1, runner: 'process', version: '1', runAs: 'single-user' } as const;
  await rig.scheduler.registry.claimInstance(rig.ref('M'), instance);
  rig.scheduler.registry.setConnected('M', true);
  const { job, decision } = await rig.submit({ nodes: 1, cores: 1 }, first);
  expect(job.cluster).toBe('L');
  expect(decision.notes).toContain(
    'K was passed over: nobody has called in for it yet, and another that fits has an agent',
  );
  expect(decision.candidates.map(({ passedOver }) => passedOver !== undefined)).toEqual([true, false, false]);

  // What only it could hold goes there all the same.
  await rig.cluster('J', 1, 16);
  expect((await rig.submit({ nodes: 1, cores: 16 }, first)).job.cluster).toBe('J');
  // Once polled it is one of them, also after a restart.
  rig.scheduler.registry.seen('K');
  expect(await chosen()).toBe('K');
  await rig.restart();
  rig.scheduler.registry.setConnected('M', true);
  expect((await rig.submit({ nodes: 1, cores: 1 }, { ...first, candidates: ['J', 'M'] })).job.cluster).toBe('M');
});

test('what a drained cluster was assigned and has not received goes back', async () => {
  await rig.cluster('K');
  const { job } = await rig.submit({ nodes: 1, cores: 1 });
  expect(job.state).toBe('assigned');
  await drain('K');
  await until(async () => (await rig.job(job.id)).state === 'pending');
  expect((await rig.store.jobs.attempts(job.id))[0]?.reason.code).toBe('cluster_drained');
});

test('a drain is there after a restart', async () => {
  await rig.cluster('K');
  await drain('K');
  await rig.restart();
  expect((await rig.submit({ nodes: 1, cores: 1 })).job.state).toBe('pending');
});

test('no job is placed that would run into maintenance', async () => {
  await rig.cluster('K');
  const from = rig.system.clock.now() + 3600_000;
  const window = { from, until: from + 3600_000, reason: '' };
  await rig.scheduler.registry.setService('K', { drained: null, windows: [window] }, 'maintenance_planned');
  const withTime = (duration: number): string => {
    const spec = JSON.parse(coresJob({ nodes: 1, cores: 1 })) as { attributes?: { system?: object } };
    return JSON.stringify({
      ...spec,
      attributes: { ...spec.attributes, system: { ...spec.attributes?.system, duration } },
    });
  };
  expect((await rig.submit(withTime(3000))).job.state).toBe('assigned');
  expect((await rig.submit(withTime(4000))).job).toMatchObject({
    state: 'pending',
    reason: { message: expect.stringContaining('it would run into maintenance') as string },
  });
});

test('a cluster that has no local user for the owner is a no, with the reason, before anything is asked', async () => {
  await rig.cluster('K', 1, 2);
  await rig.cluster('L', 1, 2);
  const instance = { id: 'a', startedAt: 1, runner: 'slurm', version: '1', runAs: 'mapped' } as const;
  const maps = (cluster: string, startedAt: number, ...accounts: string[]): Promise<unknown> =>
    rig.scheduler.registry.claimInstance(rig.ref(cluster), { ...instance, startedAt, accounts });
  const of = (owner: string) => ({ owner, policy: 'first' });
  await maps('K', 1, 'user:ann');
  expect((await rig.submit({ nodes: 1, cores: 1 }, of('user:ann'))).job.cluster).toBe('K');
  const { job, decision } = await rig.submit({ nodes: 1, cores: 1 }, of('user:bob'));
  expect(job.cluster).toBe('L');
  expect(decision.candidates[0]).toMatchObject({
    cluster: 'K',
    satisfiable: {
      fits: 'no',
      reasons: [{ stage: 'owner', message: expect.stringContaining('no local user') as string }],
    },
  });
  expect(rig.scheduler.match(readJobspec(coresJob({})), ['K'], 'user:bob')[0]?.satisfiable.fits).toBe('no');
  expect(rig.scheduler.match(readJobspec(coresJob({})), ['K'])[0]?.satisfiable.fits).toBe('yes');

  // Nobody's change of the request opens it.
  const openings = rig.scheduler.match(readJobspec(coresJob({ cores: 9 })), ['K', 'L'], 'user:bob');
  expect(rig.scheduler.openings(readJobspec(coresJob({ cores: 9 })), openings)[0]?.clusters).toEqual(['L']);

  await maps('L', 1, 'user:ann');
  expect((await rig.submit({ nodes: 1, cores: 1 }, of('user:bob'))).job).toMatchObject({
    state: 'rejected',
    reason: { code: 'never_fits', message: expect.stringContaining('no local user') as string },
  });
  // It is there after a restart, and a new line in the mapping counts when the agent is back.
  await rig.restart();
  expect((await rig.submit({ nodes: 1, cores: 1 }, of('user:bob'))).job.state).toBe('rejected');
  await maps('L', 2, 'user:ann', 'user:bob');
  expect((await rig.submit({ nodes: 1, cores: 1 }, of('user:bob'))).job.cluster).toBe('L');
});

test('a partition that is asked for: clusters that have registered theirs, plain machines, those of which nothing is known', async () => {
  for (const name of ['K', 'L', 'M']) await rig.cluster(name, 1, 2);
  const jobspec = (queue: string, more: object = {}): string => {
    const spec = JSON.parse(coresJob({})) as { attributes?: { system?: object } };
    const system = { ...spec.attributes?.system, queue };
    return JSON.stringify({ ...spec, attributes: { ...spec.attributes, ...more, system } });
  };
  const fits = (text: string): readonly string[] =>
    rig.scheduler.match(readJobspec(text), ['K', 'L', 'M']).map(({ satisfiable: { fits: word, reasons } }) => {
      return [word, ...reasons.map(({ stage, message }) => `${stage}: ${message}`)].join(' ');
    });
  expect(fits(jobspec('debug'))).toEqual(['yes', 'yes', 'yes']);

  const vertex = (type: string, name: string): object => ({ metadata: { type, name } });
  const link = (target: string): object => ({ source: 'all', target, relation: 'contains' });
  const nodes = { all: vertex('partitions', 'K'), d: vertex('partition', 'debug'), m: vertex('partition', 'main') };
  const subsystem = { graph: { nodes, edges: [link('d'), link('m')] } };
  await rig.scheduler.registry.putSubsystem('K', 'partition', JSON.stringify(subsystem), true);
  const instance = { id: 'a', startedAt: 1, version: '1', runAs: 'single-user' } as const;
  await rig.scheduler.registry.claimInstance(rig.ref('L'), { ...instance, runner: 'process' });
  const plain = 'no partition: it is a plain machine and has no partition';
  const remedy = 'with --allow-lossy it may run there';
  const check = (): void => {
    expect(fits(jobspec('debug'))).toEqual(['yes', `${plain} debug: ${remedy}`, 'yes']);
    expect(fits(jobspec('debug,nope'))).toEqual([
      'no partition: it has no partition nope: it has debug, main',
      `${plain} debug,nope: ${remedy}`,
      'yes',
    ]);
    const lossy = { rainbow: { allowLossy: true } };
    expect(fits(jobspec('nope', lossy)).map((each) => each.split(' ')[0])).toEqual(['no', 'yes', 'yes']);
  };
  check();
  await rig.restart();
  check();

  const { job } = await rig.submit(jobspec('nope'), { candidates: ['K', 'L'] });
  expect(job).toMatchObject({
    state: 'rejected',
    reason: { code: 'never_fits', message: expect.stringContaining('it has no partition nope') as string },
  });
  // No change of the request opens it.
  const asked = readJobspec(jobspec('nope'));
  expect(rig.scheduler.openings(asked, rig.scheduler.match(asked, ['K', 'L']))).toEqual([]);
  await rig.scheduler.registry.deleteSubsystem('K', 'partition');
  expect(fits(jobspec('nope'))[0]).toBe('yes');
});

test('the time limit of the partition asked for, of the default one where none is', async () => {
  for (const name of ['K', 'L']) await rig.cluster(name, 1, 2);
  await putPartitions('K', {
    debug: { max_time: '00:10:00' },
    main: { max_time: '7-00:00:00', default: true },
  });
  const asking = (duration: number, queue?: string): string => {
    const spec = JSON.parse(coresJob({})) as object;
    const system = { ...(duration === 0 ? {} : { duration }), ...(queue === undefined ? {} : { queue }) };
    return JSON.stringify({ ...spec, attributes: { system } });
  };
  const fits = (text: string): string => {
    const [{ satisfiable, startable }] = rig.scheduler.match(readJobspec(text), ['K']) as [CandidateResult];
    expect(startable.fits).toBe(satisfiable.fits);
    return [satisfiable.fits, ...satisfiable.reasons.map(({ message }) => message)].join(' ');
  };
  const check = (): void => {
    expect(fits(asking(0, 'debug'))).toBe('yes');
    expect(fits(asking(600, 'debug'))).toBe('yes');
    expect(fits(asking(1200, 'debug'))).toContain('no partition debug lets a job run for 10 min, not for 20 min');
    expect(fits(asking(1200, 'debug,main'))).toBe('yes');
    expect(fits(asking(1200))).toBe('yes');
    expect(fits(asking(691_200))).toContain('no its default partition main lets a job run for 7 d, not for 8 d');
  };
  check();
  await rig.restart();
  check();
  // Where all are decided on at once, too: it goes where nothing is known of a limit, or nowhere.
  const first = { candidates: ['K', 'L'], policy: 'first' };
  expect((await rig.submit(asking(600), first)).job.cluster).toBe('K');
  expect((await rig.submit(asking(691_200), first)).job.cluster).toBe('L');
  expect((await rig.submit(asking(691_200), { candidates: ['K'] })).job).toMatchObject({
    state: 'rejected',
    reason: { code: 'never_fits', message: expect.stringContaining('not for 8 d') as string },
  });
  await rig.scheduler.registry.deleteSubsystem('K', 'partition');
  expect(fits(asking(691_200))).toBe('yes');
});

test('what a partition gives a job that asks for no time counts for windows and bids', async () => {
  await rig.cluster('K', 1, 2);
  await putPartitions('K', { main: { default_time: '04:00:00', default: true }, short: { max_time: '00:10:00' } });
  const asking = (system: object): string =>
    JSON.stringify({ ...(JSON.parse(coresJob({})) as object), attributes: { system } });
  const hours = (count: number): number => count * 3600_000;

  // The server bids for a cluster that only polls.
  const bidFor = async (system: object): Promise<number> => {
    const { decision } = await rig.submit(asking(system), { policy: 'soonest', storeRejected: false });
    const { offer } = decision.candidates[0]!;
    return offer!.end - offer!.startP50;
  };
  expect(await bidFor({})).toBe(hours(4));
  expect(await bidFor({ queue: 'short' })).toBe(600_000);
  expect(await bidFor({ duration: 7200 })).toBe(hours(2));

  // With the server's hour it would be over before the window; with its own four it is not.
  const from = rig.system.clock.now() + hours(2);
  const window = { from, until: from + hours(1), reason: '' };
  await rig.scheduler.registry.setService('K', { drained: null, windows: [window] }, 'maintenance_planned');
  const { job } = await rig.submit(asking({}));
  expect(job).toMatchObject({
    state: 'pending',
    reason: { message: expect.stringContaining('maintenance') as string },
  });
  expect((await rig.submit(asking({ queue: 'short' }))).job.state).not.toBe('pending');
});

test('a job that may be given less goes where Slurm has that much, and nowhere else', async () => {
  for (const name of ['K', 'L']) await rig.cluster(name, 1, 8);
  for (const name of ['K', 'L']) await putPartitions(name, { main: { max_time: '00:10:00', default: true } });
  const instance = { id: 'a', startedAt: 1, version: '1', runAs: 'single-user' } as const;
  await rig.scheduler.registry.claimInstance(rig.ref('K'), { ...instance, runner: 'slurm' });
  await rig.scheduler.registry.claimInstance(rig.ref('L'), { ...instance, runner: 'flux' });
  for (const name of ['K', 'L']) rig.scheduler.registry.setConnected(name, true);
  const asking = (minutes: string): string => {
    const slurm = { 'time-min': minutes };
    const attributes = { system: { duration: 3600 }, rainbow: { slurm, allowLossy: true } };
    return JSON.stringify({ ...(JSON.parse(coresJob({})) as object), attributes });
  };
  const fits = (minutes: string): readonly string[] =>
    rig.scheduler
      .match(readJobspec(asking(minutes)), ['K', 'L'])
      .flatMap(({ cluster, satisfiable }) => (satisfiable.fits === 'yes' ? [cluster] : []));
  expect(fits('5')).toEqual(['K']);
  expect(fits('20')).toEqual([]);

  // Slurm starts it before a reservation that leaves room for the least; of the same window it is no obstacle here.
  const planned = (minutes: number): Promise<unknown> => {
    const from = rig.system.clock.now() + minutes * 60_000;
    const window = { from, until: from + 3600_000, reason: '' };
    return rig.scheduler.registry.setService('K', { drained: null, windows: [window] }, 'maintenance_planned');
  };
  await planned(4);
  expect((await rig.submit(asking('5'))).job.state).toBe('pending');
  await planned(6);
  expect((await rig.submit(asking('5'))).job.cluster).toBe('K');
});

test('how large a job its queue takes, of an instance without queues too', async () => {
  for (const name of ['K', 'L', 'M']) await rig.cluster(name, 3, 8);
  await putPartitions('K', { debug: { max_nodes: 1 }, main: { max_cores: 4, default: true } });
  await rig.scheduler.registry.putSubsystem(
    'L',
    'partition',
    JSON.stringify({
      graph: {
        nodes: {
          all: { metadata: { type: 'partitions', name: 'L' } },
          'partition/': { metadata: { type: 'partition', name: '', max_nodes: 2, max_time: '10m', default: true } },
        },
        edges: [{ source: 'all', target: 'partition/', relation: 'contains' }],
      },
    }),
    true,
  );
  const at = (size: { nodes?: number; cores?: number }, queue?: string): string => {
    const attributes = { system: { duration: 60, ...(queue === undefined ? {} : { queue }) } };
    return JSON.stringify({ ...(JSON.parse(coresJob(size)) as object), attributes });
  };
  const why = (text: string, cluster: string): string | undefined =>
    rig.scheduler.match(readJobspec(text), [cluster])[0]?.satisfiable.reasons[0]?.message;
  expect(why(at({ cores: 4 }), 'K')).toBeUndefined();
  expect(why(at({ cores: 8 }), 'K')).toContain('its default queue main takes jobs of at most 4 cores, not of 8');
  expect(why(at({ cores: 8 }, 'debug'), 'K')).toBeUndefined();
  expect(why(at({ nodes: 2 }, 'debug'), 'K')).toContain('queue debug takes jobs of at most 1 node, not of 2');
  expect(why(at({ nodes: 3 }), 'L')).toBe('it takes jobs of at most 2 nodes, not of 3: ask for less');
  expect(why(at({}, 'debug'), 'L')).toBe('it has no partition debug: it has none');
  // Where all are decided on at once, too.
  const first = { candidates: ['K', 'L', 'M'], policy: 'first' };
  expect((await rig.submit(at({ cores: 4 }), first)).job.cluster).toBe('K');
  expect((await rig.submit(at({ nodes: 2, cores: 4 }), first)).job.cluster).toBe('L');
  expect((await rig.submit(at({ nodes: 3, cores: 4 }), first)).job.cluster).toBe('M');
});

test('of equal questions of two owners each is decided by itself', async () => {
  await rig.cluster('K', 1, 2);
  await rig.cluster('L', 1, 2);
  const instance = { id: 'a', startedAt: 1, runner: 'slurm', version: '1', runAs: 'mapped' } as const;
  await rig.scheduler.registry.claimInstance(rig.ref('K'), { ...instance, accounts: ['user:ann'] });
  const more = (owner: string, hold = true) => ({ owner, hold, overcommit: 'deny' as const });
  const filler = await rig.submit({ nodes: 1, cores: 2 }, { owner: 'user:bob' });
  expect(filler.job.cluster).toBe('L');
  const bob = await rig.submit({ nodes: 1, cores: 2 }, more('user:bob'));
  const ann = await rig.submit({ nodes: 1, cores: 2 }, more('user:ann'));
  await rig.scheduler.release(bob.job.id);
  await rig.scheduler.release(ann.job.id);
  await until(async () => (await rig.job(ann.job.id)).cluster === 'K');
  expect((await rig.job(bob.job.id)).state).toBe('pending');
});

test('a cluster whose scheduler cannot be told all of it is a no, unless the jobspec allows it', async () => {
  await rig.cluster('K');
  const instance = { id: 'a', startedAt: 1, runner: 'slurm', version: '1', runAs: 'single-user' } as const;
  await rig.scheduler.registry.claimInstance(rig.ref('K'), instance);
  const spec = (more: object): string =>
    JSON.stringify({
      version: 1,
      resources: [{ type: 'slot', count: 1, label: 't', with: [{ type: 'core', count: 1 }] }],
      tasks: [{ command: ['true'], slot: 't', count: { per_slot: 1 } }],
      attributes: { system: { duration: 60 }, ...more },
    });
  expect((await rig.submit(spec({}))).job.state).toBe('assigned');
  const strange = spec({ strange: { a: 1 } });
  const refused = await rig.submit(strange);
  expect(refused.job).toMatchObject({
    state: 'rejected',
    reason: {
      code: 'never_fits',
      message: expect.stringMatching(/strange.*Allow that with --allow-lossy/) as string,
    },
  });
  expect(refused.decision.candidates[0]?.satisfiable).toMatchObject({ fits: 'no', reasons: [{ stage: 'told' }] });
  const seen = rig.scheduler.match(readJobspec(strange), ['K'], undefined, strange);
  expect(seen[0]?.satisfiable).toEqual(refused.decision.candidates[0]?.satisfiable);
  expect(rig.scheduler.openings(readJobspec(strange), seen)).toEqual([]);
  // What is to wait for a cluster waits; so does what another could be told that takes nothing now.
  expect((await rig.submit(strange, { later: { any: true, groups: [], only: [] } })).job.state).toBe('pending');
  await rig.cluster('L');
  await drain('L');
  const waits = await rig.submit(strange);
  expect(waits.job).toMatchObject({
    state: 'pending',
    reason: { message: expect.stringContaining('L fits, but it is drained') as string },
  });
  await rig.scheduler.registry.setService('L', IN_SERVICE, 'resumed');
  await until(async () => (await rig.job(waits.job.id)).cluster === 'L');
  expect((await rig.submit(spec({ strange: { a: 1 }, rainbow: { allowLossy: true } }))).job.state).toBe('assigned');
});

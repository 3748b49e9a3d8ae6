/** A decision from a roster is the one that looking at every cluster gives, whatever happened to them before. */
import { expect, test, vi } from 'vitest';
import { decide } from '../core/decide.ts';
import { readJobspec } from '../core/jobspec/read.ts';
import { seededRandom } from '../core/random.ts';
import { Roster } from '../core/roster.ts';
import { policyNamed } from '../core/select/policies.ts';
import type { JobId } from '../store/store.ts';
import { coresJob, openRig } from './testing/rig.ts';

const POLICIES = ['first', 'least-loaded', 'random', 'round-robin'];
const JOBS = [
  coresJob({ cores: 2 }),
  coresJob({ nodes: 2, cores: 5 }),
  coresJob({ cores: 8 }),
  coresJob({ cores: 99 }),
];
const STEPS = 250;

test('jobs, ends, states, drains, agents, new and deleted clusters: each decision is the one of looking at all', async () => {
  const rig = await openRig();
  const decides = vi.spyOn(Roster.prototype, 'decide');
  const random = seededRandom('rosters');
  const { registry } = rig.scheduler;
  const any = <T>(of: readonly T[]): T => of[random.below(of.length)] as T;
  const names = (): string[] => registry.list().map(({ name }) => name);
  const jobs: JobId[] = [];
  const happened = { submit: 0, passedOver: 0 };
  let made = 0;

  const submit = async (): Promise<void> => {
    const [policy, jobspec] = [any(POLICIES), any(JOBS)];
    // Some go to all, some to a few.
    const few = random.below(4) === 0;
    const candidates = names().filter((name) => !few || name < 'c3');
    const seen = rig.scheduler.match(readJobspec(jobspec), candidates, 'user:test');
    const { job, decision } = await rig.submit(jobspec, { policy, candidates });
    if (job.state === 'assigned') jobs.push(job.id);
    const passedOver = new Set(decision.candidates.flatMap((each) => (each.passedOver ? [each.cluster] : [])));
    expect(decision.candidates).toMatchObject(
      seen.map((each) => {
        const cluster = registry.get(each.cluster);
        return { ...each, hasState: cluster?.state !== null, graphVersion: cluster?.graphVersion };
      }),
    );
    expect(decision.candidates.map(({ state }) => state)).toEqual(seen.map(({ state }) => state));
    const open = decision.candidates.filter(({ cluster }) => !passedOver.has(cluster));
    const { seed, at: now, job: facts, parameters = {}, overcommit = 'queue' } = decision;
    const select = policyNamed(policy).compile({});
    const all = decide({ candidates: open, parameters, select, seed, now, job: facts!, overcommit });
    if (passedOver.size > 0) happened.passedOver++;
    happened.submit++;
    if (decision.reason.message.startsWith('nothing to choose from now')) return;
    expect([decision.chosen, decision.order, decision.reason]).toEqual([all.chosen, all.order, all.reason]);
    expect(decision.notes.slice(-all.notes.length)).toEqual(all.notes);
  };

  const steps: readonly (() => Promise<unknown>)[] = [
    ...Array.from({ length: 12 }, () => submit),
    () => rig.scheduler.cancel(jobs.splice(random.below(jobs.length || 1), 1)[0] ?? '0', { code: 'user', message: '' }),
    () => registry.mergeState(any(names()), { nodes_free: random.below(9), rainbow_queued: random.below(3) }),
    () => registry.setService(any(names()), { drained: { at: 1, reason: 'repairs' }, windows: [] }, 'drained'),
    () => {
      const windows = [{ from: rig.system.clock.now() + 1000, until: 2 ** 45, reason: '' }];
      return registry.setService(any(names()), { drained: null, windows }, 'maintenance_planned');
    },
    ...Array.from({ length: 4 }, () => async () => {
      for (const name of names()) await registry.setService(name, { drained: null, windows: [] }, 'resumed');
    }),
    async () => registry.setConnected(any(names()), random.below(2) === 0),
    async () => {
      const name = any(names());
      const instance = { id: 'a', startedAt: 1, runner: 'process', version: '1', runAs: 'single-user' } as const;
      await registry.claimInstance(rig.ref(name), instance);
      registry.setConnected(name, true);
    },
    ...Array.from({ length: 2 }, () => async () => names().forEach((name) => registry.seen(name))),
    () => rig.cluster(`c${made++}`, 1 + random.below(3), 4 + 4 * random.below(3)),
    async () => names().length > 2 && registry.delete(any(names())),
    async () => rig.scheduler.reportFree(any(names()), { seq: 1, busyVertices: [], includes: [] }),
  ];
  for (let i = 0; i < 5; i++) await rig.cluster(`c${made++}`);
  for (let i = 0; i < STEPS; i++) {
    await any(steps)();
    // What waited may have been decided on meanwhile.
    await rig.system.settle();
  }
  expect(happened.submit).toBeGreaterThan(100);
  expect(happened.passedOver).toBeGreaterThan(5);
  expect(decides.mock.results.filter(({ value }) => value !== null).length).toBeGreaterThan(20);
  decides.mockRestore();
  await rig.close();
});

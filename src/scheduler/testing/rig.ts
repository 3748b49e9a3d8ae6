/**
 * For tests: a scheduler with the real matcher on a real store in memory, under a simulated clock. `restart` is a
 * server that was killed: a new scheduler and matcher on what the store has.
 */
import { createHash } from 'node:crypto';
import { generateGraph } from '../../core/graph/generate.ts';
import { readJobspec } from '../../core/jobspec/read.ts';
import { createMatcher } from '../../core/match/create.ts';
import type { Matcher } from '../../core/match/matcher.ts';
import { openStore } from '../../store/open.ts';
import type { ClusterRef, JobId, JobRecord, Store } from '../../store/store.ts';
import { simulatedSystem, type SimulatedSystem } from '../../system/simulated.ts';
import { createScheduler } from '../create.ts';
import { silentLog } from '../log.ts';
import type { Scheduler, Submission, Submitted } from '../scheduler.ts';
import type { SchedulerSettings } from '../settings.ts';

export interface Rig {
  readonly system: SimulatedSystem;
  readonly store: Store;
  scheduler: Scheduler;
  matcher: Matcher;
  /** Registers a cluster of `nodes` nodes with `cores` cores each. */
  cluster(name: string, nodes?: number, cores?: number): Promise<void>;
  submit(
    job: string | { nodes?: number; cores?: number },
    more?: Partial<Submission>,
  ): Promise<Submitted & { job: JobRecord }>;
  job(id: JobId): Promise<JobRecord>;
  /** The cluster that has this name now. */
  ref(cluster: string): ClusterRef;
  receive(cluster: string, limit: number, leaseMs: number | null): Promise<readonly JobRecord[]>;
  freeCores(cluster: string): number;
  /** Stops the scheduler, as a kill would, and starts a new one on the same store. */
  restart(settings?: Partial<SchedulerSettings>): Promise<void>;
  close(): Promise<void>;
}

export async function openRig(
  options: { seed?: string; settings?: Partial<SchedulerSettings>; openStore?: typeof openStore } = {},
): Promise<Rig> {
  const system = simulatedSystem({ seed: options.seed ?? 'rig' });
  const store = await (options.openStore ?? openStore)(':memory:', system);
  const make = (settings: Partial<SchedulerSettings>): { scheduler: Scheduler; matcher: Matcher } => {
    const matcher = createMatcher();
    return { matcher, scheduler: createScheduler({ store, matcher, system, settings, log: silentLog }) };
  };
  const rig: Rig = {
    system,
    store,
    ...make(options.settings ?? {}),
    async cluster(name, nodes = 3, cores = 12) {
      const graph = generateGraph({ name, nodes, coresPerNode: cores });
      await rig.scheduler.registry.register({ name, secretHash: hash(`${name} secret`), tokenHash: hash(name), graph });
    },
    async submit(job, more = {}) {
      const jobspec = typeof job === 'string' ? job : coresJob(job);
      const candidates = rig.scheduler.registry.list().map(({ name }) => name);
      const submitted = await rig.scheduler.submit({
        name: 'test',
        owner: 'user:test',
        jobspec,
        parsed: readJobspec(jobspec),
        candidates,
        policy: 'random',
        policyOptions: {},
        priority: 0,
        onClusterLoss: 'wait',
        idempotencyKey: null,
        storeRejected: true,
        ...more,
      });
      return submitted as Submitted & { job: JobRecord };
    },
    async job(id) {
      const job = await store.jobs.get(id);
      if (job === null) throw new Error(`there is no job ${id}`);
      return job;
    },
    ref(cluster) {
      const record = rig.scheduler.registry.get(cluster);
      if (record === null) throw new Error(`there is no cluster ${cluster}`);
      return { name: record.name, id: record.id };
    },
    receive: (cluster, limit, leaseMs) => rig.scheduler.receive(rig.ref(cluster), limit, leaseMs),
    freeCores: (cluster) => rig.matcher.counts(cluster).find(({ type }) => type === 'core')?.free ?? 0,
    async restart(settings = options.settings ?? {}) {
      await rig.scheduler.stop();
      Object.assign(rig, make(settings));
      await rig.scheduler.start();
    },
    async close() {
      await rig.scheduler.stop();
      await store.close();
    },
  };
  await rig.scheduler.start();
  return rig;
}

/** RFC 25: so many nodes, with so many cores of each. */
export function coresJob({ nodes = 1, cores = 1 }: { nodes?: number; cores?: number }): string {
  return JSON.stringify({
    version: 1,
    resources: [
      {
        type: 'node',
        count: nodes,
        with: [{ type: 'slot', count: 1, label: 'task', with: [{ type: 'core', count: cores }] }],
      },
    ],
    tasks: [{ command: ['app'], slot: 'task', count: { per_slot: 1 } }],
    attributes: { system: { duration: 60 } },
  });
}

export function hash(text: string): Uint8Array {
  return createHash('sha256').update(text).digest();
}

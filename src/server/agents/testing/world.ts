/**
 * For tests: a server, two clusters with agents and one that polls, to which anything may happen in any order; and
 * what must hold all the same.
 */
import * as fc from 'fast-check';
import { isAllowed, isFinal, type JobState } from '../../../core/job/state.ts';
import { isDebited } from '../../../scheduler/debits.ts';
import { isPolled } from '../../../core/job/polled.ts';
import { silentLog } from '../../../scheduler/log.ts';
import { coresJob, type Rig } from '../../../scheduler/testing/rig.ts';
import type { JobRecord } from '../../../store/store.ts';
import { createFollowers } from '../../followers.ts';
import { agentHandlers } from '../connect.ts';
import { fakeAgent, type FakeAgent, type StateName } from './fake-agent.ts';

const AGENTS = ['K', 'L'] as const;
export const CLUSTERS = [...AGENTS, 'P'] as const;
/** Of each cluster, on two nodes. */
export const CORES = 8;

const which = fc.nat(30);
const cluster = fc.constantFrom(...AGENTS);
export const action = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({
      do: fc.constant('submit' as const),
      cores: fc.integer({ min: 1, max: 4 }),
      nodes: fc.integer({ min: 1, max: 2 }),
      priority: fc.integer({ min: 0, max: 2 }),
      candidates: fc.subarray([...CLUSTERS], { minLength: 1 }),
      loss: fc.constantFrom('wait' as const, 'requeue' as const, 'fail' as const),
      burst: fc.integer({ min: 1, max: 3 }),
    }),
  },
  {
    weight: 10,
    arbitrary: fc.record({
      do: fc.constant('report' as const),
      cluster,
      which,
      state: fc.constantFrom<StateName>('accepted', 'running', 'completed', 'failed', 'canceled', 'pending'),
    }),
  },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('drop' as const), cluster }) },
  { weight: 3, arbitrary: fc.record({ do: fc.constant('connect' as const), cluster, amnesia: fc.boolean() }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('cancel' as const), which }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('poll' as const), most: fc.integer({ min: 1, max: 3 }) }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('accept' as const), which }) },
  { weight: 3, arbitrary: fc.record({ do: fc.constant('wait' as const), seconds: fc.constantFrom(1, 9, 35, 130) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('restart' as const) }) },
  { weight: 4, arbitrary: fc.record({ do: fc.constant('settle' as const) }) },
);
export type Action = typeof action extends fc.Arbitrary<infer A> ? A : never;

export class World {
  readonly rig: Rig;
  readonly agents = new Map<string, FakeAgent>();
  handlers!: ReturnType<typeof agentHandlers>;
  readonly submitted: string[] = [];

  constructor(rig: Rig) {
    this.rig = rig;
    this.serve();
  }

  serve(): void {
    const { store, scheduler, system } = this.rig;
    this.handlers = agentHandlers({
      store,
      scheduler,
      followers: createFollowers(),
      system,
      settings: { serverVersion: 'test', heartbeat: 10, helloWithin: 5, outputCap: 100 },
      authenticateCluster: (name) => scheduler.registry.get(name) as never,
      log: silentLog,
    });
    for (const name of AGENTS) {
      const before = this.agents.get(name);
      before?.drop();
      const agent = fakeAgent(this.handlers, {
        cluster: name,
        startedAt: system.clock.now(),
        capacity: 3,
        instance: `${name} ${system.clock.now()}`,
      });
      for (const [key, entry] of before?.journal ?? []) agent.journal.set(key, entry);
      this.agents.set(name, agent);
    }
  }

  agent(name: string): FakeAgent {
    return this.agents.get(name) as FakeAgent;
  }

  async jobs(): Promise<readonly JobRecord[]> {
    return await this.rig.store.jobs.list({ limit: 1_000 });
  }

  async act(a: Action): Promise<void> {
    const { rig } = this;
    switch (a.do) {
      case 'submit': {
        const { candidates, priority, loss } = a;
        const one = () =>
          rig
            .submit(coresJob(a), { candidates, priority, onClusterLoss: loss })
            .then(({ job }) => this.submitted.push(job.id));
        // Not waited for: what comes next races with it.
        for (let i = 0; i < a.burst; i++) void one();
        return;
      }
      case 'report': {
        const entries = [...this.agent(a.cluster).journal.values()];
        const entry = entries[a.which % Math.max(1, entries.length)];
        if (entry === undefined || !mayFollow(entry.state, a.state)) return;
        this.agent(a.cluster).report(entry.id, entry.epoch, a.state);
        return;
      }
      case 'drop':
        return this.agent(a.cluster).drop();
      case 'connect':
        this.agent(a.cluster).drop();
        if (a.amnesia) this.agent(a.cluster).journal.clear();
        return this.agent(a.cluster).connect();
      case 'cancel': {
        const id = this.submitted[a.which % Math.max(1, this.submitted.length)];
        if (id !== undefined) void rig.scheduler.cancel(id, { code: 'user', message: '' });
        return;
      }
      case 'poll':
        void rig.receive('P', a.most, 20_000);
        return;
      case 'accept': {
        const jobs = (await this.jobs()).filter((job) => job.state === 'received' && job.cluster === 'P');
        const job = jobs[a.which % Math.max(1, jobs.length)];
        if (job !== undefined) void accept(rig, job);
        return;
      }
      case 'wait':
        return await rig.system.advance(a.seconds * 1_000);
      case 'restart':
        await rig.restart();
        return this.serve();
      case 'settle':
        return await rig.system.settle();
    }
  }

  async check(): Promise<void> {
    const jobs = await this.jobs();
    for (const name of CLUSTERS) {
      const taken = new Set<string>();
      for (const job of jobs) {
        if (job.cluster !== name || !isDebited(job) || job.allocation === null) continue;
        for (const vertex of coresOf(job)) {
          holds(!taken.has(vertex), `core ${vertex} of ${name} is given to one job only`);
          taken.add(vertex);
        }
      }
      holds(taken.size <= CORES, `no more of ${name} is given than it has`);
      holds(this.rig.freeCores(name) >= 0, `what is free of ${name} is not negative`);
    }
  }

  async checkEvents(): Promise<void> {
    const events = await this.rig.store.events.after(0, 100_000);
    const at = new Map<string, { state: JobState; epoch: number }>();
    for (const { subject, jobId, kind, epoch } of events) {
      if (subject !== 'job' || jobId === null || ['cancel_requested', 'reason', 'left'].includes(kind)) continue;
      const before = at.get(jobId);
      const state = kind as JobState;
      if (before === undefined) holds(state === 'pending', `job ${jobId} begins as pending`);
      else {
        holds(isAllowed(before.state, state), `job ${jobId}: ${before.state} → ${state} is allowed`);
        const due = state === 'pending' ? before.epoch + 1 : before.epoch;
        holds(epoch === due, `job ${jobId} is in epoch ${due}, not ${epoch}`);
      }
      at.set(jobId, { state, epoch: epoch ?? 0 });
    }
    for (const { id, state, epoch } of await this.jobs()) {
      const last = at.get(id);
      holds(last?.state === state && last.epoch === epoch, `the last event of job ${id} is ${state} in epoch ${epoch}`);
    }
  }

  /** Everybody behaves from here on. */
  async finish(): Promise<void> {
    const { rig } = this;
    for (let round = 0; round < 200; round++) {
      await rig.system.settle();
      const left = (await this.jobs()).filter(({ state }) => !isFinal(state));
      if (left.length === 0) return;
      for (const name of AGENTS) {
        const agent = this.agent(name);
        if (agent.over !== null || agent.heard.length === 0 || !rig.scheduler.registry.isConnected(name)) {
          agent.drop();
          agent.connect();
        }
        agent.heartbeat(3);
        const stopped = new Set(agent.stops().map(({ jobId, epoch }) => `${jobId}.${epoch}`));
        for (const { id, epoch } of agent.journal.values()) {
          agent.report(id, epoch, stopped.has(`${id}.${epoch}`) ? 'canceled' : 'completed');
        }
      }
      for (const job of await rig.receive('P', 100, 20_000)) await accept(rig, job);
      for (const job of left) {
        const over = job.state === 'unknown' && isPolled(job);
        if (over) await rig.scheduler.cancel(job.id, { code: 'user', message: '' });
      }
      await rig.system.advance(5_000);
    }
    throw new Error(
      `never ended: ${JSON.stringify((await this.jobs()).filter(({ state }) => !isFinal(state)).map(({ id, state, cluster, reason }) => ({ id, state, cluster, reason })))}`,
    );
  }
}

function coresOf(job: JobRecord): string[] {
  const stored = JSON.parse(job.allocation ?? '{"groups":[]}') as {
    groups: { slots: { claims: [string, number, number, string][] }[]; claims: [string, number, number, string][] }[];
  };
  return stored.groups.flatMap(({ slots, claims }) =>
    [...slots.flatMap((slot) => slot.claims), ...claims]
      .filter(([, , , request]) => /with.*with/.test(request))
      .map(([id]) => id),
  );
}

/** What a real agent would report after what it reported last. */
function mayFollow(before: StateName, next: StateName): boolean {
  const rank: Record<StateName, number> = {
    received: 0,
    accepted: 1,
    running: 2,
    pending: 3,
    completed: 3,
    failed: 3,
    canceled: 3,
  };
  return rank[before] < 3 && (rank[next] > rank[before] || rank[next] === 3);
}

async function accept(rig: Rig, job: JobRecord): Promise<void> {
  const at = rig.system.clock.now();
  const reason = { code: 'in_native_queue' as const, message: '' };
  await rig.scheduler.transition({
    id: job.id,
    from: ['received'],
    epoch: job.epoch,
    to: 'accepted',
    reason,
    at,
    acceptedAt: at,
    leaseExpiresAt: null,
  });
}

function holds(claim: boolean, what: string): void {
  if (!claim) throw new Error(`does not hold: ${what}`);
}

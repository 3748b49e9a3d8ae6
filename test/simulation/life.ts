/**
 * One life of a server, two clusters with agents, one that polls, and people: born from a seed, troubled by its plan,
 * then mended; at its end every job has ended, everything is free again and nothing is left of it.
 */
import { seededRandom, type SeededRandom } from '../../src/core/random.ts';
import { RainbowError } from '../../src/core/errors.ts';
import { isFinal } from '../../src/core/job/state.ts';
import { OnClusterLoss } from '../../src/gen/rainbow/v1/job_pb.js';
import { AgentHost, type AgentPorts } from './agent-host.ts';
import { execution } from './execution.ts';
import { Ledger } from './ledger.ts';
import { NativeQueue } from './native-queue.ts';
import { Calls } from './network.ts';
import { graphOf, People, POLLED } from './people.ts';
import type { Action, Plan } from './plan.ts';
import { Process } from './process.ts';
import { whenToRun } from './wishes.ts';
import { ServerHost, type ServerPorts } from './server-host.ts';
import { StoreDisk } from './store-disk.ts';
import { Timeline } from './timeline.ts';

/** What a test puts in the place of a port, to see that it is found out. */
export interface Ports {
  readonly server?: ServerPorts;
  readonly agent?: AgentPorts;
}

export interface Outcome {
  /** What did not hold; null: all did. */
  readonly violation: string | null;
  readonly steps: number;
  /** Of everything that happened. */
  readonly digest: string;
  readonly last: readonly string[];
  /** What came up, so that it can be seen that enough did. */
  readonly seen: Readonly<Record<string, number>>;
}

const AGENTS = ['K', 'L'] as const;
/** Ended jobs that retention leaves. */
const KEPT = 12;
const LOSSES = [
  OnClusterLoss.WAIT,
  OnClusterLoss.WAIT,
  OnClusterLoss.REQUEUE,
  OnClusterLoss.FAIL,
  OnClusterLoss.DUPLICATE,
  OnClusterLoss.DUPLICATE,
];
/** To come to rest once everything is mended. */
const MOST_STEPS_TO_END = 60_000;
const MOST_MS_TO_END = 3_600_000;

export async function live(seed: number, plan: Plan, ports: Ports = {}): Promise<Outcome> {
  const life = new Life(seed, plan, ports);
  try {
    return await life.run();
  } finally {
    life.close();
  }
}

class Life {
  readonly #seed: number;
  readonly #plan: Plan;
  readonly #timeline: Timeline;
  readonly #disk: StoreDisk;
  readonly #ledger: Ledger;
  readonly #server: ServerHost;
  readonly #agents: readonly AgentHost[];
  readonly #calls: Calls;
  readonly #people: People;
  readonly #gone = new Set<string>();
  #mending = false;
  #proved = false;

  constructor(seed: number, plan: Plan, ports: Ports) {
    this.#seed = seed;
    this.#plan = plan;
    const { climate } = plan;
    const timeline = new Timeline(`life ${seed}`);
    this.#timeline = timeline;
    this.#disk = new StoreDisk(timeline, () => this.#ledger.committed());
    this.#ledger = new Ledger(this.#disk.database, POLLED, {
      checksCores: !climate.tellsBusy,
      prunes: climate.prunes,
    });
    const shared = { timeline, disk: this.#disk, ledger: this.#ledger };
    const settings = {
      overcommit: climate.overcommit,
      ask: climate.bids ? ('always' as const) : ('auto' as const),
      rebid: climate.bids,
      retention: { days: null, count: climate.prunes ? KEPT : null, every: 7 },
    };
    this.#server = new ServerHost(shared, settings, ports.server ?? {});
    this.#calls = new Calls(timeline, () => this.#server.process);
    this.#people = new People({ timeline, server: this.#server, ledger: this.#ledger, calls: this.#calls });
    this.#agents = AGENTS.map((cluster) => {
      const { clock } = new Process(timeline, cluster, { ahead: 0 }).system;
      const queue = new NativeQueue({
        clock,
        graph: graphOf(cluster, 3),
        tellsBusy: climate.tellsBusy,
        execute: execution(timeline, cluster, climate.jobMs),
        started: ({ jobId, epoch }) => this.#ledger.started(cluster, jobId, epoch),
        ended: ({ jobId, epoch }, end) => this.#ledger.ended(jobId, epoch, end),
      });
      return new AgentHost(cluster, { timeline, server: this.#server, queue }, climate, ports.agent ?? {});
    });
  }

  close(): void {
    this.#disk.close();
  }

  async run(): Promise<Outcome> {
    // 1. Born: everything is registered and runs.
    this.#server.start();
    await this.#until(() => this.#server.running !== null, 'serving');
    for (const cluster of [...AGENTS, POLLED]) {
      void this.#people.register(cluster, 2);
      await this.#until(() => this.#people.secrets.has(cluster), `${cluster} registered`);
    }
    for (const agent of this.#agents) this.#startAgent(agent);
    void this.#people.watchEvents('watcher');
    void this.#people.poll();
    // 2. Troubled.
    const timeline = this.#timeline;
    this.#calls.lossOdds = this.#plan.climate.lossOdds;
    for (const action of this.#plan.actions) {
      const { steps, elapsed } = timeline;
      const isDue = (): boolean => timeline.steps - steps >= action.steps && timeline.elapsed - elapsed >= action.ms;
      await this.#until(isDue, 'the next action');
      if (this.#ledger.violation !== null) return this.#outcome();
      this.#act(action);
    }
    // 3. Mended.
    if (this.#ledger.violation === null) await this.#mend();
    return this.#outcome();
  }

  #outcome(): Outcome {
    const { steps } = this.#timeline;
    const seen: Record<string, number> = {};
    const count = (what: string): void => void (seen[what] = (seen[what] ?? 0) + 1);
    for (const { state, reason, starts, closed, endedBy, array, gone } of this.#ledger.jobs.values()) {
      for (const what of [state, reason, `${starts.length} starts`]) count(what);
      for (const what of closed.values()) count(`back: ${what}`);
      if (endedBy !== null) count('outrun');
      if (array !== null) count('of an array');
      if (gone) count('pruned');
    }
    const { violation } = this.#ledger;
    return { violation, steps, digest: this.#timeline.digest(), last: this.#timeline.last(), seen };
  }

  /** Goes on from moment to moment. */
  async #until(condition: () => boolean, what: string, mostSteps = Infinity, mostMs = MOST_MS_TO_END): Promise<void> {
    const { steps, elapsed } = this.#timeline;
    while (!condition() && this.#ledger.violation === null) {
      const goesOn = await this.#timeline.next();
      const tooLong = this.#timeline.steps - steps > mostSteps || this.#timeline.elapsed - elapsed > mostMs;
      this.#ledger.holds(goesOn && !tooLong, () => `end: never ${what}: ${this.#unfinished()}`);
    }
  }

  // ── trouble ──

  #act({ kind, pick }: Action): void {
    const random = seededRandom(`${this.#seed} ${pick}`);
    const agent = this.#agents[random.below(this.#agents.length)]!;
    const later = (ms: number, act: () => void): void => void this.#timeline.plan(ms, null, act);
    // Short, long enough to be silent, long enough to be lost.
    const away = [200, 5_000, 30_000, 100_000][random.below(4)]!;
    this.#timeline.note(`act: ${kind}`);
    switch (kind) {
      case 'submit':
        for (let burst = random.below(4); burst >= 0; burst--) {
          const name = `${pick}-${burst}`;
          void this.#people.submit({
            name,
            key: random.below(3) === 0 ? null : name,
            nodes: 1 + random.below(2),
            cores: 1 + random.below(4),
            priority: random.below(3),
            clusters: [['K'], ['L'], ['K', 'L'], ['K', 'L'], ['K', 'L', POLLED], [POLLED]][random.below(6)]!,
            onClusterLoss: LOSSES[random.below(LOSSES.length)]!,
            ...whenToRun(random, [...this.#ledger.answered]),
          });
        }
        return;
      case 'cancel':
        return this.#choose(random, (id) => this.#people.cancel(id));
      case 'hold':
        return this.#choose(random, (id) => this.#people.hold(id));
      case 'release':
        return this.#choose(random, (id) => this.#people.release(id));
      case 'crashServer':
        this.#server.crash();
        return later(away / 10, () => this.#server.start());
      case 'crashAgent':
        agent.crash();
        return later(away, () => agent.start());
      case 'breakStream':
        return agent.breakStream();
      case 'cutOff':
        agent.cutOff();
        return later(away, () => (agent.isCut = false));
      case 'breakWatch':
        return this.#people.watch?.break();
      case 'fillStore':
        this.#disk.fullFor = 1 + random.below(5);
        return;
      case 'fillJournal':
        agent.disk.fullFor = 1 + random.below(5);
        return;
      case 'refuse':
        agent.queue.refusal = new RainbowError(
          random.below(2) === 0 ? 'unavailable' : 'failed_precondition',
          'not now',
        );
        return;
      case 'turnClock':
        (random.below(2) === 0 ? this.#server.clock : agent.clock).ahead = (random.below(121) - 60) * 1000;
        this.#ledger.promises.turned = 120_000;
        return;
      case 'replaceGraph':
        return void this.#people.replaceGraph(agent.cluster, 2 + random.below(2));
      case 'deleteCluster':
        return void this.#replaceCluster(agent, away);
    }
  }

  /** One of those that were answered, task or array or by itself. */
  #choose(random: SeededRandom, act: (id: string) => Promise<void>): void {
    const known = [...this.#ledger.answered];
    const id = known[random.below(Math.max(1, known.length))];
    if (id === undefined) return;
    const tasks = this.#ledger.arrays.get(id)?.tasks ?? [];
    const task = tasks[random.below(2 * Math.max(1, tasks.length))];
    void act(task ?? id);
  }

  /** Deleted, and after a while registered anew under the same name. */
  async #replaceCluster(agent: AgentHost, away: number): Promise<void> {
    const { cluster } = agent;
    if (this.#mending || this.#gone.has(cluster)) return;
    this.#gone.add(cluster);
    await this.#people.delete(cluster);
    await this.#people.wait(away / 4);
    await this.#people.register(cluster, 2);
    this.#startAgent(agent);
    this.#gone.delete(cluster);
  }

  #startAgent(agent: AgentHost): void {
    agent.secret = this.#people.secrets.get(agent.cluster)!;
    agent.start();
  }

  // ── the end ──

  async #mend(): Promise<void> {
    this.#mending = true;
    this.#timeline.note('mended');
    this.#calls.lossOdds = 0;
    this.#people.polite = true;
    this.#disk.fullFor = 0;
    this.#server.clock.ahead = 0;
    this.#server.start();
    for (const agent of this.#agents) {
      agent.isCut = false;
      agent.disk.fullFor = 0;
      agent.queue.refusal = null;
      agent.clock.ahead = 0;
      agent.polite = true;
      agent.start();
      // What it left lying is offered anew.
      agent.breakStream();
    }
    void this.#letGo();
    void this.#proveThatItWorks();
    await this.#until(() => this.#unfinished() === '', 'at rest', MOST_STEPS_TO_END);
    this.#ledger.compareAll();
  }

  /** Each cluster runs one more job. */
  async #proveThatItWorks(): Promise<void> {
    for (const { cluster } of this.#agents) {
      while (this.#gone.has(cluster) || this.#server.running === null) await this.#people.wait(1_000);
      const name = `last of ${cluster}`;
      const small = { nodes: 1, cores: 1, priority: 0, onClusterLoss: OnClusterLoss.WAIT };
      await this.#people.submit({ ...small, name, key: name, clusters: [cluster] });
    }
    this.#proved = true;
  }

  /** Nobody will ever report what a polling client took: its owner gives it up. What is held is released. */
  async #letGo(): Promise<never> {
    for (;;) {
      for (const { id, state, reason, held } of this.#ledger.jobs.values()) {
        if (state === 'unknown' && reason === 'not_reported') await this.#people.cancel(id);
        if (state === 'pending' && held) await this.#people.release(id);
      }
      await this.#people.wait(5_000);
    }
  }

  /** What is still to happen; '' where nothing is. */
  #unfinished(): string {
    const { running } = this.#server;
    if (running === null) return 'no server';
    if (!this.#proved) return 'the last jobs are not submitted';
    for (const { id, state, reason, cluster } of this.#ledger.jobs.values()) {
      if (!isFinal(state)) return `job ${id} is ${state} (${reason}) at ${cluster}`;
    }
    for (const agent of this.#agents) {
      const { cluster } = agent;
      if (this.#gone.has(cluster) || !agent.isRunning) return `no agent at ${cluster}`;
      if (agent.disk.keys.length > 0) return `the journal of ${cluster} holds ${agent.disk.keys.join(', ')}`;
      if (agent.queue.jobs.length > 0) return `${agent.queue.jobs.length} jobs in the queue of ${cluster}`;
      for (const { type, free, total } of running.scheduler.registry.counts(cluster)) {
        if (free !== total) return `${free} of ${total} ${type} free at ${cluster}`;
      }
    }
    const seen = this.#ledger.seenBy('watcher');
    return seen === this.#ledger.lastSeq ? '' : `the watcher has seen ${seen} of ${this.#ledger.lastSeq} events`;
  }
}

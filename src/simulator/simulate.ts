/**
 * A day under simulated time, decided by the very core that the server runs: matcher, `decide`, policies, records and
 * corrections of bids. What is simulated is the world: clusters with queues and users of their own, who bid as they are.
 * Each job is, as it comes: 1. matched with every cluster; 2. bid for, by those that can hold it; 3. corrected bids go
 * to the policy; 4. what it takes is debited at once, and the cluster gets it. Clusters report what is free every
 * `REPORT` seconds, as agents do; in between Rainbow knows only its own debits. Starts, and waits past the P90, are held
 * against bids.
 * The same day, policy and seed give the same result.
 */
import type { CorrectedOffer, Offer } from '../core/bid/bid.ts';
import { NO_RECORD, observe, type Calibration } from '../core/bid/calibration.ts';
import { correct } from '../core/bid/correct.ts';
import { MinHeap } from '../core/bid/heap.ts';
import { shapeClass } from '../core/bid/shape-class.ts';
import { costOf } from '../core/bid/tariff.ts';
import { decide, type Candidate } from '../core/decide.ts';
import { createMatcher } from '../core/match/create.ts';
import type { Matcher, Verdict } from '../core/match/matcher.ts';
import type { Request } from '../core/jobspec/jobspec.ts';
import { policyNamed } from '../core/select/policies.ts';
import type { Select } from '../core/select/policy.ts';
import { SimulatedCluster, type QueuedJob } from './cluster.ts';
import { graphOf, requestOf } from './graph.ts';
import { measuresOf, type Ended, type Measures } from './measures.ts';
import { drawing, type Day } from './workload.ts';

export interface Rule {
  readonly policy: string;
  readonly options?: Readonly<Record<string, string>>;
  /** Are bids corrected by the clusters' records? */
  readonly isCorrected?: boolean;
}

const REPORT = 120;
/** Milliseconds; what simulated time counts from. */
const EPOCH = 1_700_000_000_000;

interface Placed {
  readonly bidAt: number;
  readonly offer: Offer | null;
  readonly cluster: Site;
  readonly shape: number;
  readonly submittedAt: number;
  readonly run: number;
  readonly deadline: number;
}

/** A cluster, and what Rainbow knows of it. */
interface Site {
  readonly name: string;
  readonly real: SimulatedCluster;
  readonly costs: readonly Offer['cost'][];
  /** Rainbow's jobs there that wait, by id, in the order in which they came. */
  readonly waiting: Map<number, Placed>;
  readonly running: Set<number>;
  record: Calibration;
  readonly classes: Map<string, Calibration>;
  /** Seconds by which the job that waits the longest there has passed its P90. */
  overdue: number;
  lastChosen: number;
  /** Both until something changes here. */
  state: Readonly<Record<string, number>> | null;
  readonly startable: (Verdict | undefined)[];
}

export function simulate(day: Day, rule: Rule, seed: string): Measures {
  const world = new World(day, rule, seed);
  return measuresOf(world.run());
}

class World {
  private readonly day: Day;
  private readonly select: Select;
  private readonly isCorrected: boolean;
  private readonly seed: string;
  private readonly matcher: Matcher = createMatcher();
  private readonly sites: readonly Site[];
  private readonly requests: readonly Request[];
  private readonly classes: readonly string[];
  private readonly events: MinHeap;
  private readonly placed = new Map<number, Placed>();
  private readonly ended: Ended[] = [];
  private chosen = 0;
  private now = 0;

  constructor(day: Day, { policy, options = {}, isCorrected = true }: Rule, seed: string) {
    this.day = day;
    this.select = policyNamed(policy).compile(options);
    this.isCorrected = isCorrected;
    this.seed = seed;
    this.requests = day.shapes.map(({ nodes, walltime }) => requestOf(nodes, walltime));
    this.classes = day.shapes.map(({ nodes, walltime }) => shapeClass({ nodes, gpus: 0, walltime }));
    this.events = new MinHeap(day.jobs.length + 1);
    this.sites = day.clusters.map((plan): Site => {
      this.matcher.setCluster(plan.name, graphOf(plan.nodes), []);
      const cost = (nodes: number, walltime: number) =>
        costOf(plan.tariff, { nodes, cores: 0, gpus: 0, start: EPOCH, walltime });
      return {
        name: plan.name,
        real: new SimulatedCluster(plan, day.ratios, drawing(`${seed}/${plan.name}`)),
        costs: day.shapes.map(({ nodes, walltime }) => cost(nodes, walltime)),
        waiting: new Map(),
        running: new Set(),
        record: NO_RECORD,
        classes: new Map(),
        overdue: 0,
        lastChosen: -1,
        state: null,
        startable: [],
      };
    });
  }

  run(): readonly Ended[] {
    const { jobs } = this.day;
    let reportAt = 0;
    for (let next = 0; next < jobs.length || this.events.size > 0;) {
      const job = jobs[next];
      const endAt = this.events.size > 0 ? this.events.least : Infinity;
      const at = Math.min(endAt, job?.at ?? Infinity);
      if (reportAt <= at) {
        this.now = reportAt;
        for (const site of this.sites) this.report(site);
        reportAt += REPORT;
      } else if (endAt <= at) {
        this.now = endAt;
        this.end(this.events.pop());
      } else {
        this.now = at;
        this.submit(next);
        next++;
      }
    }
    return this.ended;
  }

  private submit(id: number): void {
    const { shape, run, own, at, deadline } = this.day.jobs[id]!;
    const job: QueuedJob = { id, shape: this.day.shapes[shape]!, run };
    const site = own === null ? this.place(id) : this.sites[own]!;
    if (own === null) {
      this.placed.set(id, { ...this.lastOffer, cluster: site, shape, submittedAt: at, run, deadline });
      site.waiting.set(id, this.placed.get(id)!);
      const witness = this.matcher.place(site.name, this.requests[shape]!, 'free');
      if (witness !== null) this.matcher.debit(site.name, String(id), witness);
      site.lastChosen = ++this.chosen;
      changed(site);
    }
    site.real.submit(job);
    this.start(site);
  }

  /** What the chosen cluster had offered. */
  private lastOffer: { readonly bidAt: number; readonly offer: Offer | null } = { bidAt: 0, offer: null };

  private place(id: number): Site {
    const { shape, at, deadline } = this.day.jobs[id]!;
    const { walltime } = this.day.shapes[shape]!;
    const now = EPOCH + Math.round(this.now * 1000);
    const asked = this.select.weighsOffers === true;
    const offers = new Map<string, Offer>();
    const candidates = this.sites.map((site): Candidate => {
      const satisfiable = this.matcher.satisfiable(site.name, this.requests[shape]!);
      const offer = asked && satisfiable.fits === 'yes' ? this.bid(site, shape, now) : null;
      if (offer !== null) offers.set(site.name, offer);
      return {
        cluster: site.name,
        satisfiable,
        startable: (site.startable[shape] ??= this.matcher.startable(site.name, this.requests[shape]!)),
        state: (site.state ??= this.stateOf(site)),
        offer: offer === null ? null : this.held(site, offer, shape, now),
      };
    });
    const { chosen } = decide({
      candidates,
      parameters: {},
      select: this.select,
      seed: `${this.seed}/${id}`,
      now,
      job: { walltime, priority: 16, submittedAt: now, deadline: EPOCH + Math.round((at + deadline) * 1000) },
      overcommit: 'queue',
    });
    const site = this.sites.find(({ name }) => name === chosen);
    if (site === undefined) throw new Error(`job ${id} was placed nowhere`);
    this.lastOffer = { bidAt: now, offer: offers.get(site.name) ?? null };
    return site;
  }

  private bid(site: Site, shape: number, now: number): Offer | null {
    const { walltime } = this.day.shapes[shape]!;
    const said = site.real.bid(this.day.shapes[shape]!, this.now);
    if (said === null) return null;
    const startP50 = now + Math.round(said.p50 * 1000);
    const startP90 = now + Math.round(said.p90 * 1000);
    return { startP50, startP90, end: startP50 + walltime * 1000, cost: site.costs[shape]! };
  }

  private held(site: Site, offer: Offer, shape: number, now: number): CorrectedOffer {
    if (!this.isCorrected) return { ...offer, correction: '' };
    const own = site.classes.get(this.classes[shape]!) ?? NO_RECORD;
    return correct(offer, now, { all: site.record, own, overdue: site.overdue });
  }

  private start(site: Site): void {
    site.real.start(this.now, ({ id, run }) => {
      this.events.push(this.now + run, id);
      const placed = this.placed.get(id);
      if (placed === undefined) return;
      site.waiting.delete(id);
      site.running.add(id);
      changed(site);
      const startedAt = EPOCH + Math.round(this.now * 1000);
      if (placed.offer !== null) {
        const outcome = { ...placed.offer, bidAt: placed.bidAt, startedAt };
        const name = this.classes[placed.shape]!;
        site.record = observe(site.record, outcome);
        site.classes.set(name, observe(site.classes.get(name) ?? NO_RECORD, outcome));
      }
      const { nodes } = this.day.shapes[placed.shape]!;
      this.ended.push({
        wait: this.now - placed.submittedAt,
        run,
        cost: (nodes * run * site.real.plan.tariff.perHour.node) / 3600,
        inTime: this.now + run <= placed.submittedAt + placed.deadline,
      });
    });
  }

  private end(id: number): void {
    const own = this.day.jobs[id]!.own;
    const site = own === null ? this.placed.get(id)!.cluster : this.sites[own]!;
    site.real.end(id);
    if (own === null) {
      this.matcher.credit(site.name, String(id));
      site.running.delete(id);
      this.placed.delete(id);
      changed(site);
    }
    this.start(site);
  }

  /** As an agent does: what is taken, and which of Rainbow's jobs that includes. */
  private report(site: Site): void {
    const busy = Array.from({ length: site.real.plan.nodes - site.real.free }, (_, i) => i + 1);
    this.matcher.report(site.name, busy, [...site.running].map(String));
    changed(site);
    const now = EPOCH + Math.round(this.now * 1000);
    site.overdue = 0;
    for (const { offer } of site.waiting.values()) {
      if (offer !== null) site.overdue = Math.max(site.overdue, (now - offer.startP90) / 1000);
    }
  }

  private stateOf(site: Site): Readonly<Record<string, number>> {
    const state: Record<string, number> = { rainbow_queued: site.waiting.size + site.running.size };
    if (site.lastChosen >= 0) state['rainbow_last_chosen'] = site.lastChosen;
    for (const { type, free } of this.matcher.counts(site.name)) state[`rainbow_free_${type}`] = free;
    return state;
  }
}

function changed(site: Site): void {
  site.state = null;
  site.startable.length = 0;
}

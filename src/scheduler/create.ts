/** Puts the scheduler together. Its parts know each other only through the functions that they are handed here. */
import { proxyOffer } from '../core/bid/proxy.ts';
import { wanted } from '../core/bid/wanted.ts';
import type { Matcher, Witness } from '../core/match/matcher.ts';
import type { Jobspec } from '../core/jobspec/jobspec.ts';
import { placePreferred } from '../core/match/place-preferred.ts';
import type { JobRecord, Store } from '../store/store.ts';
import type { System } from '../system/system.ts';
import { createChores, type Chores } from './chores.ts';
import { createBook } from './bidding/book.ts';
import { createBidCounter } from './bidding/counts.ts';
import { createFollow } from './bidding/follow.ts';
import { createGather } from './bidding/gather.ts';
import { createLoad } from './bidding/load.ts';
import { createRebid } from './bidding/rebid.ts';
import { createOverdue } from './bidding/overdue.ts';
import { createBidRecords } from './bidding/record.ts';
import { createWeigh } from './bidding/weigh.ts';
import { createCycle, type Cycle } from './cycle.ts';
import { createDebits, firstToDebit, type Debits } from './debits.ts';
import { createJobspecs } from './jobspecs.ts';
import { createFollowing } from './following/following.ts';
import type { Log } from './log.ts';
import { createLeft } from './left.ts';
import { createMoves } from './moves.ts';
import { createNotices } from './notices.ts';
import { createPlacing } from './placing.ts';
import { createRosters } from './rosters.ts';
import { createReading, type ReadingOptions } from './reading/reader.ts';
import { createRegistry } from './registry.ts';
import type { Scheduler } from './scheduler.ts';
import { defaultSettings, type SchedulerSettings } from './settings.ts';
import { createStates } from './states.ts';
import { createSubmit } from './submit.ts';
import { createSweeper } from './sweeper.ts';

export interface SchedulerOptions {
  readonly store: Store;
  /** Empty: it is the scheduler's from here on. */
  readonly matcher: Matcher;
  readonly system: System;
  /** What is left out is `defaultSettings`. */
  readonly settings?: Partial<SchedulerSettings>;
  readonly log: Log;
  readonly reading?: ReadingOptions;
  /** What other servers on the same store see of this one. */
  readonly server?: { readonly name: string; readonly version: string };
  /** Several servers go by the clock of their database: asks for its time, which `system` then has. */
  readonly askTime?: (there: () => Promise<number>) => Promise<void>;
}

/** A bid of our own is made of what is known now, and made anew each time. */
const PROXY_VALID_MS = 30_000;

/** Clusters that are read at once at start: calls of one turn travel together. */
const CLUSTERS_TOGETHER = 64;

export function createScheduler(options: SchedulerOptions): Scheduler {
  const { store, matcher, system, log } = options;
  const { clock } = system;
  const settings: SchedulerSettings = { ...defaultSettings, ...options.settings };
  const jobspecs = createJobspecs();
  const notices = createNotices();
  /** Seconds that a job has at a cluster; `walltime` counts where it asks for none and the cluster gives it no other. */
  const timeAt = (cluster: string, jobspec: Jobspec | null, walltime = settings.defaultWalltime): number =>
    jobspec === null ? walltime : registry.timeAt(cluster, jobspec, walltime);

  const following = createFollowing({
    store,
    system,
    log,
    server: options.server ?? { name: '', version: '' },
    askTime: options.askTime ?? (async (there) => void (await there())),
    registry: () => registry,
    debits: () => debits,
    book: () => book,
    moves: () => moves,
    notices,
    wakeCycle: () => cycle.wake(),
    groupsChanged: () => cycle.freed(),
    followed(job) {
      follow.changed(job);
      rebid.waits(job);
    },
    heardOutcome(outcome) {
      if (!registry.isStill(outcome.cluster)) return;
      records.add(outcome);
      if (!outcome.neverStarted) book.kept(outcome.cluster.name);
    },
    heardBreach({ cluster, shape, message }) {
      if (registry.isStill(cluster)) book.breach(cluster.name, shape, message);
    },
    async relearn() {
      for (const cluster of registry.list()) await records.load(cluster);
    },
  });
  const { standing } = following;
  const reading = createReading(system, options.reading);
  const registry = createRegistry({
    store,
    matcher,
    reading,
    slicing: system,
    log,
    shared: standing.shared,
    isElsewhere: (cluster) => standing.elsewhere(cluster) !== null,
    now: () => clock.now(),
    claim: (cluster, instance, stream) => standing.claim(cluster, instance, stream.id ?? '', stream.bids),
    told: (name) => rosters.changed(name),
    compiled(name) {
      debits.recompiled(name);
      notices.notify(name, { kind: 'changed' });
    },
    stateChanged(name) {
      states.changed(name);
      cycle.freed();
    },
    deleted(name) {
      debits.dropCluster(name);
      book.dropCluster(name);
      records.dropCluster(name);
      overdue.dropCluster(name);
      notices.notify(name, { kind: 'changed' });
      cycle.freed();
    },
  });
  const load = createLoad({
    jobspecs,
    timeAt,
    totals: (name) => registry.get(name)?.counts ?? [],
    debits: createDebits({
      matcher,
      jobspecs,
      isCompiled: (name) => registry.isCompiled(name),
      changed: (name) => states.changed(name),
      freed: () => cycle.freed(),
    }),
  });
  const debits: Debits = load.debits;
  const states = createStates({
    matcher,
    outstanding: (name) => debits.outstanding(name),
    reported: (name) => registry.get(name)?.state ?? null,
    isCompiled: (name) => registry.isCompiled(name),
    changed: (name) => rosters.changed(name),
  });
  const rosters = createRosters({ matcher, registry, states });
  const overdue = createOverdue();
  const counter = createBidCounter({ bids: store.bids, system, log });
  const records = createBidRecords(store.bids, (name, now) => overdue.by(name, now));
  const book = createBook({
    system,
    mark: () => load.mark(),
    hasChanged: (name, mark) => load.hasChanged(name, mark),
    proxy(name, question) {
      // Who has an agent is asked through it, or not at all.
      if ((registry.get(name)?.instance ?? null) !== null && !registry.isConnected(name)) return { kind: 'silent' };
      const { jobspec } = jobspecs.read({ jobspec: question.jobspec, image: null });
      const request = jobspec?.request ?? { groups: [], constraint: null };
      const now = clock.now();
      const offer = proxyOffer({
        now,
        walltime: timeAt(name, jobspec, question.walltime),
        nodes: wanted(request).get('node') ?? 1,
        startable: registry.isCompiled(name) && matcher.startable(name, request).fits === 'yes',
        state: states.of(name),
        before: [load.backlog(name, now)],
      });
      return { kind: 'yes', id: 'proxy', offer, expiresAt: now + PROXY_VALID_MS, byProxy: true };
    },
    count: (cluster, kind) => counter.count(cluster, kind),
    reuseMs: settings.bidReuse * 1000,
  });
  const weigh = createWeigh({
    load,
    records,
    facts(name) {
      const cluster = registry.get(name);
      return cluster === null ? null : { hasState: cluster.state !== null, graphVersion: cluster.graphVersion };
    },
  });
  const follow = createFollow({
    bids: store.bids,
    jobs: store.jobs,
    clock,
    log,
    clusterNamed: (name) => registry.get(name),
    overdue,
    observed(outcome) {
      records.add(outcome);
      following.learned.outcome(outcome);
    },
    refused(cluster, led, job) {
      counter.count(cluster, 'refused');
      const message = `it bid for job ${job.id} and then refused it`;
      book.breach(cluster.name, led.shape, message);
      following.learned.breach({ cluster, shape: led.shape, message });
    },
    tookIt: (name) => book.kept(name),
  });
  const moves = createMoves({
    store,
    clock,
    debits,
    notices,
    wakeCycle: () => cycle.wake(),
    wakeChores: () => chores.wake(),
    hasAlternative: (job, but) => hasAlternative(job, but, true),
    followed(job) {
      follow.changed(job);
      rebid.waits(job);
    },
  });
  const hasAlternative = (job: JobRecord, but: readonly string[], mayBeSilent: boolean): boolean => {
    const { jobspec } = jobspecs.read(job);
    if (jobspec === null) return false;
    const others = job.candidates.filter(
      (cluster) =>
        !but.includes(cluster.name) &&
        registry.isStill(cluster) &&
        (mayBeSilent || !registry.isSilentFor(cluster.name, settings.silentAfter)),
    );
    const names = others.map(({ name }) => name);
    return placing.match(jobspec, names, job.owner, job.jobspec).some(({ satisfiable }) => satisfiable.fits === 'yes');
  };
  const placing = createPlacing({ matcher, registry, rosters, debits, states, system, settings, weigh, log });
  const gather = createGather({
    book,
    clock,
    settings,
    weighsOffers: (policy, options) => placing.weighsOffers(policy, options),
    fitting: (jobspec, clusters, owner, text) => placing.fitting(jobspec, clusters, owner, text),
  });
  const submit = createSubmit({
    store,
    clock,
    placing,
    gather,
    follow: {
      ...follow,
      assigned(job, decision) {
        follow.assigned(job, decision);
        rebid.waits(job);
      },
    },
    debits,
    notices,
    registry,
    inOrder: store.inOrder,
    defaultWalltime: settings.defaultWalltime,
    wakeCycle: () => cycle.wake(),
    wakeChores: () => chores.wake(),
  });

  const cycle: Cycle = createCycle({
    jobs: { ...store.jobs, pending: following.pending },
    groups: store.groups,
    system,
    settings,
    placing,
    gather,
    follow,
    jobspecs,
    debits,
    registry,
    moves,
    async remind() {
      for (const [name, { assigned }] of await store.jobs.countsByCluster()) {
        if (assigned !== undefined && assigned > 0) notices.notify(name, { kind: 'assigned' });
      }
    },
    log,
  });
  const chores: Chores = createChores({
    store,
    system,
    settings,
    moves,
    isFirst: () => standing.isFirst(),
    wakeCycle: () => cycle.wake(),
    log,
  });
  const left = createLeft({
    jobs: store.jobs,
    clock,
    settings,
    moves,
    hasAlternative: (job) => hasAlternative(job, job.cluster === null ? [] : [job.cluster], false),
  });
  const rebid = createRebid({
    jobs: store.jobs,
    system,
    settings,
    gather,
    placing,
    jobspecs,
    moves,
    notices,
    isStill: (cluster) => registry.isStill(cluster),
    isElsewhere: (cluster) => standing.elsewhere(cluster) !== null,
    log,
  });
  const sweeper = createSweeper({
    jobs: store.jobs,
    system,
    settings,
    registry,
    moves,
    outstanding: (name) => debits.outstanding(name),
    timeAt: (name, job) => timeAt(name, jobspecs.read(job).jobspec, job.walltime),
    sweepLeft: () => left.sweep(),
    hasAlternative: (job) => hasAlternative(job, job.cluster === null ? [] : [job.cluster], false),
    isFirst: () => standing.isFirst(),
    look: (cluster) => standing.look(cluster),
    isFresh: () => standing.isFresh(),
    log,
  });

  return {
    registry,
    async start() {
      if (standing.shared) await following.begin();
      await registry.load();
      const clusters = registry.list();
      for (let from = 0; from < clusters.length; from += CLUSTERS_TOGETHER) {
        const some = clusters.slice(from, from + CLUSTERS_TOGETHER);
        const [jobs] = await Promise.all([
          Promise.all(some.map((cluster) => store.jobs.debited(cluster))),
          Promise.all(some.map((cluster) => records.load(cluster))),
        ]);
        for (const [place, { name }] of some.entries()) {
          const there = (jobs[place] ?? []).toSorted(firstToDebit);
          for (const job of there) rebid.waits(job);
          debits.load(name, there, standing.shared ? Infinity : undefined);
        }
      }
      if (standing.shared) await following.start();
      counter.start();
      rebid.start();
      cycle.start();
      sweeper.start();
      chores.start();
    },
    async stop() {
      if (standing.shared) await following.stop();
      book.close();
      await Promise.all([cycle.stop(), sweeper.stop(), chores.stop(), rebid.stop(), reading.stop()]);
      await follow.idle();
      await counter.stop();
    },
    match: (jobspec, clusters, owner, text) => placing.match(jobspec, clusters, owner, text),
    openings: (jobspec, candidates) => placing.openings(jobspec, candidates),
    place(jobspec, cluster) {
      if (!registry.isCompiled(cluster)) return null;
      const on = (what: 'free' | 'all'): Witness | null => placePreferred(matcher, cluster, jobspec.request, what);
      return on('free') ?? on('all');
    },
    submit,
    cancel: (id, reason) => moves.cancel(id, reason),
    async cancelArray(id, reason) {
      const array = await store.arrays.requestCancel(id, reason, clock.now());
      chores.wake();
      return array;
    },
    async release(id) {
      const now = clock.now();
      const job = await store.jobs.release(id, now);
      const array = job === null ? await store.arrays.release(id, now) : null;
      chores.wake();
      cycle.wake();
      return job ?? array;
    },
    groupsChanged: () => cycle.freed(),
    transition: (change) => moves.transition(change),
    outrun: (end) => moves.outrun(end),
    adopt: (adoption) => moves.adopt(adoption),
    receive: (cluster, limit, leaseMs, stream) => moves.receive(cluster, limit, leaseMs, stream),
    receiveThese: (cluster, jobs, stream) => moves.receiveThese(cluster, jobs, stream),
    servers: following.servers,
    leave: (jobs) => left.leave(jobs),
    onWork: (listener) => notices.listen(listener),
    bidding: {
      open: (line) => book.open(line),
      async record(cluster) {
        return { counts: await counter.read(cluster), summaries: records.summaries(cluster.name, clock.now()) };
      },
    },
    reportFree(cluster, { busyVertices, includes }) {
      debits.report(cluster, busyVertices, includes);
      const record = registry.get(cluster);
      if (record !== null) following.free.said(record, { busyVertices, includes });
    },
  };
}

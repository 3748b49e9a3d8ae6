/**
 * Several servers on one store, put together: what the others commit comes in by its events (feed, apply); what changes
 * often and has none, by looking (standing, free); what goes to an agent whose stream another holds, by letter. With a
 * store of one server all of it is idle.
 */
import type { BidOutcome, JobRecord, JobStore, Store } from '../../store/store.ts';
import type { System } from '../../system/system.ts';
import type { Book } from '../bidding/book.ts';
import type { Debits } from '../debits.ts';
import type { Log } from '../log.ts';
import type { Moves } from '../moves.ts';
import type { Notices } from '../notices.ts';
import type { InnerRegistry } from '../registry.ts';
import type { Servers } from '../scheduler.ts';
import { createApply } from './apply.ts';
import { createBidLetters } from './bid-letters.ts';
import { createFeed } from './feed.ts';
import { createFreeReports, type FreeReports } from './free.ts';
import { createLearned, type Breach, type Learned } from './learned.ts';
import { createLetters } from './letters.ts';
import { createStanding, type Standing } from './standing.ts';

/** Milliseconds for which pending jobs that were read to be decided are nobody else's. */
const CLAIMED_FOR = 5_000;

export interface Following {
  readonly standing: Standing;
  readonly free: FreeReports;
  readonly servers: Servers;
  /** What is learned of bids here. */
  readonly learned: Learned;
  /** Jobs to decide: where there are others, those that none of them is deciding on. */
  readonly pending: JobStore['pending'];
  /** Before anything is read. */
  begin(): Promise<void>;
  /** When everything was read. */
  start(): Promise<void>;
  stop(): Promise<void>;
}

export function createFollowing(deps: {
  readonly store: Store;
  readonly system: System;
  readonly log: Log;
  readonly server: { readonly name: string; readonly version: string };
  /** Asks for the database's time, which is to be that of `system`. */
  readonly askTime: (there: () => Promise<number>) => Promise<void>;
  /** What is made after this, and with it. */
  readonly registry: () => InnerRegistry;
  readonly debits: () => Debits;
  readonly book: () => Book;
  readonly moves: () => Moves;
  readonly notices: Notices;
  readonly wakeCycle: () => void;
  readonly groupsChanged: () => void;
  readonly followed: (job: JobRecord) => void;
  /** Another server has learned it. */
  readonly heardOutcome: (outcome: BidOutcome) => void;
  readonly heardBreach: (breach: Breach) => void;
  /** Reads what was learned of bids again: what others told is lost. */
  readonly relearn: () => Promise<void>;
}): Following {
  const { store, system, log, notices } = deps;
  const apply = createApply({
    store,
    follow: (name) => deps.registry().follow(name),
    clusters: () =>
      deps
        .registry()
        .list()
        .map(({ name }) => name),
    debits: deps.debits,
    notices,
    log,
    wakeCycle: deps.wakeCycle,
    groupsChanged: deps.groupsChanged,
    followed: deps.followed,
    stopOthers: (job) => deps.moves().stopOthers(job),
  });
  const relearn = (): Promise<void> =>
    deps
      .relearn()
      .catch((error: unknown) => log.warn({ error: String(error) }, 'what was learned of bids was not read'));
  const resync = async (): Promise<void> => {
    await apply.everything();
    await relearn();
  };
  const feed = createFeed({ store, log, apply, resync });
  const standing = createStanding({
    store,
    system,
    log,
    server: deps.server,
    askTime: deps.askTime,
    async looked(looked) {
      const { clusters } = looked;
      deps.registry().stands(clusters.map((cluster) => ({ cluster, lastSeenAt: cluster.lastSeenAt })));
      bids?.looked(looked);
      await free.looked(clusters);
    },
    lost: ({ name }) => notices.notify(name, { kind: 'changed' }),
    forgotten: () => void relearn(),
    beaten() {
      letters.look();
      feed.wake();
      apply.again();
    },
  });
  const letters = createLetters({ store, now: () => system.clock.now(), self: () => standing.id, log });
  const free = createFreeReports({
    store,
    system,
    standing,
    get: (name) => deps.registry().get(name),
    apply: (name, { busyVertices, includes }) => deps.debits().report(name, busyVertices, includes),
    catchUp: () => feed.catchUp(),
    log,
  });
  const learned = createLearned({
    letters,
    system,
    others: () => standing.others(),
    heardOutcome: deps.heardOutcome,
    heardBreach: deps.heardBreach,
  });
  let bids: ReturnType<typeof createBidLetters> | null = null;

  return {
    standing,
    free,
    learned,
    servers: {
      shared: standing.shared,
      id: standing.id,
      catchUp: async () => {
        if (!standing.shared) return;
        await feed.catchUp();
        await apply.idle();
      },
      holds: (cluster, stream) => standing.holds(cluster, stream),
      release: (cluster, stream) => standing.release(cluster, stream),
      letters,
      holderOf(name) {
        const cluster = deps.registry().get(name);
        return cluster === null ? null : (standing.elsewhere(cluster)?.server ?? null);
      },
    },
    pending(limit, after = null, known = []) {
      if (standing.isAlone()) return store.jobs.pending(limit, after, known);
      const claim = { server: standing.id, within: CLAIMED_FOR };
      return store.servers.claimPending(claim, limit, after, known, Math.trunc(system.clock.now()));
    },
    async begin() {
      if (standing.shared) await feed.begin();
    },
    async start() {
      if (!standing.shared) return;
      bids = createBidLetters({ book: deps.book(), letters, standing });
      await standing.start();
      feed.wake();
    },
    async stop() {
      await feed.stop();
      await apply.idle();
      learned.stop();
      await letters.stop();
      await free.stop();
      await standing.stop();
      bids?.close();
    },
  };
}

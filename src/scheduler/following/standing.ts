/**
 * This server among the others: it says that it is alive, learns who else is, which server holds which agent's stream,
 * when clusters were last heard and what is free there. Liveness and silence go by the database's clock.
 * Looks cost what has changed: a whisper names the clusters that are to be read; in case one was lost, every beat reads
 * a page of all clusters besides, so that all are read again and again. With up to a page of them that is at every beat.
 * Invariant: a stream that is held here is another's as soon as the store says so, whatever this server believes: one
 * that was stopped for a minute finds out at its next look, and before it that what it would receive is refused.
 */
import type { ClusterStanding, StreamClaim } from '../../store/server-store.ts';
import type { AgentInstance, ClusterRef, Store } from '../../store/store.ts';
import type { System, Timer } from '../../system/system.ts';
import type { Log } from '../log.ts';

/** Milliseconds between two signs of life, and between two looks. */
export const BEAT_EVERY = 2_000;
/** Without a sign for so long a server counts as gone. */
const ALIVE_FOR = 10_000;
const FORGOTTEN_AFTER = 600_000;
/** Looks that whispers ask for are no closer to each other. */
const LOOK_GAP = 100;
/** What was seen so long ago is not acted on. */
const FRESH_FOR = 2_000;
/** Clusters read with every beat. */
const PAGE = 1_000;

/** What a look has shown. */
export interface Looked {
  readonly clusters: readonly ClusterStanding[];
  /** Deleted since. */
  readonly gone: readonly ClusterRef[];
}

export interface Standing {
  /** Of this server, new with every start. */
  readonly id: string;
  readonly shared: boolean;
  /** Is no other server alive? */
  isAlone(): boolean;
  /** Ids of the others that are alive. */
  others(): readonly string[];
  /** One of those alive, the same for all of them, as far as they know: what needs doing by one only it does. */
  isFirst(): boolean;
  /** The stream of a cluster's agent at another server that is alive. */
  elsewhere(cluster: ClusterRef): StreamClaim | null;
  /** False where a newer instance of that agent is recorded. From here on the stream is this server's. */
  claim(cluster: ClusterRef, instance: AgentInstance, stream: string, bids: boolean): Promise<boolean>;
  /** That stream ended. */
  release(cluster: ClusterRef, stream: string): Promise<void>;
  /** Is it, as far as is known? Always, where nobody shares the store. */
  holds(cluster: ClusterRef, stream: string | null): boolean;
  /** Its stream here; null: none. */
  streamOf(cluster: ClusterRef): string | null;
  /** Reads how this cluster stands. */
  look(cluster: ClusterRef): Promise<void>;
  /** Has anything been read just now? */
  isFresh(): boolean;
  start(): Promise<void>;
  stop(): Promise<void>;
}

export interface StandingDependencies {
  readonly store: Pick<Store, 'servers' | 'clusters'>;
  readonly system: System;
  readonly log: Log;
  readonly server: { readonly name: string; readonly version: string };
  /** After each look. */
  readonly looked: (looked: Looked) => Promise<void>;
  /** Time is to be that of the database: asks for it. */
  readonly askTime: (there: () => Promise<number>) => Promise<void>;
  /** A stream that was this server's is not any more. */
  readonly lost: (cluster: ClusterRef) => void;
  /** It said nothing for so long that what was written to it is deleted. */
  readonly forgotten: () => void;
  /** Now and then: whatever else is to be looked for. */
  readonly beaten: () => void;
}

interface Held {
  readonly cluster: ClusterRef;
  readonly stream: string;
  /** The look under way when it was claimed may not show it. */
  readonly since: number;
  lost: boolean;
}

export function createStanding(deps: StandingDependencies): Standing {
  const { system, log } = deps;
  const { servers } = deps.store;
  const { clock, timers, entropy } = system;
  const id = servers.shared ? Buffer.from(entropy.bytes(12)).toString('base64url') : '';
  const server = { id, ...deps.server };
  const held = new Map<number, Held>();
  /** Of every cluster that was looked at. */
  const known = new Map<number, ClusterStanding>();
  let alive: readonly string[] = [id];
  let living: ReadonlySet<string> = new Set(alive);
  /** Clusters to be read; null: all. */
  let changed: Set<number> | null = null;
  /** The last one of the page that was read. */
  let page = 0;
  let looks = 0;
  let lookedAt = -Infinity;
  let beatAt = clock.monotonic();
  let looking = Promise.resolve();
  let gap: Timer | null = null;
  let timer: Timer | null = null;
  let beating: Promise<void> | null = null;
  let unlisten = (): void => undefined;

  /** `wanted`: which of those that are known should have been among them. */
  const take = async (
    number: number,
    clusters: readonly ClusterStanding[],
    wanted: (cluster: number) => boolean,
  ): Promise<void> => {
    const found = new Set(clusters.map((cluster) => cluster.id));
    const gone = [...known.values()].filter((cluster) => wanted(cluster.id) && !found.has(cluster.id));
    for (const cluster of gone) known.delete(cluster.id);
    // One that was claimed here since this look began is known better.
    for (const cluster of clusters) if ((held.get(cluster.id)?.since ?? 0) <= number) known.set(cluster.id, cluster);
    for (const one of held.values()) {
      if (one.lost || one.since > number || !wanted(one.cluster.id)) continue;
      if (known.get(one.cluster.id)?.stream?.stream === one.stream) continue;
      one.lost = true;
      deps.lost(one.cluster);
    }
    await deps.looked({ clusters, gone });
  };

  const lookAt = async (ids: ReadonlySet<number> | null): Promise<void> => {
    const number = ++looks;
    if (ids === null) await take(number, await servers.standings(), () => true);
    else if (ids.size > 0) await take(number, await servers.standingsOf([...ids]), (cluster) => ids.has(cluster));
    lookedAt = clock.monotonic();
  };

  const lookAtPage = async (): Promise<void> => {
    const number = ++looks;
    const after = page;
    const clusters = await servers.standings(after, PAGE);
    const last = clusters.length < PAGE ? Infinity : (clusters.at(-1)?.id ?? Infinity);
    page = last === Infinity ? 0 : last;
    await take(number, clusters, (cluster) => after < cluster && cluster <= last);
    lookedAt = clock.monotonic();
  };

  /** One at a time, so that what was read last is also what was read latest. */
  const inTurn = (act: () => Promise<void>): Promise<void> => {
    looking = looking.catch(() => undefined).then(act);
    return looking;
  };

  const lookAtChanged = (): Promise<void> =>
    inTurn(async () => {
      const ids = changed;
      changed = new Set();
      try {
        await lookAt(ids);
      } catch (error) {
        changed = ids === null ? null : new Set([...ids, ...(changed ?? [])]);
        throw error;
      }
    });

  const beat = async (): Promise<void> => {
    await deps.askTime(async () => {
      const said = await servers.beat(server, { alive: ALIVE_FOR, forgotten: FORGOTTEN_AFTER }, clock.now());
      ({ alive } = said);
      return said.now;
    });
    if (clock.monotonic() - beatAt > FORGOTTEN_AFTER) deps.forgotten();
    beatAt = clock.monotonic();
    const before = living;
    living = new Set(alive);
    // Their streams are nobody's now, or somebody's.
    const others = [...known.values()].filter(
      ({ stream }) => stream !== null && before.has(stream.server) !== living.has(stream.server),
    );
    if (others.length > 0) await deps.looked({ clusters: others, gone: [] });
    await lookAtChanged();
    await inTurn(lookAtPage);
  };

  /** Cut off from the database, and dead to the others: agents do better with one of those. */
  const letGo = (): void => {
    for (const one of held.values()) {
      if (one.lost) continue;
      one.lost = true;
      deps.lost(one.cluster);
    }
  };

  const tick = (): void => {
    deps.beaten();
    beating ??= beat()
      .catch((error: unknown) => {
        log.warn({ error: messageOf(error) }, 'the other servers could not be looked at now');
        if (clock.monotonic() - beatAt > ALIVE_FOR && alive.length > 1) letGo();
      })
      .finally(() => (beating = null));
  };

  const lookSoon = (clusters: readonly number[] | null): void => {
    if (clusters === null) changed = null;
    else for (const cluster of clusters) changed?.add(cluster);
    gap ??= timers.after(LOOK_GAP, () => {
      gap = null;
      lookAtChanged().catch((error: unknown) =>
        log.warn({ error: messageOf(error) }, 'how clusters stand was not read'),
      );
    });
  };

  return {
    id,
    shared: servers.shared,
    isAlone: () => alive.every((one) => one === id),
    others: () => alive.filter((one) => one !== id),
    isFirst: () => !servers.shared || alive[0] === id,
    elsewhere({ id: cluster }) {
      const stream = known.get(cluster)?.stream ?? null;
      return stream !== null && stream.server !== id && living.has(stream.server) ? stream : null;
    },
    async claim(cluster, instance, stream, bids) {
      if (!servers.shared) return deps.store.clusters.claimInstance(cluster, instance, clock.now());
      const claim = { server: id, stream, bids };
      const now = Math.trunc(clock.now());
      if (!(await servers.claimStream(cluster, instance, claim, now))) return false;
      held.set(cluster.id, { cluster, stream, since: looks + 1, lost: false });
      known.set(cluster.id, { ...cluster, lastSeenAt: now, free: null, ...known.get(cluster.id), stream: claim });
      return true;
    },
    async release(cluster, stream) {
      if (held.get(cluster.id)?.stream === stream) held.delete(cluster.id);
      const before = known.get(cluster.id);
      if (before?.stream?.stream === stream) known.set(cluster.id, { ...before, stream: null });
      if (!servers.shared) return;
      await servers
        .releaseStream(cluster, stream)
        .catch((error: unknown) => log.warn({ error: messageOf(error) }, 'the end of a stream was not written down'));
    },
    holds(cluster, stream) {
      if (stream === null) return true;
      const mine = held.get(cluster.id);
      return mine?.stream === stream && !mine.lost;
    },
    streamOf: ({ id: cluster }) => held.get(cluster)?.stream ?? null,
    look: ({ id: cluster }) => (servers.shared ? inTurn(() => lookAt(new Set([cluster]))) : Promise.resolve()),
    isFresh: () => !servers.shared || clock.monotonic() - lookedAt <= FRESH_FOR,
    async start() {
      if (!servers.shared) return;
      await beat();
      unlisten = servers.listen((whisper) => {
        if (whisper.kind === 'standings') lookSoon(whisper.clusters);
        else deps.beaten();
      });
      timer ??= timers.every(BEAT_EVERY, tick);
    },
    async stop() {
      timer?.cancel();
      timer = null;
      gap?.cancel();
      unlisten();
      await beating;
      await looking.catch(() => undefined);
      if (servers.shared) await servers.end(id).catch(() => undefined);
    },
  };
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/**
 * This server among the others: it says that it is alive, learns who else is, which server holds which agent's stream,
 * when clusters were last heard and what is free there. Liveness and silence go by the database's clock.
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

export interface Standing {
  /** Of this server, new with every start. */
  readonly id: string;
  readonly shared: boolean;
  /** By the database's clock, as far as it is known. */
  now(): number;
  /** Is no other server alive? */
  isAlone(): boolean;
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
  /** Reads how all clusters stand. */
  look(): Promise<void>;
  /** Was that just now? */
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
  readonly looked: (clusters: readonly ClusterStanding[]) => Promise<void>;
  /** A stream that was this server's is not any more. */
  readonly lost: (cluster: ClusterRef) => void;
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
  let others = new Map<number, StreamClaim>();
  let alive: readonly string[] = [id];
  let ahead = 0;
  let looks = 0;
  let lookedAt = -Infinity;
  let looking: Promise<void> | null = null;
  let gap: Timer | null = null;
  let timer: Timer | null = null;
  let beating: Promise<void> | null = null;
  let unlisten = (): void => undefined;

  const look = async (): Promise<void> => {
    const number = ++looks;
    const clusters = await servers.standings();
    const living = new Set(alive);
    others = new Map(
      clusters.flatMap(({ id: cluster, stream }) =>
        stream !== null && stream.server !== id && living.has(stream.server) ? [[cluster, stream] as const] : [],
      ),
    );
    const now = new Map(clusters.map((cluster) => [cluster.id, cluster.stream?.stream ?? null]));
    for (const one of held.values()) {
      if (one.lost || one.since >= number || now.get(one.cluster.id) === one.stream) continue;
      one.lost = true;
      deps.lost(one.cluster);
    }
    await deps.looked(clusters);
    lookedAt = clock.monotonic();
  };

  /** One at a time; asked for meanwhile, there is another. */
  const lookNow = async (): Promise<void> => {
    await looking?.catch(() => undefined);
    looking ??= look().finally(() => (looking = null));
    await looking;
  };

  const beat = async (): Promise<void> => {
    const before = clock.now();
    const said = await servers.beat(server, { alive: ALIVE_FOR, forgotten: FORGOTTEN_AFTER }, before);
    ahead = Math.round(said.now - (before + clock.now()) / 2);
    ({ alive } = said);
    await lookNow();
  };

  const tick = (): void => {
    deps.beaten();
    beating ??= beat()
      .catch((error: unknown) => log.warn({ error: messageOf(error) }, 'the other servers could not be looked at now'))
      .finally(() => (beating = null));
  };

  const lookSoon = (): void => {
    gap ??= timers.after(LOOK_GAP, () => {
      gap = null;
      lookNow().catch((error: unknown) => log.warn({ error: messageOf(error) }, 'how clusters stand was not read'));
    });
  };

  return {
    id,
    shared: servers.shared,
    now: () => clock.now() + ahead,
    isAlone: () => alive.every((one) => one === id),
    elsewhere: ({ id: cluster }) => others.get(cluster) ?? null,
    async claim(cluster, instance, stream, bids) {
      if (!servers.shared) return deps.store.clusters.claimInstance(cluster, instance, clock.now());
      const won = await servers.claimStream(
        cluster,
        instance,
        { server: id, stream, bids },
        Math.trunc(clock.now() + ahead),
      );
      if (!won) return false;
      held.set(cluster.id, { cluster, stream, since: looks + 1, lost: false });
      others.delete(cluster.id);
      return true;
    },
    async release(cluster, stream) {
      if (held.get(cluster.id)?.stream === stream) held.delete(cluster.id);
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
    look: () => (servers.shared ? lookNow() : Promise.resolve()),
    isFresh: () => !servers.shared || clock.monotonic() - lookedAt <= FRESH_FOR,
    async start() {
      if (!servers.shared) return;
      await beat();
      unlisten = servers.listen((whisper) => {
        if (whisper === 'standings') lookSoon();
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
      await looking?.catch(() => undefined);
      if (servers.shared) await servers.end(id).catch(() => undefined);
    },
  };
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

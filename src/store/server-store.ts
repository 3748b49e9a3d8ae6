/**
 * What servers that share a database tell each other through it. Times of `alive` and claims are the database's own,
 * where it has a clock (PostgreSQL); `at` is used where it has none.
 */
import type { AgentInstance, ClusterRef, EventRecord, JobId, JobRecord, KnownQuestion } from './store.ts';

/** The stream of a cluster's agent, and where it is. */
export interface StreamClaim {
  readonly server: string;
  /** Of this stream alone. */
  readonly stream: string;
  /** Its agent answers questions. */
  readonly bids: boolean;
}

export interface ClusterStanding extends ClusterRef {
  readonly lastSeenAt: number | null;
  /** Null: no server has one. One of a server that is not alive is none either. */
  readonly stream: StreamClaim | null;
  /** The number of the newest report of what is free there; null: none. */
  readonly free: number | null;
}

/** What an agent said is free, as its server wrote it down. */
export interface FreeRecord {
  readonly number: number;
  readonly graphVersion: number;
  /** JSON, its writer's own. */
  readonly report: string;
}

export interface ServerStanding {
  /** By the database's clock: milliseconds since 1970. */
  readonly now: number;
  /** Ids of servers, ascending; itself among them. */
  readonly alive: readonly string[];
}

export interface Letter {
  readonly id: number;
  readonly body: string;
}

export interface OtherEvents {
  readonly events: readonly EventRecord[];
  readonly upTo: number;
  readonly more: boolean;
  readonly missed: boolean;
}

/** What others changed. */
export type Whisper =
  /** A stream of these clusters (by id) began or ended, or its agent said what is free; null: perhaps of any. */
  | { readonly kind: 'standings'; readonly clusters: readonly number[] | null }
  /** There are letters for this server. */
  | { readonly kind: 'letters' };

export interface ServerStore {
  /** Several servers may have this store open. */
  readonly shared: boolean;
  /** The time by the database's clock, where it has one: milliseconds since 1970. */
  now(at: number): Promise<number>;
  /**
   * Says that it is alive. `alive`, `forgotten`: milliseconds after which one that said nothing is not, and is deleted
   * with what was written to it.
   */
  beat(
    server: { readonly id: string; readonly name: string; readonly version: string },
    ages: { readonly alive: number; readonly forgotten: number },
    at: number,
  ): Promise<ServerStanding>;
  /** It stops: its streams and letters go with it. */
  end(id: string): Promise<void>;
  send(receiver: string, body: string, at: number): Promise<void>;
  /** Each letter is taken once, in the order in which they were written; the oldest ones first. */
  take(receiver: string): Promise<readonly Letter[]>;
  /**
   * As ClusterStore.claimInstance; where it is the newest, the stream it came on is the cluster's, and what any earlier
   * stream would receive is refused.
   */
  claimStream(cluster: ClusterRef, instance: AgentInstance, claim: StreamClaim, at: number): Promise<boolean>;
  /** Nothing where it is not the cluster's any more. */
  releaseStream(cluster: ClusterRef, stream: string): Promise<void>;
  /** Clusters with greater ids than `after`, by id, at most `limit`; all, where neither is given. */
  standings(after?: number, limit?: number): Promise<readonly ClusterStanding[]>;
  /** Those with these ids that there are. */
  standingsOf(ids: readonly number[]): Promise<readonly ClusterStanding[]>;
  /** Null, and nothing kept, where that stream is not the cluster's any more. */
  keepFree(cluster: ClusterRef, stream: string, report: Omit<FreeRecord, 'number'>): Promise<number | null>;
  free(cluster: ClusterRef): Promise<FreeRecord | null>;
  /** As JobStore.pending, without those that another server has claimed; these are then claimed, for `within` ms. */
  claimPending(
    claim: { readonly server: string; readonly within: number },
    limit: number,
    after: { readonly priority: number; readonly id: JobId } | null,
    known: readonly KnownQuestion[],
    at: number,
  ): Promise<readonly JobRecord[]>;
  /**
   * Events after `seq` that others wrote, or that were written here without anybody having been told so; `upTo`: how far
   * this has looked. `more`: at once again. `missed`: some of others were deleted (retention) before this has seen them.
   */
  others(seq: number, limit: number): Promise<OtherEvents>;
  /** The newest number that was given, to an event that may be deleted by now. */
  newest(): Promise<number>;
  /** How far events after `seq` are all our own: what is up to there need not be asked for. */
  ownAfter(seq: number): number;
  /** Called when others changed something. Returns how to stop. */
  listen(hear: (whisper: Whisper) => void): () => void;
}

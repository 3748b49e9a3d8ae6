/**
 * What agent and server say to each other (proto/rainbow/v1/agent.proto), in the agent's own terms: the protocol
 * stops at wire.ts. Times are milliseconds since 1970.
 */
import type { BidQuestion } from '../core/bid/bid.ts';
import type { Containers } from '../core/containers/runtimes.ts';
import type { Reason } from '../core/job/state.ts';
import type { AgentBid } from './bid/bidder.ts';
import type { JobKey, Order, OutputPiece, OutputPosition } from './runners/runner.ts';

/** `pending`: the cluster refused it, take it back. */
export type ReportState = 'pending' | 'received' | 'accepted' | 'running' | 'completed' | 'failed' | 'canceled';

/** All that the agent knows of one job under one epoch. */
export interface Report extends JobKey {
  readonly state: ReportState;
  readonly reason: Reason;
  /** '' before it has one. */
  readonly nativeId: string;
  readonly acceptedAt: number | null;
  readonly startedAt: number | null;
  readonly endedAt: number | null;
  readonly exitCode: number | null;
  readonly signal: number | null;
}

export interface Free {
  readonly seq: number;
  readonly busyVertices: readonly string[];
  readonly includes: readonly JobKey[];
}

export interface Hello {
  readonly cluster: string;
  readonly secret: string;
  readonly instanceId: string;
  readonly instanceStartedAt: number;
  readonly runner: string;
  readonly version: string;
  readonly runAs: 'single-user' | 'mapped';
  /** Of `mapped`: who has a local user; null: not said. */
  readonly accounts: readonly string[] | null;
  /** What runs images here; '' or left out: not said. */
  readonly containers?: Containers;
  readonly holds: readonly Report[];
  readonly free: Free;
  readonly capacity: number;
  /** A name in pick/picks.ts. */
  readonly pick: string;
  /** It answers questions. */
  readonly bids: boolean;
}

export type ToServer =
  | { readonly kind: 'hello'; readonly hello: Hello }
  | { readonly kind: 'report'; readonly report: Report }
  | { readonly kind: 'free'; readonly free: Free }
  | { readonly kind: 'output'; readonly key: JobKey; readonly pieces: readonly OutputPiece[] }
  | { readonly kind: 'bid'; readonly requestId: string; readonly id: string; readonly bid: AgentBid }
  | { readonly kind: 'heartbeat'; readonly at: number; readonly capacity: number }
  | {
      readonly kind: 'choose';
      readonly take: readonly JobKey[];
      readonly leave: readonly { readonly key: JobKey; readonly message: string }[];
    };

export type FromServer =
  | { readonly kind: 'welcome'; readonly serverVersion: string; readonly protocol: number; readonly heartbeat: number }
  | { readonly kind: 'start'; readonly order: Order }
  | { readonly kind: 'stop'; readonly key: JobKey; readonly reason: Reason }
  | { readonly kind: 'reportAck'; readonly key: JobKey; readonly state: ReportState }
  | { readonly kind: 'outputAck'; readonly key: JobKey; readonly positions: readonly OutputPosition[] }
  | { readonly kind: 'bidRequest'; readonly id: string; readonly question: BidQuestion }
  | { readonly kind: 'withdraw'; readonly key: JobKey; readonly message: string }
  | { readonly kind: 'heartbeat' }
  | { readonly kind: 'offered'; readonly orders: readonly Order[]; readonly gone: readonly JobKey[] }
  | { readonly kind: 'follow'; readonly key: JobKey; readonly follow: boolean }
  /** Something that a newer server says. */
  | { readonly kind: 'unknown' };

/** One stream to the server. */
export interface Uplink {
  /** Iterate it once; it throws RainbowError. Aborting the signal ends it. */
  open(say: AsyncIterable<ToServer>, signal: AbortSignal): AsyncIterable<FromServer>;
  /** The last stream broke: the next one goes to another server, where there are several. */
  elsewhere?(): void;
}

/** It ends the job's time with this agent. */
export function isOver(state: ReportState): boolean {
  return state === 'completed' || state === 'failed' || state === 'canceled' || state === 'pending';
}

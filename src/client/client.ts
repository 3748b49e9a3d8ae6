/**
 * The only door to a server, for the command line, the agent and the page: typed clients of every service over one
 * channel, which opens with the first call. Errors are RainbowErrors with messages that name the remedy.
 */
import type { Client } from '@connectrpc/connect';
import { RainbowScheduler } from '../gen/prototype/rainbow_pb.js';
import { MemoryGraph } from '../gen/prototype/memory_pb.js';
import { AgentService } from '../gen/rainbow/v1/agent_pb.js';
import { BidService } from '../gen/rainbow/v1/bid_pb.js';
import { ClusterService } from '../gen/rainbow/v1/clusters_pb.js';
import { FileService } from '../gen/rainbow/v1/files_pb.js';
import { GroupService } from '../gen/rainbow/v1/groups_pb.js';
import { JobService } from '../gen/rainbow/v1/jobs_pb.js';
import { ServerService } from '../gen/rainbow/v1/server_pb.js';
import { realSystem } from '../system/real.ts';
import type { Clock, System } from '../system/system.ts';
import { lazyChannel, type ChannelOptions } from './channel.ts';
import { grpcTransport } from './transport.ts';
import { typedClient } from './typed-client.ts';

export interface ClientOptions extends ChannelOptions {
  /** Milliseconds for a call with one answer that sets no `timeoutMs` of its own; 30 s unless given. */
  readonly timeoutMs?: number;
  /** For deadlines; the real one unless given. */
  readonly clock?: Clock;
  /** Timers and randomness, for several servers; the real one unless given. */
  readonly system?: System;
}

export interface RainbowClient {
  readonly jobs: Client<typeof JobService>;
  readonly clusters: Client<typeof ClusterService>;
  readonly files: Client<typeof FileService>;
  readonly groups: Client<typeof GroupService>;
  readonly bids: Client<typeof BidService>;
  readonly agents: Client<typeof AgentService>;
  readonly server: Client<typeof ServerService>;
  readonly prototype: Client<typeof RainbowScheduler>;
  readonly memoryGraph: Client<typeof MemoryGraph>;
  /**
   * The server that answers now is not to be relied on: what is asked next goes to another one, where there are several,
   * and over a new connection.
   */
  elsewhere(): void;
  /** Ends what is under way with `aborted`. */
  close(): void;
}

const TIMEOUT_MS = 30_000;

/** Nothing is opened yet. Errors: `invalid_input` for a host or key that cannot be one. */
export function createClient(options: ClientOptions): RainbowClient {
  const { system = realSystem } = options;
  const channel = lazyChannel(options, system);
  const clock = options.clock ?? system.clock;
  const transport = grpcTransport(channel, { timeoutMs: options.timeoutMs ?? TIMEOUT_MS }, clock);
  return {
    jobs: typedClient(JobService, transport),
    clusters: typedClient(ClusterService, transport),
    files: typedClient(FileService, transport),
    groups: typedClient(GroupService, transport),
    bids: typedClient(BidService, transport),
    agents: typedClient(AgentService, transport),
    server: typedClient(ServerService, transport),
    prototype: typedClient(RainbowScheduler, transport),
    memoryGraph: typedClient(MemoryGraph, transport),
    elsewhere: () => channel.elsewhere(),
    close: () => channel.close(),
  };
}

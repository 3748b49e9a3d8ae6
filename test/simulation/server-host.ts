/** The server's computer: starts the server on its disk, as `serve` puts it together, and kills it. */
import { create, type DescService } from '@bufbuild/protobuf';
import { pino } from 'pino';
import { createMatcher } from '../../src/core/match/create.ts';
import type { Matcher } from '../../src/core/match/matcher.ts';
import { RainbowError } from '../../src/core/errors.ts';
import {
  AgentService,
  ServerMessageSchema,
  type AgentMessage,
  type ServerMessage,
} from '../../src/gen/rainbow/v1/agent_pb.js';
import { ClusterService } from '../../src/gen/rainbow/v1/clusters_pb.js';
import { JobState } from '../../src/gen/rainbow/v1/job_pb.js';
import { JobService } from '../../src/gen/rainbow/v1/jobs_pb.js';
import { RainbowScheduler } from '../../src/gen/prototype/rainbow_pb.js';
import { createScheduler } from '../../src/scheduler/create.ts';
import type { Scheduler } from '../../src/scheduler/scheduler.ts';
import type { SchedulerSettings } from '../../src/scheduler/settings.ts';
import { agentHandlers } from '../../src/server/agents/connect.ts';
import { testCall } from '../../src/server/agents/testing/test-call.ts';
import { createAuthenticator } from '../../src/server/authenticate.ts';
import type { Binding, CallContext, Handlers } from '../../src/server/call.ts';
import { clusterHandlers } from '../../src/server/clusters/handlers.ts';
import { defaultFileSettings } from '../../src/server/files/settings.ts';
import { createFollowers } from '../../src/server/followers.ts';
import { createHttpGet } from '../../src/server/images/http.ts';
import { createImages } from '../../src/server/images/images.ts';
import { NO_IMAGES } from '../../src/server/images/settings.ts';
import { jobHandlers } from '../../src/server/jobs/handlers.ts';
import { SubmitLimit } from '../../src/server/limits.ts';
import type { Parts } from '../../src/server/parts.ts';
import { prototypeHandlers } from '../../src/server/prototype/handlers.ts';
import { hashSecret } from '../../src/server/secrets.ts';
import type { Engine } from '../../src/store/engine.ts';
import { storeOver } from '../../src/store/store-over-engine.ts';
import type { Store } from '../../src/store/store.ts';
import type { Ledger } from './ledger.ts';
import { known, type Connection } from './network.ts';
import { Process } from './process.ts';
import type { StoreDisk } from './store-disk.ts';
import type { Timeline } from './timeline.ts';

export const SECRET = 'the secret of the server';
export const OPERATOR = `Bearer ${SECRET}`;

/** Parts that a test may put something wrong into. */
export interface ServerPorts {
  readonly engine?: (disk: StoreDisk, process: Process) => Engine;
  readonly matcher?: (matcher: Matcher) => Matcher;
  /** The epoch that a report is taken to be of. */
  readonly epochOf?: (jobId: string, epoch: number, jobs: ReadonlyMap<string, { readonly epoch: number }>) => number;
}

export interface Running {
  readonly process: Process;
  readonly scheduler: Scheduler;
  readonly store: Store;
  readonly agents: Handlers<typeof AgentService>;
  readonly jobs: Handlers<typeof JobService>;
  readonly clusters: Handlers<typeof ClusterService>;
  readonly prototype: Handlers<typeof RainbowScheduler>;
}

/** Seconds, shorter than a real server's so that a life has many of each. */
const AGENTS = { serverVersion: 'simulated', heartbeat: 4, helloWithin: 5, outputCap: 200 };
export const SETTINGS: Partial<SchedulerSettings> = {
  passOverAfter: 8,
  silentAfter: 15,
  reassignAfter: 25,
  lostAfter: 60,
  notReportedGrace: 20,
  refusalBackoff: 4,
  sweepEvery: 2,
  pollEvery: 15,
  leftAfter: 12,
  bidWithin: 0.2,
  rebidEvery: 4,
  rebidPart: 0.1,
  rebidLeast: 1,
  rebidRest: 8,
};
export const LEASE_MS = 8_000;

export class ServerHost {
  /** Null while none serves. */
  running: Running | null = null;
  readonly clock = { ahead: 0 };
  readonly connections = new Set<Connection<AgentMessage, ServerMessage> | Connection<never, never>>();
  readonly #timeline: Timeline;
  readonly #disk: StoreDisk;
  readonly #ledger: Ledger;
  readonly #settings: Partial<SchedulerSettings>;
  readonly #ports: ServerPorts;
  readonly #log = pino({ level: 'silent' });
  #process: Process | null = null;

  constructor(
    parts: { readonly timeline: Timeline; readonly disk: StoreDisk; readonly ledger: Ledger },
    settings: Partial<SchedulerSettings>,
    ports: ServerPorts,
  ) {
    this.#timeline = parts.timeline;
    this.#disk = parts.disk;
    this.#ledger = parts.ledger;
    this.#settings = { ...SETTINGS, ...settings };
    this.#ports = ports;
  }

  get process(): Process | null {
    return this.running?.process ?? null;
  }

  start(): void {
    if (this.#process !== null) return;
    this.#timeline.note('server: starts');
    const process = new Process(this.#timeline, 'server', this.clock);
    this.#process = process;
    void this.#serve(process);
  }

  /** As kill -9, and the power with it. Agents learn of it at once, later, or by silence. */
  crash(): void {
    const process = this.#process;
    if (process === null) return;
    this.#timeline.note('server: killed');
    process.kill();
    this.#process = null;
    this.running = null;
    this.#disk.crash();
    for (const connection of this.connections) {
      if (this.#timeline.oneIn(4)) connection.silence();
      else connection.break(200);
    }
    this.connections.clear();
  }

  async #serve(process: Process): Promise<void> {
    const { system } = process;
    const engine = this.#ports.engine?.(this.#disk, process) ?? this.#disk.open(process);
    const store = storeOver(engine, 'sqlite');
    const plain = createMatcher();
    const matcher = this.#ports.matcher?.(plain) ?? plain;
    const log = this.#log;
    const scheduler = createScheduler({ store, matcher, system, settings: this.#settings, log });
    try {
      await scheduler.start();
    } catch {
      // A disk that is full at the start: whoever looks after it starts it again.
      if (process.alive) this.crash();
      return;
    }
    const { registry } = scheduler;
    const secretHash = hashSecret(SECRET);
    const authenticator = createAuthenticator({ registry, groups: store.groups, clock: system.clock, secretHash });
    const followers = createFollowers();
    const parts: Parts = {
      store,
      scheduler,
      system,
      authenticator,
      submitLimit: new SubmitLimit(system.clock, null),
      followers,
      images: createImages({ settings: NO_IMAGES, system, http: createHttpGet(), log }),
      settings: {
        name: 'rainbow',
        version: 'simulated',
        policy: 'random',
        policyOptions: {},
        clientMayChoosePolicy: true,
        allowedPolicies: null,
        globalToken: null,
        leaseMs: LEASE_MS,
        retention: '',
        outputCapMax: 1 << 20,
        files: defaultFileSettings,
      },
      log,
    };
    const agents = agentHandlers({
      store,
      followers,
      scheduler,
      system,
      settings: AGENTS,
      authenticateCluster: (name, secret, call) => authenticator.cluster(name, secret, call),
      log,
    });
    this.running = {
      process,
      scheduler,
      store,
      agents,
      jobs: of<typeof JobService>(jobHandlers(parts)),
      clusters: of<typeof ClusterService>(clusterHandlers(parts)),
      prototype: of<typeof RainbowScheduler>(prototypeHandlers(parts)),
    };
    this.#timeline.note('server: serves');
  }

  #taken(said: AgentMessage): AgentMessage {
    const { epochOf } = this.#ports;
    if (epochOf === undefined) return said;
    const { message } = said;
    const reports = message.case === 'hello' ? message.value.holds : message.case === 'report' ? [message.value] : [];
    for (const report of reports) {
      report.epoch = String(epochOf(report.jobId, Number(report.epoch), this.#ledger.jobs));
    }
    return said;
  }

  /** An agent's stream, on this side. */
  async serveAgent(
    cluster: string,
    running: Running,
    connection: Connection<AgentMessage, ServerMessage>,
  ): Promise<void> {
    this.connections.add(connection);
    const { up, down } = connection;
    const call = callFrom(cluster, connection.left.signal, null);
    const taken = (said: AgentMessage): AgentMessage => this.#taken(said);
    const requests = (async function* () {
      for (;;) {
        const item = await up.receive();
        if ('message' in item) yield taken(item.message);
        else if (item.end !== null) throw item.end;
        else return;
      }
    })();
    try {
      for await (const sent of running.agents.connect(requests, call)) {
        await down.room();
        const message = create(ServerMessageSchema, sent);
        if (message.message.case === 'reportAck') {
          const { jobId, epoch, state } = message.message.value;
          this.#ledger.acknowledged(cluster, jobId, Number(epoch), JobState[state].toLowerCase());
        }
        down.send(message, message.message.case ?? 'nothing');
      }
      down.finish(null);
    } catch (error) {
      down.finish(known(error));
    }
    this.connections.delete(connection);
  }
}

export function callFrom(peer: string, signal: AbortSignal, authorization: string | null): CallContext {
  return { ...testCall(signal), metadata: (key) => (key === 'authorization' ? authorization : null), peer };
}

/** For calls that nobody aborts. */
export const unending = (): AbortSignal => new AbortController().signal;

function of<S extends DescService>(binding: Binding): Handlers<S> {
  return binding.handlers as unknown as Handlers<S>;
}

export const refused = (): RainbowError => new RainbowError('unavailable', 'connection refused');

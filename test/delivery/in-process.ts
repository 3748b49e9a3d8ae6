/**
 * A real server (store in memory, scheduler, the agents' handler) and real agents (their own code, journal in memory, a
 * cluster in memory) in one process under one simulated clock, joined by the protocol's own messages.
 */
import { create } from '@bufbuild/protobuf';
import { serveCluster } from '../../src/agent/serve-cluster.ts';
import { memoryJournal, type Journal } from '../../src/agent/journal.ts';
import { silentLog } from '../../src/agent/log.ts';
import type { ToServer, Uplink } from '../../src/agent/messages.ts';
import { pickNamed } from '../../src/agent/pick/picks.ts';
import { noHook } from '../../src/agent/sentinels.ts';
import { nativeCluster, type NativeCluster } from '../../src/agent/testing/native-cluster.ts';
import { decode, encode } from '../../src/agent/wire.ts';
import { RainbowError } from '../../src/core/errors.ts';
import { AgentMessageSchema, ServerMessageSchema, type AgentMessage } from '../../src/gen/rainbow/v1/agent_pb.js';
import { openRig, type Rig } from '../../src/scheduler/testing/rig.ts';
import { silentLog as quiet } from '../../src/scheduler/log.ts';
import { agentHandlers } from '../../src/server/agents/connect.ts';
import { testCall } from '../../src/server/agents/testing/test-call.ts';
import { createFollowers, type Followers } from '../../src/server/followers.ts';

export interface Place {
  readonly rig: Rig;
  readonly followers: Followers;
  /** How many messages agents have said, of each kind. */
  readonly said: Map<string, number>;
  /** Bytes of output that agents have sent. */
  outputBytes: number;
  /** The server is killed: no stream, no scheduler. */
  down(): Promise<void>;
  up(): Promise<void>;
  agent(cluster: string, more?: { readonly pick?: string; readonly maxJobs?: number }): Promise<Agent>;
  close(): Promise<void>;
}

export interface Agent {
  readonly native: NativeCluster;
  readonly journal: Journal;
  readonly done: Promise<unknown>;
  stop(): Promise<void>;
}

export async function openPlace(settings: Parameters<typeof openRig>[0] = {}): Promise<Place> {
  const rig = await openRig(settings);
  const { system, store } = rig;
  const followers = createFollowers();
  const said = new Map<string, number>();
  const agents: Agent[] = [];
  let streams = new AbortController();
  let isUp = true;
  const serve = () =>
    agentHandlers({
      store,
      scheduler: rig.scheduler,
      followers,
      system,
      settings: { serverVersion: 'test', heartbeat: 10, helloWithin: 5, outputCap: 4096 },
      authenticateCluster(name, secret) {
        const cluster = rig.scheduler.registry.get(name);
        if (cluster !== null && secret === `${name} secret`) return cluster;
        throw new RainbowError('unauthenticated', 'request denied');
      },
      log: quiet,
    });
  let handlers = serve();

  const uplink: Uplink = {
    async *open(say, signal) {
      if (!isUp) throw new RainbowError('unavailable', 'no server answers');
      const broken = AbortSignal.any([signal, streams.signal]);
      const call = testCall(broken);
      const answers = handlers.connect(heard(say, broken, place), call);
      for await (const sent of answers) {
        if (broken.aborted) break;
        yield decode(create(ServerMessageSchema, sent));
      }
      if (!signal.aborted && streams.signal.aborted) throw new RainbowError('unavailable', 'the stream broke');
    },
  };

  const place: Place = {
    rig,
    followers,
    said,
    outputBytes: 0,
    async down() {
      isUp = false;
      streams.abort();
      await system.settle();
      await rig.scheduler.stop();
    },
    async up() {
      await rig.restart();
      handlers = serve();
      streams = new AbortController();
      isUp = true;
    },
    async agent(name, { pick = 'first-come', maxJobs = 10 } = {}) {
      const ending = new AbortController();
      const native = nativeCluster(system);
      const journal = memoryJournal();
      const runner = native.open();
      const identity = { cluster: name, secret: `${name} secret`, runner: 'memory', version: '1', maxJobs };
      const chosen = { name: pick, pick: pickNamed(pick).open({}) };
      const done = serveCluster(
        { identity, journal, runner, uplink, log: silentLog, reached: noHook, pick: chosen },
        system,
        ending.signal,
      ).catch((error: unknown) => error);
      const agent: Agent = {
        native,
        journal,
        done,
        async stop() {
          ending.abort();
          await done;
          await runner.close();
        },
      };
      agents.push(agent);
      await system.settle();
      return agent;
    },
    async close() {
      for (const agent of agents) await agent.stop();
      await system.settle();
      await rig.close();
    },
  };
  return place;
}

async function* heard(say: AsyncIterable<ToServer>, signal: AbortSignal, place: Place): AsyncGenerator<AgentMessage> {
  const aborted = new Promise<null>((resolve) => {
    signal.addEventListener('abort', () => resolve(null), { once: true });
  });
  const incoming = say[Symbol.asyncIterator]();
  for (;;) {
    const next = incoming.next();
    next.catch(() => undefined);
    const step = await Promise.race([next, aborted]);
    if (step === null || step.done === true) return;
    const { kind } = step.value;
    place.said.set(kind, (place.said.get(kind) ?? 0) + 1);
    if (step.value.kind === 'output') {
      for (const { data } of step.value.pieces) place.outputBytes += data.byteLength;
    }
    yield create(AgentMessageSchema, encode(step.value));
  }
}

/**
 * AgentService.Connect: an agent calls in, says who it is and what it holds, and stays. One stream per cluster: the
 * newest instance of a cluster's agent fences the older, and a new stream of the same instance replaces its last.
 * A cluster that was deleted while its agent was away is remembered by the hash of its secret: that agent is let in as
 * far as to hear of it, and stops what it holds.
 * Where several servers share the store, the newest stream is written down with the server that has it, and what an
 * older one would receive is refused.
 * Invariant: the session that is replaced has written its last before the next one reconciles; one at another server
 * receives nothing more.
 */
import { RainbowError } from '../../core/errors.ts';
import type { AgentMessage, AgentService, Hello } from '../../gen/rainbow/v1/agent_pb.js';
import type { ClusterRecord } from '../../store/store.ts';
import type { CallContext, Handlers } from '../call.ts';
import { instanceOf, readHello } from './hello.ts';
import * as message from './messages.ts';
import { hashSecret, newUuid } from '../secrets.ts';
import { createNativeReasons } from './native-reasons.ts';
import { readReport } from './report.ts';
import { clusterDeleted, replaced, Session, type AgentSettings, type SessionDependencies } from './session.ts';

export const defaultAgentSettings: Omit<AgentSettings, 'serverVersion'> = {
  heartbeat: 10,
  helloWithin: 10,
  outputCap: 1024 * 1024,
};

export interface ConnectDependencies extends SessionDependencies {
  /** Throws `unauthenticated`. */
  authenticateCluster(name: string, secret: string, call: CallContext): ClusterRecord | Promise<ClusterRecord>;
}

const fenced = (): RainbowError =>
  new RainbowError(
    'failed_precondition',
    'a newer agent of this cluster has connected: only one may serve it; this one should end',
  );

/** An agent that takes what comes is sent it at once. */
function choosesOf({ pick }: Hello): boolean {
  return pick !== '' && pick !== 'first-come';
}

/** Asked only of a caller that is refused and not held up: guessing costs what it did before. */
async function wasDeleted(deps: ConnectDependencies, hello: Hello, error: unknown): Promise<boolean> {
  if (!(error instanceof RainbowError) || error.code !== 'unauthenticated') return false;
  return deps.store.clusters.wasDeleted(hello.cluster, hashSecret(hello.secret));
}

interface Entry {
  readonly session: Session;
  readonly instance: string;
}

interface Admitted {
  readonly cluster: ClusterRecord;
  readonly stream: string | null;
  readonly entry: Entry;
}

/** The name of a cluster that is gone. */
interface Deleted {
  readonly deleted: string;
}

export function agentHandlers(deps: ConnectDependencies): Handlers<typeof AgentService> {
  const { scheduler, system, settings } = deps;
  const { registry } = scheduler;
  const sessions = new Map<string, Entry>();
  const { clock } = system;
  const reasons = createNativeReasons(deps.store.jobs, clock);
  const parts = { ...deps, reporting: { jobs: deps.store.jobs, scheduler, clock, log: deps.log, reasons } };
  scheduler.onWork((cluster, work) => sessions.get(cluster)?.session.onWork(work));
  deps.followers.listen((what, isFollowed) => sessions.get(what.cluster)?.session.onFollowed(what, isFollowed));

  /** Apart from `connect`, which lasts as long as the stream: what was said at its beginning need not be kept so long. */
  const admit = async (incoming: AsyncIterator<AgentMessage>, call: CallContext): Promise<Admitted | Deleted> => {
    // 1. Who is it?
    const hello = await readHello(incoming, system, settings.helloWithin);
    let cluster: ClusterRecord;
    await registry.find(hello.cluster);
    try {
      cluster = await deps.authenticateCluster(hello.cluster, hello.secret, call);
    } catch (error) {
      if (!(await wasDeleted(deps, hello, error))) throw error;
      return { deleted: hello.cluster };
    }
    const { name } = cluster;
    const now = system.clock.now();
    const holds = hello.holds.map((report, place) => readReport(report, `hello.holds[${place}]`, now));
    // 2. Is it the newest?
    const instance = instanceOf(hello, now);
    const stream = scheduler.servers.shared ? newUuid(system.entropy) : null;
    if (!(await registry.claimInstance(cluster, instance, { id: stream, bids: hello.bids }))) throw fenced();
    const older = sessions.get(name);
    const ready = older?.session.end(older.instance === instance.id ? replaced() : fenced());
    // 3. Serve it.
    const greeting = {
      holds,
      free: hello.free ?? null,
      capacity: hello.capacity,
      chooses: choosesOf(hello),
      bids: hello.bids,
      stream,
    };
    const session = new Session(parts, cluster, greeting, incoming, ready ?? Promise.resolve());
    const entry = { session, instance: instance.id };
    sessions.set(name, entry);
    registry.setConnected(name, true);
    return { cluster, stream, entry };
  };

  return {
    async *connect(requests, call) {
      const incoming = requests[Symbol.asyncIterator]();
      const admitted = await admit(incoming, call);
      if ('deleted' in admitted) {
        // The right secret of a cluster that is gone: its agent was away, and is told now, as it would have been then.
        yield message.welcome(settings);
        throw clusterDeleted(admitted.deleted);
      }
      const { cluster, stream, entry } = admitted;
      const { session } = entry;
      const { name } = cluster;
      call.onAbort(() => void session.end(null));
      try {
        yield* session.outbox;
      } finally {
        const ended = session.end(null);
        void incoming.return?.();
        if (sessions.get(name) === entry) registry.setConnected(name, false);
        await ended;
        // Not before: a stream that came meanwhile waits for what this one was still writing.
        if (sessions.get(name) === entry) sessions.delete(name);
        if (stream !== null) await scheduler.servers.release(cluster, stream);
      }
    },
  };
}

/**
 * Serves one cluster: puts the agent's parts together, knows what is held before anybody is told, stays connected, and
 * lets go at the end; what runs goes on.
 */
import type { Containers } from '../core/containers/runtimes.ts';
import { RainbowError } from '../core/errors.ts';
import type { FileClient } from '../sandbox/send.ts';
import type { System } from '../system/system.ts';
import { stayConnected } from './connect.ts';
import { createClusterFollower, type FollowedCluster } from './follow-cluster.ts';
import { createFreeTeller } from './free.ts';
import type { Tariff } from '../core/bid/tariff.ts';
import { createAnswers } from './bid/answer.ts';
import { bidderFor } from './bid/bidders.ts';
import { createHolding } from './holding.ts';
import type { Journal } from './journal.ts';
import type { Log } from './log.ts';
import { isOver, type FromServer, type Hello, type Uplink } from './messages.ts';
import { createOutputPump, defaultOutputLimits, type OutputLimits } from './output.ts';
import { createReceiver } from './receive.ts';
import { createReporter } from './report.ts';
import { createChooser } from './pick/chooser.ts';
import { pickNamed } from './pick/picks.ts';
import type { Pick } from './pick/pick.ts';
import { follow, reconcile } from './run.ts';
import type { Order, Runner } from './runners/runner.ts';
import type { ReachedHook } from './sentinels.ts';
import { openStaging, type Staging } from './staging/staging.ts';
import { stopAll } from './stop-all.ts';

export interface ClusterParts {
  readonly identity: {
    readonly cluster: string;
    readonly secret: string;
    readonly runner: string;
    readonly version: string;
    readonly maxJobs: number;
    /** Default: single-user. */
    readonly runAs?: 'single-user' | 'mapped';
    /** Of `mapped`: who has a local user. Default: not said. */
    readonly accounts?: readonly string[] | null;
    /** What runs images here. Default: not said. */
    readonly containers?: Containers;
  };
  readonly journal: Journal;
  readonly runner: Runner;
  /** Null: bids name no cost. */
  readonly tariff?: Tariff | null;
  readonly uplink: Uplink;
  readonly log: Log;
  readonly reached: ReachedHook;
  readonly outputLimits?: OutputLimits;
  /** `first-come` where it is left out. */
  readonly pick?: { readonly name: string; readonly pick: Pick };
  /** Where files that travel with jobs can be brought, and from where; without, such jobs are refused. */
  readonly files?: { readonly client: FileClient; readonly folder: string };
  /** Where the cluster itself can say what it is. */
  readonly followed?: FollowedCluster | null;
}

/** The agent without disk and network of its own: everything is handed in, so a simulation runs this very code. */
export async function serveCluster(parts: ClusterParts, system: System, signal: AbortSignal): Promise<void> {
  const { identity, journal, runner, uplink, log, reached } = parts;
  const holding = createHolding(journal, log);
  const free = createFreeTeller(runner, system, log);
  const { followed = null } = parts;
  const follower =
    followed === null ? null : createClusterFollower(followed, { system, log, looked: () => free.changed() });
  const output = createOutputPump({
    holding,
    runner,
    system,
    log,
    limits: parts.outputLimits ?? defaultOutputLimits,
    drained: (key) => reporter.changed(key),
  });
  const reporter = createReporter({
    holding,
    runner,
    output,
    system,
    log,
    reached,
    maxJobs: identity.maxJobs,
    isCollected: (entry) => staging?.isCollected(entry) ?? true,
    settled: () => free.changed(),
  });
  let staging: Staging | null = null;
  const prepared = (order: Order): Order | null => {
    if (order.staging === undefined) return order;
    if (staging !== null) return staging.prepared(order);
    throw new RainbowError('failed_precondition', 'files travel with it, and this agent brings none');
  };
  const receiver = createReceiver({
    holding,
    runner,
    system,
    log,
    reached,
    prepared,
    repeat: (key) => reporter.repeat(key),
    deny: (key, reason) => reporter.deny(key, reason),
  });

  const { name: pickName, pick } = parts.pick ?? { name: 'first-come', pick: pickNamed('first-come').open({}) };
  const chooser = createChooser({
    name: pickName,
    pick,
    maxJobs: identity.maxJobs,
    held: () => holding.all().filter(({ report }) => !isOver(report.state)).length,
  });
  const answers = createAnswers({
    bidder: bidderFor(identity.runner, {
      runner,
      tariff: parts.tariff ?? null,
      coming: () => holding.all().flatMap(({ step, order, stop }) => (step === 'held' || stop !== null ? [] : [order])),
      system,
    }),
    log,
  });

  // 1. Know what is held, before anybody is told.
  const instanceStartedAt = await journal.nextInstance(system.clock.now());
  const instanceId = Buffer.from(system.entropy.bytes(16)).toString('hex');
  await holding.load();
  const running = { holding, runner, system, log, reached };
  await reconcile(running);
  if (parts.files !== undefined) {
    staging = await openStaging({
      ...parts.files,
      cluster: identity.cluster,
      secret: identity.secret,
      holding,
      runner,
      system,
      log,
      reached,
      placed: () => receiver.again(),
      collected: (key) => reporter.changed(key),
    });
  }
  holding.onChange((key) => {
    staging?.changed(key);
    reporter.changed(key);
    output.changed(key);
    free.changed();
    chooser.again();
  });
  const unfollow = follow(running, () => receiver.again());
  receiver.resume();

  const hello = async (): Promise<Hello> => {
    await receiver.streamEnded();
    const { cluster, secret, runner: name, version } = identity;
    const said = await free.now();
    // Nothing may be waited for from here until it is sent: it says how things stand.
    return {
      cluster,
      secret,
      instanceId,
      instanceStartedAt,
      runner: name,
      version,
      runAs: identity.runAs ?? 'single-user',
      accounts: identity.accounts ?? null,
      containers: identity.containers ?? '',
      holds: reporter.holds(),
      free: said,
      capacity: reporter.capacity(),
      pick: pickName,
      bids: answers.bids,
    };
  };

  const handle = (message: FromServer): void => {
    switch (message.kind) {
      case 'start':
        receiver.start(message.order);
        return chooser.started(message.order);
      case 'offered':
        return chooser.offered(message.orders, message.gone);
      case 'stop':
        return receiver.stop(message.key, message.reason);
      case 'withdraw':
        return receiver.withdraw(message.key, message.message);
      case 'bidRequest':
        return answers.asked(message.id, message.question);
      case 'reportAck':
        receiver.confirmed(message.key);
        return void reporter
          .acknowledged(message.key, message.state)
          .catch((error: unknown) => log.warn(`acknowledging: ${String(error)}`));
      case 'follow':
        return output.follow(message.key, message.follow);
      case 'outputAck':
        return output.acknowledged(message.key, message.positions);
      default:
    }
  };

  // 2. Serve.
  try {
    const ending = await stayConnected(
      {
        uplink,
        system,
        log,
        hello,
        capacity: () => reporter.capacity(),
        handle,
        connected(send) {
          output.connected(send);
          reporter.connected(send);
          free.connected(send);
          chooser.connected((message, key) => {
            // The server gives no more than it knows of room for.
            reporter.sayCapacity();
            send(message, key);
          });
          answers.connected(send);
          follower?.connected();
        },
        disconnected() {
          follower?.disconnected();
          output.disconnected();
          reporter.disconnected();
          free.disconnected();
          chooser.disconnected();
          answers.disconnected();
        },
      },
      signal,
    );
    // 3. Nobody wants any of it any more.
    if (ending === 'deleted') {
      await receiver.close();
      const result = await stopAll({ holding, runner, system, log, cluster: identity.cluster }, signal);
      throw deleted(identity.cluster, result);
    }
  } finally {
    // 4. Let go; what runs goes on.
    unfollow();
    await receiver.close();
    await staging?.close();
    reporter.close();
    output.close();
    follower?.disconnected();
    free.disconnected();
    answers.close();
    const left = holding.count();
    if (left > 0) log.info(`the agent ends; ${left} job${left === 1 ? '' : 's'} it holds go on without it`);
  }
}

function deleted(
  cluster: string,
  { stopped, left }: { readonly stopped: number; readonly left: number },
): RainbowError {
  const unfinished = left === 0 ? '' : `, ${left} of them told to and not ended yet`;
  return new RainbowError(
    'not_found',
    `cluster ${cluster} was deleted: ${stopped} job${stopped === 1 ? '' : 's'} stopped${unfinished}; ` +
      'to use it again, register it anew and start its agent with the new secret',
  );
}

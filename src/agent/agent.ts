/**
 * The agent: the program beside a cluster. Puts its parts together and runs until it is told to end, or until
 * connecting again cannot help. Jobs outlive it: they run under their own shims (or in the cluster's own queue), and
 * the next start finds them by journal and key.
 */
import { mkdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createClient } from '../client/client.ts';
import { checkName } from '../core/names.ts';
import { RainbowError } from '../core/errors.ts';
import type { FileClient } from '../sandbox/send.ts';
import type { System } from '../system/system.ts';
import { stayConnected } from './connect.ts';
import { clusterUpdates, createClusterFollower, type FollowedCluster } from './follow-cluster.ts';
import { createFreeTeller } from './free.ts';
import type { Tariff } from '../core/bid/tariff.ts';
import { createAnswers } from './bid/answer.ts';
import { bidderFor } from './bid/bidders.ts';
import { createHolding } from './holding.ts';
import type { Journal } from './journal.ts';
import { openJournal } from './journal-sqlite.ts';
import { takeLock } from './lock.ts';
import { silentLog, type Log } from './log.ts';
import { isOver, type FromServer, type Hello, type Uplink } from './messages.ts';
import { createOutputPump, defaultOutputLimits, type OutputLimits } from './output.ts';
import { createReceiver } from './receive.ts';
import { createReporter } from './report.ts';
import { createChooser } from './pick/chooser.ts';
import { pickNamed } from './pick/picks.ts';
import type { Pick } from './pick/pick.ts';
import { follow, reconcile } from './run.ts';
import { realmOf, runnerNamed } from './runners/runners.ts';
import type { Order, Runner } from './runners/runner.ts';
import { readMapping } from './runners/slurm/users.ts';
import { noHook, type ReachedHook } from './sentinels.ts';
import { withModules } from './software-modules.ts';
import { sandboxesOf } from './staging/order.ts';
import { openStaging, type Staging } from './staging/staging.ts';
import { stopAll } from './stop-all.ts';
import { MOST_ACCOUNTS } from '../wire/limits.ts';
import { grpcUplink } from './wire.ts';

export interface AgentOptions {
  /** `localhost:50051` */
  readonly host: string;
  /** Paths of PEM files; plaintext without. */
  readonly tls?: NonNullable<Parameters<typeof createClient>[0]['tls']>;
  readonly cluster: string;
  readonly secret: string;
  /** A name in runners/runners.ts. */
  readonly runner: string;
  /** Made where it is missing; one agent at a time. */
  readonly stateDir: string;
  /** JGF version 2, as registered. */
  readonly graph: string;
  /** JGF by subsystem's name. */
  readonly subsystems?: Readonly<Record<string, string>>;
  /** Jobs in the cluster's own queue at once, at most; default 256. */
  readonly maxJobs?: number;
  /** How it chooses among what is assigned to it: a name in pick/picks.ts; `first-come`. */
  readonly pick?: string;
  readonly pickOptions?: Readonly<Record<string, string>>;
  /** The user that jobs run as; only root can say another than itself. */
  readonly runAs?: string;
  /** What jobs cost here, for bids; without, bids name no cost. */
  readonly tariff?: Tariff | null;
  /** Path of the file that maps accounts to local users; without it all jobs run as one user. */
  readonly mapUsers?: string;
  /** Where a runner of a batch system keeps scripts and output; default: `jobs/` in the state directory. */
  readonly spool?: string;
  /** Where the files that travel with jobs are kept meanwhile; default: `files/` in the spool, else in the state directory. */
  readonly sandboxes?: string;
  /** Keep the files of ended jobs, in the state directory's `kept/`. */
  readonly keepFiles?: boolean;
  /** Graph and subsystems are registered as they are above: they need not be brought up to date at the start. */
  readonly isRegistered?: boolean;
  /** Folders and listings of software modules, registered beside what its runner discovers. */
  readonly modules?: readonly string[];
  /** Subsystems that earlier runs registered; those that are not found any more are taken back. */
  readonly formerSubsystems?: readonly string[];
  /** Milliseconds between two looks at what the cluster is, where its runner can say it. */
  readonly followEvery?: number;
  readonly version?: string;
  /** What jobs may inherit; the process's own environment unless given. */
  readonly environment?: Readonly<Record<string, string | undefined>>;
  readonly log?: Log;
  /** For tests. */
  readonly reached?: ReachedHook;
}

const MAX_JOBS = 256;

/**
 * Resolves after the signal aborts; running jobs are left running. Throws RainbowError: `invalid_input` (an option),
 * `unauthenticated` (the secret), `failed_precondition` (fenced by a newer agent, state directory in use), `not_found`
 * (the cluster was deleted while it was connected: all that it held is stopped).
 */
export async function runAgent(options: AgentOptions, system: System, signal: AbortSignal): Promise<void> {
  const log = options.log ?? silentLog;
  const reached = options.reached ?? noHook;
  const cluster = checkName(options.cluster, '--cluster-name');
  const kind = runnerNamed(options.runner);
  const pickName = options.pick ?? 'first-come';
  const pick = { name: pickName, ...openPick(pickName, options.pickOptions ?? {}) };
  await mkdir(options.stateDir, { recursive: true, mode: 0o700 });
  const lock = takeLock(options.stateDir);
  try {
    const journal = openJournal(join(options.stateDir, 'journal.sqlite'));
    try {
      const runner = await kind.open(
        {
          stateDir: options.stateDir,
          cluster,
          graph: options.graph,
          subsystems: options.subsystems ?? {},
          runAs: options.runAs ?? null,
          mapUsers: options.mapUsers ?? null,
          spool: options.spool ?? null,
          realm: realmOf(cluster, options.secret),
          keepFiles: options.keepFiles ?? false,
          environment: options.environment ?? process.env,
          log,
          reached,
        },
        system,
      );
      const folder = await sandboxesOf(options, runner, `${cluster}-${realmOf(cluster, options.secret)}`);
      const client = createClient({ host: options.host, tls: options.tls, system });
      try {
        const { secret, version = '', maxJobs = MAX_JOBS } = options;
        const runAs = options.mapUsers === undefined ? 'single-user' : 'mapped';
        const accounts = options.mapUsers === undefined ? null : await mappedAccounts(options.mapUsers);
        const identity = { cluster, secret, runner: options.runner, version, maxJobs, runAs, accounts } as const;
        const environment = options.environment ?? process.env;
        const found = kind.discovery?.({ cluster, environment, runAs: options.runAs ?? null }, system) ?? null;
        const discovery = found === null ? null : withModules(found, options.modules ?? [], { system, log });
        const followed: FollowedCluster | null =
          discovery === null
            ? null
            : {
                discovery,
                updates: clusterUpdates(client, cluster, secret),
                registered:
                  options.isRegistered === true ? { graph: options.graph, subsystems: options.subsystems ?? {} } : null,
                former: options.formerSubsystems ?? [],
                ...(options.followEvery === undefined ? {} : { everyMs: options.followEvery }),
              };
        await serveCluster(
          {
            identity,
            journal,
            runner,
            tariff: options.tariff ?? null,
            uplink: grpcUplink(client),
            log,
            reached,
            pick,
            followed,
            files: { client: client.files, folder },
          },
          system,
          signal,
        );
      } finally {
        client.close();
        await runner.close();
      }
    } finally {
      await journal.close();
    }
  } finally {
    lock.release();
  }
}

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

/** The runner has read the file before and found it right. Null: more than the server takes; then they are refused here. */
async function mappedAccounts(path: string): Promise<readonly string[] | null> {
  const accounts = [...readMapping(await readFile(path, 'utf8')).keys()];
  return accounts.length > MOST_ACCOUNTS ? null : accounts;
}

function openPick(name: string, options: Readonly<Record<string, string>>): { readonly pick: Pick } {
  return { pick: pickNamed(name).open(options) };
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

  const { name: pickName, pick } = parts.pick ?? { name: 'first-come', ...openPick('first-come', {}) };
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

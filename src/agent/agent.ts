/**
 * The agent: the program beside a cluster. Opens what it needs on this machine (state directory, journal, runner), and
 * serves the cluster (serve-cluster.ts) until it is told to end, or until connecting again cannot help. Jobs outlive it:
 * they run under their own shims (or in the cluster's own queue), and the next start finds them by journal and key.
 */
import { mkdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createClient } from '../client/client.ts';
import { checkName } from '../core/names.ts';
import type { System } from '../system/system.ts';
import { clusterUpdates, type FollowedCluster } from './follow-cluster.ts';
import type { Tariff } from '../core/bid/tariff.ts';
import { openJournal } from './journal-sqlite.ts';
import { takeLock } from './lock.ts';
import { silentLog, type Log } from './log.ts';
import { pickNamed } from './pick/picks.ts';
import { containersNotice, findContainers, hasRangeOfUids } from './runners/containers/find.ts';
import { resolveJobUser } from './runners/process/user.ts';
import { realmOf, runnerNamed } from './runners/runners.ts';
import { readMapping } from './runners/slurm/users.ts';
import { noHook, type ReachedHook } from './sentinels.ts';
import { withModules } from './software-modules.ts';
import { sandboxesOf } from './staging/order.ts';
import { MOST_ACCOUNTS } from '../wire/limits.ts';
import { grpcUplink } from './wire.ts';
import { serveCluster } from './serve-cluster.ts';

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
  /** What runs images: `auto` (what is found), `none`, or a name in core/containers/runtimes.ts; `auto`. */
  readonly containers?: string;
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
  const pick = { name: pickName, pick: pickNamed(pickName).open(options.pickOptions ?? {}) };
  await mkdir(options.stateDir, { recursive: true, mode: 0o700 });
  const lock = takeLock(options.stateDir);
  try {
    const journal = openJournal(join(options.stateDir, 'journal.sqlite'));
    try {
      const environment = options.environment ?? process.env;
      const jobUser = options.mapUsers === undefined ? await resolveJobUser(options.runAs ?? null) : null;
      const hasRange = jobUser === null ? null : await hasRangeOfUids(jobUser);
      const askedContainers = options.containers ?? 'auto';
      const containers = await findContainers(askedContainers, {
        runner: options.runner,
        environment,
        hasRange: async () => hasRange,
        hasPyxis: async () => (await kind.hasPyxis?.(environment, system)) ?? false,
      });
      for (const line of containersNotice(containers, askedContainers, hasRange, jobUser)) log.info(line);
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
          containers,
          environment,
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
        const own = { cluster, secret, runner: options.runner, version, maxJobs, runAs, accounts } as const;
        const identity = { ...own, containers: containers.name };
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

/** The runner has read the file before and found it right. Null: more than the server takes; then they are refused here. */
async function mappedAccounts(path: string): Promise<readonly string[] | null> {
  const accounts = [...readMapping(await readFile(path, 'utf8')).keys()];
  return accounts.length > MOST_ACCOUNTS ? null : accounts;
}

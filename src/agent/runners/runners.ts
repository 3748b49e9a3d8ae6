/** The runners by name. A new kind of cluster is one entry here and a folder beside `process/`; see runner.ts. */
import { createHash } from 'node:crypto';
import { chmod } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import type { ContainerRuntime } from '../../core/containers/run.ts';
import { invalid } from '../../core/errors.ts';
import { readGraph } from '../../core/graph/read.ts';
import { readSubsystem } from '../../core/graph/read-subsystem.ts';
import type { System } from '../../system/system.ts';
import type { Log } from '../log.ts';
import type { ReachedHook } from '../sentinels.ts';
import { askCluster as askFlux } from './flux/cluster.ts';
import { fluxCommands } from './flux/commands.ts';
import { createFluxRunner } from './flux/runner.ts';
import { createProcessRunner } from './process/runner.ts';
import { jobUserNotice, resolveJobUser } from './process/user.ts';
import type { Discovery, Runner } from './runner.ts';
import { askCluster as askSlurm } from './slurm/cluster.ts';
import { hasPyxis } from './slurm/pyxis.ts';
import { slurmCommands } from './slurm/commands.ts';
import { createSlurmRunner } from './slurm/runner.ts';
import { slurmUsers } from './slurm/users.ts';

export interface RunnerSettings {
  readonly stateDir: string;
  readonly cluster: string;
  /** JGF version 2, as registered. */
  readonly graph: string;
  /** JGF by subsystem's name. */
  readonly subsystems: Readonly<Record<string, string>>;
  /** null: the runner's default. */
  readonly runAs: string | null;
  /** Path of the file that maps accounts to local users; null: all jobs run as one user. */
  readonly mapUsers: string | null;
  /** Where a batch system's runner keeps scripts and output; null: in the state directory. */
  readonly spool: string | null;
  /** Whose native jobs they are: 8 hexadecimal digits, the same for this cluster of this server at every start. */
  readonly realm: string;
  readonly keepFiles: boolean;
  /** What runs images. */
  readonly containers: ContainerRuntime;
  /** The agent's own. */
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly log: Log;
  readonly reached: ReachedHook;
}

export interface RunnerKind {
  /** Throws `invalid_input` or `failed_precondition`, naming what to do. */
  open(settings: RunnerSettings, system: System): Promise<Runner>;
  /** Only where the cluster can be asked what it has. */
  discovery?(
    where: Pick<RunnerSettings, 'cluster' | 'environment'> & Partial<Pick<RunnerSettings, 'runAs'>>,
    system: System,
  ): Discovery;
  /** Do its own commands run images? Only where some can. */
  hasPyxis?(environment: RunnerSettings['environment'], system: System): Promise<boolean>;
}

/** The secret is the cluster's own at one server: a namesake elsewhere has another. Says nothing of the secret. */
export function realmOf(cluster: string, secret: string): string {
  return createHash('sha256').update(`rainbow realm\0${cluster}\0${secret}`).digest('hex').slice(0, 8);
}

export const runners: Readonly<Record<string, RunnerKind>> = Object.assign(Object.create(null), {
  process: {
    async open(settings, system) {
      if (settings.mapUsers !== null) throw invalid('--map-users', 'the process runner has one user for all its jobs');
      const user = await resolveJobUser(settings.runAs);
      const notice = jobUserNotice(user, settings.runAs);
      if (notice !== null) settings.log.info(notice);
      const graph = readGraph(settings.graph);
      const subsystems = Object.entries(settings.subsystems).map(([name, text]) => readSubsystem(name, text, graph));
      return createProcessRunner({ ...settings, graph, subsystems, user }, system);
    },
  } satisfies RunnerKind,
  slurm: {
    async open(settings, system) {
      const { stateDir, spool, runAs, mapUsers } = settings;
      if (runAs !== null && mapUsers !== null) throw invalid('--run-as', 'one user, or --map-users: not both');
      const users = await slurmUsers(runAs, mapUsers);
      // Other users' jobs write below it.
      if (users.isOthers && spool === null) await chmod(stateDir, 0o711);
      return createSlurmRunner({ ...settings, spool: resolve(spool ?? join(stateDir, 'jobs')), users }, system);
    },
    discovery: ({ cluster, environment }, system) => {
      const slurm = slurmCommands(environment, system);
      return { discover: () => askSlurm(slurm, cluster) };
    },
    hasPyxis: (environment, system) => hasPyxis(slurmCommands(environment, system)),
  } satisfies RunnerKind,
  flux: {
    async open(settings, system) {
      const { stateDir, spool, runAs, mapUsers } = settings;
      if (mapUsers !== null) throw invalid('--map-users', 'the flux runner has one user for all its jobs');
      const user = await resolveJobUser(runAs);
      const notice = jobUserNotice(user, runAs);
      if (notice !== null) settings.log.info(notice);
      // Another user's jobs write below it.
      if (user.switched && spool === null) await chmod(stateDir, 0o711);
      return createFluxRunner({ ...settings, spool: resolve(spool ?? join(stateDir, 'jobs')), user }, system);
    },
    discovery: ({ cluster, environment, runAs = null }, system) => ({
      discover: async () => askFlux(fluxCommands(environment, await resolveJobUser(runAs), system), cluster),
    }),
  } satisfies RunnerKind,
});

export function runnerNamed(name: string): RunnerKind {
  const kind = runners[name];
  if (kind === undefined) {
    throw invalid(
      '--runner',
      `there is no runner ${JSON.stringify(name)}; there is: ${Object.keys(runners).join(', ')}`,
    );
  }
  return kind;
}

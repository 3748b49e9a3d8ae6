/** The runners by name. A new kind of cluster is one entry here and a folder beside `process/`; see runner.ts. */
import { invalid } from '../../core/errors.ts';
import { readGraph } from '../../core/graph/read.ts';
import { readSubsystem } from '../../core/graph/read-subsystem.ts';
import type { System } from '../../system/system.ts';
import type { Log } from '../log.ts';
import type { ReachedHook } from '../sentinels.ts';
import { createProcessRunner } from './process/runner.ts';
import { jobUserNotice, resolveJobUser } from './process/user.ts';
import type { Runner } from './runner.ts';

export interface RunnerSettings {
  readonly stateDir: string;
  readonly cluster: string;
  /** JGF version 2, as registered. */
  readonly graph: string;
  /** JGF by subsystem's name. */
  readonly subsystems: Readonly<Record<string, string>>;
  /** null: the runner's default. */
  readonly runAs: string | null;
  readonly keepFiles: boolean;
  /** The agent's own. */
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly log: Log;
  readonly reached: ReachedHook;
}

export interface RunnerKind {
  /** Throws `invalid_input` or `failed_precondition`, naming what to do. */
  open(settings: RunnerSettings, system: System): Promise<Runner>;
}

export const runners: Readonly<Record<string, RunnerKind>> = Object.assign(Object.create(null), {
  process: {
    async open(settings, system) {
      const user = await resolveJobUser(settings.runAs);
      const notice = jobUserNotice(user, settings.runAs);
      if (notice !== null) settings.log.info(notice);
      const graph = readGraph(settings.graph);
      const subsystems = Object.entries(settings.subsystems).map(([name, text]) => readSubsystem(name, text, graph));
      return createProcessRunner({ ...settings, graph, subsystems, user }, system);
    },
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

/** `rainbow agent`: the program beside a cluster; registers it where it is not yet, then runs its jobs until told to stop. */
import { join, resolve } from 'node:path';
import { Option, type Command } from 'commander';
import { agentGraph, keepAgentGraph } from '../agent-graph.ts';
import { checkRegistered, ensureRegistered, replaceGraph } from '../agent-registration.ts';
import { RainbowError } from '../../core/errors.ts';
import { UsageError } from '../exit.ts';
import { readInput } from '../files.ts';
import { stateFolder } from '../folders.ts';
import type { Invocation, Run } from '../invocation.ts';
import { collectFiles, collectPairs, wholeNumber, type NamedFile } from '../options.ts';
import { clusterSecret, readSettings, serverSecret } from '../settings.ts';
import { version } from '../version.ts';

const RUNNERS = ['process', 'slurm', 'flux'] as const;
/** Those of core/containers/runtimes.ts. */
const CONTAINERS = ['auto', 'none', 'pyxis', 'apptainer', 'singularity', 'podman', 'charliecloud'] as const;
/** The names of agent/pick/picks.ts, which takes a while to load. */
const PICK_NAMES = ['first-come', 'smallest', 'shortest', 'label'] as const;

export interface AgentOptions {
  readonly runner: (typeof RUNNERS)[number];
  readonly secret?: string;
  readonly registerSecret?: string;
  readonly graph?: string;
  readonly replaceGraph?: boolean;
  readonly subsystem?: readonly NamedFile[];
  readonly stateDir?: string;
  readonly runAs?: string;
  readonly mapUsers?: string;
  readonly spool?: string;
  readonly sandboxes?: string;
  readonly maxJobs?: number;
  readonly pick?: string;
  readonly pickOption?: Readonly<Record<string, string>>;
  readonly tariff?: string;
  readonly keepFiles?: boolean;
  readonly containers?: string;
  /** false: none. */
  readonly modules?: string | false;
}

export function addAgent(parent: Command, run: Run): void {
  parent
    .command('agent')
    .description('the program beside a cluster: calls in, receives its jobs, runs them and reports')
    .addOption(new Option('--runner <runner>', 'what runs the jobs').choices([...RUNNERS]).default('process'))
    .option('-s, --secret <secret>', 'the cluster’s secret [RAINBOW_SECRET; the configuration]')
    .option(
      '--register-secret <secret>',
      'the server’s secret: registers the cluster if it is not, and saves what it gets [RAINBOW_SERVER_SECRET; scheduler.secret of the configuration]',
    )
    .option(
      '--graph <file>',
      'its resource graph, as registered; else what it registered before, else what is discovered',
    )
    .option('--replace-graph', 'where another graph is registered, make this one the cluster’s; needs its secret')
    .option('--subsystem <name=file>', 'a subsystem of it, registered where it is not (repeatable)', collectFiles)
    .option(
      '--state-dir <folder>',
      'what the agent must remember [~/.local/state/rainbow/agents/NAME, for root /var/lib/rainbow/agents/NAME]',
    )
    .option('--run-as <user>', 'who runs the jobs, where the agent is started as root; never root')
    .option('--map-users <file>', 'runner slurm: who submits for whom, lines "ACCOUNT USER"; by sudo, never root')
    .option(
      '--spool <folder>',
      'runners slurm and flux: scripts and output, where the nodes see it [jobs in the state directory]',
    )
    .option(
      '--sandboxes <folder>',
      'where the files that travel with jobs are while they run; where the nodes see it [files in the spool, else in the state directory]',
    )
    .option('--max-jobs <count>', 'at most this many jobs at once', wholeNumber(1, 100_000))
    .addOption(
      new Option('--pick <pick>', 'which of the jobs that are sent to it it takes first').choices([...PICK_NAMES]),
    )
    .option(
      '--pick-option <key=value>',
      'of label: an attribute that a jobspec must have, as in system.queue=debug (repeatable)',
      collectPairs,
    )
    .option('--tariff <file>', 'what jobs cost here, for bids: docs/bidding.md; without, bids name no price')
    .option(
      '--modules <paths>',
      'runners slurm and flux: folders of software modules, or what "module -t avail" printed, with colons between; the subsystem "modules" [MODULEPATH]',
    )
    .option('--no-modules', 'register no software modules')
    .addOption(
      new Option('--containers <runtime>', 'what runs the images of jobs; auto: what is found')
        .choices([...CONTAINERS])
        .default('auto'),
    )
    .option('--keep-files', 'keep the files of ended jobs, in the state directory')
    .addHelpText(
      'after',
      `
Its jobs go on when it stops, and are found again when it is back.

Examples:
  rainbow agent --cluster-name laptop --register-secret orange
  rainbow agent --runner slurm --cluster-name red --register-secret orange
  rainbow agent --runner flux --cluster-name blue --register-secret orange`,
    )
    .action(run(agent));
}

async function agent(invocation: Invocation, options: AgentOptions): Promise<void> {
  const { io, globals } = invocation;
  const settings = await readSettings(invocation);
  const name = globals.clusterName ?? settings.config.cluster?.name ?? '';
  if (name === '') throw new UsageError('which cluster is this? Give it a name with --cluster-name NAME.');
  const known = options.secret ?? clusterSecret(invocation, settings.config, name);
  const registerSecret = options.registerSecret ?? serverSecret(invocation, settings.config);
  if (known === undefined && registerSecret === undefined) {
    throw new UsageError(
      `the secret of cluster ${name} is missing. If it is registered, pass the secret that it got with --secret or ` +
        'RAINBOW_SECRET; if not, pass the server’s with --register-secret, and the agent registers it.',
    );
  }
  if (options.pick !== undefined || options.pickOption !== undefined) {
    const { pickNamed } = await import('../../agent/pick/picks.ts');
    pickNamed(options.pick ?? 'first-come').open(options.pickOption ?? {});
  }
  const tariff = options.tariff === undefined ? null : await readTariffFile(invocation, options.tariff);
  const stateDir = resolve(options.stateDir ?? join(stateFolder(io.env), 'agents', name));
  const [{ runnerNamed }, { modulePaths, withModules }] = await Promise.all([
    import('../../agent/runners/runners.ts'),
    import('../../agent/software-modules.ts'),
  ]);
  const asked =
    runnerNamed(options.runner).discovery?.(
      { cluster: name, environment: io.env, runAs: options.runAs ?? null },
      io.system,
    ) ?? null;
  if (asked === null && typeof options.modules === 'string') {
    throw new UsageError('--modules is for runners slurm and flux; give this one --subsystem NAME=FILE.');
  }
  const log = { info: invocation.say, warn: invocation.say };
  const modules = options.modules === false ? [] : modulePaths(options.modules ?? io.env['MODULEPATH']);
  const discovery = asked === null ? null : withModules(asked, modules, { system: io.system, log });
  const found = await agentGraph(io, stateDir, name, options, discovery);
  const { graph } = found;
  if (tariff !== null) {
    const { unknownQueues } = await import('../../core/bid/unknown-queues.ts');
    const unknown = unknownQueues(tariff, asked === null ? undefined : graph.subsystems?.['partition']);
    if (unknown !== null) invocation.say(`--tariff ${options.tariff}: ${unknown}`);
  }
  if (options.replaceGraph === true && known !== undefined) {
    await replaceGraph(invocation, { name, secret: known, ...graph });
  }
  const secret =
    registerSecret === undefined
      ? (known ?? '')
      : await ensureRegistered(invocation, settings, { name, secret: known, registerSecret, ...graph });
  // What a runner can discover it brings up to date by itself, once it is let in.
  if (discovery === null) await checkRegistered(invocation, name, found);
  await keepAgentGraph(stateDir, graph);

  const { runAgent } = await import('../../agent/agent.ts');
  invocation.say(`agent of cluster ${name}: runner ${options.runner}, server ${settings.host}`);
  await runAgent(
    {
      host: settings.host,
      ...(settings.tls === undefined ? {} : { tls: settings.tls }),
      cluster: name,
      secret,
      runner: options.runner,
      stateDir,
      ...graph,
      ...(options.runAs === undefined ? {} : { runAs: options.runAs }),
      ...(options.mapUsers === undefined ? {} : { mapUsers: resolve(options.mapUsers) }),
      ...(options.spool === undefined ? {} : { spool: resolve(options.spool) }),
      ...(options.sandboxes === undefined ? {} : { sandboxes: resolve(options.sandboxes) }),
      isRegistered: discovery !== null && known === undefined,
      ...(options.maxJobs === undefined ? {} : { maxJobs: options.maxJobs }),
      ...(options.pick === undefined ? {} : { pick: options.pick }),
      ...(options.pickOption === undefined ? {} : { pickOptions: options.pickOption }),
      tariff,
      ...(options.containers === undefined ? {} : { containers: options.containers }),
      keepFiles: options.keepFiles === true,
      modules,
      formerSubsystems: found.former,
      version: version(),
      environment: io.env,
      log,
    },
    io.system,
    io.signal,
  );
}

/** Read before anything is registered: a wrong price is seen at once. */
async function readTariffFile({ io }: Invocation, file: string) {
  const text = await readInput(io, file);
  const { readTariff } = await import('../../core/bid/tariff-file.ts');
  try {
    return readTariff(text);
  } catch (error) {
    if (!(error instanceof RainbowError)) throw error;
    throw new RainbowError(error.code, `${file}: ${error.message}`, { cause: error });
  }
}

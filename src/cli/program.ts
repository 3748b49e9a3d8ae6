/**
 * The commander program: global options, the commands, and how they are run. Building it is cheap (each command
 * loads what it needs when it is called), so `--help` and completion stay fast.
 */
import { Command, Help, type Option } from 'commander';
import { addAgent } from './commands/agent.ts';
import { addCluster } from './commands/cluster.ts';
import { addClusters } from './commands/clusters.ts';
import { addCompletion } from './commands/completion.ts';
import { addConfig } from './commands/config.ts';
import { addDb } from './commands/db.ts';
import { addDelete } from './commands/delete.ts';
import { addEvents } from './commands/events.ts';
import { addExplain } from './commands/explain.ts';
import { addGraph } from './commands/graph.ts';
import { addGroup } from './commands/group.ts';
import { addJob } from './commands/job.ts';
import { addJobs } from './commands/jobs.ts';
import { addJobspec } from './commands/jobspec.ts';
import { addMatch } from './commands/match.ts';
import { addReceive } from './commands/receive.ts';
import { addRegister } from './commands/register.ts';
import { addReplay } from './commands/replay.ts';
import { addServe } from './commands/serve.ts';
import { addSubmit } from './commands/submit.ts';
import { addUpdate } from './commands/update.ts';
import { addVersion } from './commands/version.ts';
import { failureOf, type ExitCode } from './exit.ts';
import { invocation, type Run } from './invocation.ts';
import type { Io } from './io.ts';
import { cleanLines, wantsColour } from './paint.ts';
import { version } from './version.ts';

/** The whole program. `ended` is told the exit code of the command that was run. */
export function createProgram(io: Io, ended: (code: ExitCode) => void): Command {
  const program: Command = new Command('rainbow')
    .description('One queue for every cluster you can reach.')
    .version(version(), '-V, --version', 'print the version')
    .helpOption('-h, --help', 'show help')
    .helpCommand(false)
    .exitOverride()
    .configureHelp({
      showGlobalOptions: true,
      visibleGlobalOptions: (command) => globalOptionsOf(program, command),
      // `rainbow help job` and `rainbow job --help` are enough.
      visibleCommands: (command) =>
        new Help().visibleCommands(command).filter((sub) => command === program || sub.name() !== 'help'),
    })
    .configureOutput({
      writeOut: (text) => io.stdout.write(text),
      writeErr: (text) => io.stderr.write(text),
      outputError: (text, write) =>
        write(cleanLines(ownName(text.replace(/^error: (?:command-argument value (?='))?/, 'rainbow: ')))),
      getOutHelpWidth: () => Math.min(io.stdout.columns, 120),
      getErrHelpWidth: () => Math.min(io.stderr.columns, 120),
      getOutHasColors: () => wantsColour(io.stdout, io.env),
      getErrHasColors: () => wantsColour(io.stderr, io.env),
    })
    .showHelpAfterError('(add --help for how to call it)');

  program
    .optionsGroup('Global Options:')
    .option('--json', 'print JSON for programs: one document, or one per line for a stream')
    .option(
      '--host <address:port>',
      'the server; repeatable, or with commas, for several on one database [RAINBOW_HOST; localhost:50051]',
      (host: string, before?: string) => (before === undefined ? host : `${before},${host}`),
    )
    .option('--config-path <file>', 'configuration file [RAINBOW_CONFIG; ~/.config/rainbow/config.yaml]')
    .option('--cluster-name <name>', 'the cluster that this is about; else the configuration’s')
    .option('--ca-cert <file>', 'TLS: certificate of the authority that the other side is checked against')
    .option('--cert <file>', 'TLS: own certificate')
    .option('--key <file>', 'TLS: key of the own certificate')
    .option('--select-algorithm <name>', 'selection policy, for serve and config init')
    .option('--match-algorithm <name>', 'match algorithm, for serve and config init: match')
    .option('--graph-database <name>', 'graph database, for serve and config init: memory');

  const run: Run =
    (action) =>
    async (...args) => {
      const command = args.at(-1) as Command;
      const code = await action(invocation(io, command), command.opts<never>(), command.args);
      ended(code ?? 0);
    };

  program.commandsGroup('Jobs:');
  addSubmit(program, run);
  addJobs(program, run);
  addJob(program, run);
  addExplain(program, run);
  addReplay(program, run);
  addEvents(program, run);

  program.commandsGroup('Clusters:');
  addClusters(program, run);
  addCluster(program, run);
  addRegister(program, run);
  addUpdate(program, run);
  addDelete(program, run);
  addGroup(program, run);
  addReceive(program, run);

  program.commandsGroup('Programs that stay:');
  addServe(program, run);
  addAgent(program, run);
  addDb(program, run);

  program.commandsGroup('Without a server:');
  addMatch(program, run);
  addGraph(program, run);
  addJobspec(program, run);

  program.commandsGroup('This program:');
  addConfig(program, run);
  addCompletion(program, run);
  addVersion(program, run);
  program.addHelpCommand(new Command('help').argument('[command]').description('show help for a command'));
  return program;
}

/** Options of the program that say something to this command. */
function globalOptionsOf(program: Command, command: Command): Option[] {
  if (command === program) return [];
  const isSetting = (option: Option): boolean => SETTINGS.includes(option.long ?? '');
  const takesSettings = command.name() === 'serve' || command.parent?.name() === 'config';
  return program.options.filter((option) => option.long !== '--version' && (takesSettings || !isSetting(option)));
}

/** For `serve` and `config init`; elsewhere taken, as the prototype did, and without meaning. */
const SETTINGS = ['--select-algorithm', '--match-algorithm', '--graph-database'];

/** Runs one command line (without program name) to its end; resolves to the exit code, never throws. */
export async function runCommandLine(args: readonly string[], io: Io): Promise<ExitCode> {
  let code = 0;
  try {
    const program = createProgram(io, (ended) => {
      code = ended;
    });
    await program.parseAsync([...args], { from: 'user' });
    return code;
  } catch (error) {
    const failure = failureOf(error, io.signal.aborted);
    if (failure.message !== null) io.stderr.write(`rainbow: ${cleanLines(failure.message)}\n`);
    return failure.code;
  }
}

/** Flags that people bring along from a batch system and that have another name here. */
const OWN_NAMES: Readonly<Record<string, string>> = { '--dependency': '--after' };

function ownName(text: string): string {
  const written = /^rainbow: unknown option '(--[a-z-]+)/.exec(text)?.[1] ?? '';
  const own = Object.hasOwn(OWN_NAMES, written) ? OWN_NAMES[written] : undefined;
  return own === undefined ? text : `${text.split('\n')[0]}: here it is ${own}\n`;
}

/** `rainbow graph discover`: a resource graph of this machine, of the Slurm or Flux cluster here, or of what a tool printed. */
import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { Option, type Command } from 'commander';
import { RainbowError } from '../../../core/errors.ts';
import type { Discovered } from '../../../core/discover/layout.ts';
import type { Source } from '../../../core/discover/sources.ts';
import { discoverMachine, machineName } from '../../discover.ts';
import { about, readInput, writeOutput } from '../../files.ts';
import { UsageError } from '../../exit.ts';
import type { Invocation, Run } from '../../invocation.ts';
import { clean } from '../../paint.ts';

interface Options {
  readonly name?: string;
  readonly from?: Source;
  readonly runner?: 'slurm' | 'flux';
  readonly output?: string;
  readonly subsystems?: string;
  /** false: none. */
  readonly modules?: string | false;
}

export function addDiscover(parent: Command, run: Run): void {
  parent
    .command('discover')
    .description('a resource graph of this machine, or of what a tool printed of a cluster')
    .argument(
      '[file...]',
      'what scontrol show node/partition (text or JSON), flux resource R, lstopo --of xml or compspec extract printed; - for standard input; a folder for all files in it',
    )
    .option('--name <name>', 'name of the cluster in it; else the machine’s')
    .addOption(new Option('--from <tool>', 'what printed the files').choices(['slurm', 'flux', 'lstopo', 'compspec']))
    .addOption(new Option('--runner <runner>', 'ask the cluster itself, as its agent would').choices(['slurm', 'flux']))
    .option('-o, --output <file>', 'write it there instead of printing it')
    .option('--subsystems <folder>', 'write the subsystems that were found there, NAME.json each')
    .option(
      '--modules <paths>',
      'folders of software modules, or what "module -t avail" printed, with colons between: the subsystem "modules" [MODULEPATH, where it is this machine or cluster]',
    )
    .option('--no-modules', 'no software modules')
    .addHelpText(
      'after',
      `
Examples:
  rainbow graph discover -o laptop.json
  scontrol show node | rainbow graph discover - | rainbow graph show -
  rainbow graph discover --runner slurm --subsystems . -o red.json`,
    )
    .action(run(discover));
}

async function discover(invocation: Invocation, options: Options, args: readonly string[]): Promise<void> {
  const { graph, subsystems } = await withModules(invocation, options, args);
  const names = Object.keys(subsystems);
  const files: string[] = [];
  if (options.subsystems !== undefined) {
    for (const name of names) {
      const file = join(options.subsystems, `${name}.json`);
      await writeOutput(file, subsystems[name]!, 0o644);
      files.push(file);
    }
  } else if (names.length > 0) {
    invocation.say(`found subsystem ${names.join(', ')} too: --subsystems FOLDER writes it`);
  }
  if (options.output === undefined) return invocation.print(graph.trimEnd());
  await writeOutput(options.output, graph, 0o644);
  const all = [options.output, ...files];
  invocation.result({ file: options.output, subsystems: files }, `wrote ${all.map(clean).join(', ')}`);
}

async function withModules(invocation: Invocation, options: Options, args: readonly string[]): Promise<Discovered> {
  const found = await discovered(invocation, options, args);
  if (options.modules === false) return found;
  const { findModules, modulePaths } = await import('../../../agent/software-modules.ts');
  const paths = modulePaths(options.modules ?? (args.length === 0 ? invocation.io.env['MODULEPATH'] : ''));
  if (paths.length === 0) return found;
  const [{ moduleSubsystem }, { readGraph }] = await Promise.all([
    import('../../../core/discover/modules.ts'),
    import('../../../core/graph/read.ts'),
  ]);
  const modules = moduleSubsystem(readGraph(found.graph), await findModules(paths));
  if (modules !== null) return { ...found, subsystems: { ...found.subsystems, modules } };
  if (options.modules !== undefined) {
    throw new RainbowError('not_found', `no software module in ${paths.join(', ')}`);
  }
  return found;
}

async function discovered(invocation: Invocation, options: Options, args: readonly string[]): Promise<Discovered> {
  const { io } = invocation;
  const name = options.name ?? machineName();
  if (options.runner !== undefined) {
    if (args.length > 0) throw new UsageError('--runner asks the cluster itself: leave out the files, or --runner.');
    const { runnerNamed } = await import('../../../agent/runners/runners.ts');
    const discovery = runnerNamed(options.runner).discovery?.({ cluster: name, environment: io.env }, io.system);
    if (discovery === undefined) throw new UsageError(`a cluster of runner ${options.runner} cannot be asked.`);
    return discovery.discover();
  }
  if (args.length === 0) {
    if (options.from !== undefined)
      throw new UsageError('--from says what a file is: name the file, or - for standard input.');
    return { graph: await discoverMachine(options.name), subsystems: {} };
  }
  const { discoverFrom } = await import('../../../core/discover/sources.ts');
  const paths = (await Promise.all(args.map(inFolder))).flat();
  const files = await Promise.all(paths.map(async (path) => ({ name: path, text: await readInput(io, path) })));
  return about(paths.join(', '), () => discoverFrom(files, options.from ?? null, name));
}

/** The JSON files of a folder, by name; a file is itself. */
async function inFolder(path: string): Promise<readonly string[]> {
  const found = path === '-' ? null : await stat(path).catch(() => null);
  if (found === null || !found.isDirectory()) return [path];
  const names = (await readdir(path)).filter((name) => name.endsWith('.json')).sort();
  return names.map((name) => join(path, name));
}

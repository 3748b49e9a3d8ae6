/** `rainbow graph discover`: a resource graph of this machine. */
import type { Command } from 'commander';
import { discoverMachine } from '../../discover.ts';
import { writeOutput } from '../../files.ts';
import type { Invocation, Run } from '../../invocation.ts';
import { clean } from '../../paint.ts';

interface Options {
  readonly name?: string;
  readonly output?: string;
}

export function addDiscover(parent: Command, run: Run): void {
  parent
    .command('discover')
    .description('a resource graph of this machine: cores and memory')
    .option('--name <name>', 'name of the cluster in it; else the machine’s')
    .option('-o, --output <file>', 'write it there instead of printing it')
    .action(run(discover));
}

async function discover(invocation: Invocation, options: Options): Promise<void> {
  const graph = await discoverMachine(options.name);
  if (options.output === undefined) return invocation.print(graph);
  await writeOutput(options.output, `${graph}\n`, 0o644);
  invocation.result({ file: options.output }, `wrote ${clean(options.output)}`);
}

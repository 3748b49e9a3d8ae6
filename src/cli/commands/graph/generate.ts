/** `rainbow graph generate`: a resource graph from a size. */
import type { Command } from 'commander';
import { writeOutput } from '../../files.ts';
import type { Invocation, Run } from '../../invocation.ts';
import { clean } from '../../paint.ts';
import { wholeNumber } from '../../options.ts';

interface Options {
  readonly name: string;
  readonly racks?: number;
  readonly nodes: number;
  readonly sockets?: number;
  readonly cores: number;
  readonly gpus?: number;
  readonly memory?: number;
  readonly output?: string;
}

export function addGenerate(parent: Command, run: Run): void {
  parent
    .command('generate')
    .description('a resource graph from a size; nodes are spread over the racks, cores and gpus over the sockets')
    .option('--name <name>', 'name of the cluster', 'cluster')
    .option('--racks <count>', 'racks', wholeNumber(1, 1_000_000))
    .requiredOption('-n, --nodes <count>', 'nodes in all', wholeNumber(1, 1_000_000))
    .option('--sockets <count>', 'sockets in each node', wholeNumber(1, 1024))
    .requiredOption('--cores <count>', 'cores in each node', wholeNumber(1, 65_536))
    .option('--gpus <count>', 'gpus in each node', wholeNumber(0, 1024))
    .option('--memory <gibibytes>', 'memory of each node, in GiB', wholeNumber(0))
    .option('-o, --output <file>', 'write it there instead of printing it')
    .addHelpText('after', '\nExample:\n  rainbow graph generate --name red --nodes 4 --cores 16 --gpus 2 -o red.json')
    .action(run(generate));
}

async function generate(invocation: Invocation, options: Options): Promise<void> {
  const { generateGraph } = await import('../../../core/graph/generate.ts');
  const graph = generateGraph({
    name: options.name,
    nodes: options.nodes,
    coresPerNode: options.cores,
    ...(options.racks === undefined ? {} : { racks: options.racks }),
    ...(options.sockets === undefined ? {} : { socketsPerNode: options.sockets }),
    ...(options.gpus === undefined ? {} : { gpusPerNode: options.gpus }),
    ...(options.memory === undefined ? {} : { memoryGiBPerNode: options.memory }),
  });
  if (options.output === undefined) return invocation.print(graph);
  await writeOutput(options.output, `${graph}\n`, 0o644);
  invocation.result({ file: options.output }, `wrote ${clean(options.output)}`);
}

/** `rainbow graph validate`: is this a resource graph, or a subsystem of one? */
import type { Command } from 'commander';
import type { Invocation, Run } from '../../invocation.ts';
import { readGraphFiles } from '../../graph-files.ts';
import { collectFiles, type NamedFile } from '../../options.ts';
import { clean } from '../../paint.ts';
import { countText } from '../../present/graph.ts';

interface Options {
  readonly subsystem?: readonly NamedFile[];
}

export function addValidate(parent: Command, run: Run): void {
  parent
    .command('validate')
    .description('check a resource graph, and subsystems against it')
    .argument('<file>', 'resource graph, JGF version 2; - for standard input')
    .option('--subsystem <name=file>', 'a subsystem of it (repeatable)', collectFiles)
    .action(run(validate));
}

async function validate(invocation: Invocation, options: Options, args: readonly string[]): Promise<void> {
  const [file = '-'] = args;
  const { graph, subsystems } = await readGraphFiles(invocation.io, file, options.subsystem ?? []);
  const { resourceCounts } = await import('../../../core/graph/counts.ts');
  const counts = resourceCounts(graph);
  const lines = [
    `${clean(file)}: a valid resource graph of ${graph.size} vertices: ${countText(counts)}`,
    ...subsystems.map(
      ({ file, subsystem }) =>
        `${clean(file)}: a valid subsystem ${clean(subsystem.name)} of ${subsystem.size} vertices, linked in ${subsystem.links.length} places`,
    ),
  ];
  invocation.result(
    {
      file,
      valid: true,
      vertices: graph.size,
      resources: counts,
      subsystems: subsystems.map(({ file, subsystem }) => ({
        name: subsystem.name,
        file,
        vertices: subsystem.size,
        links: subsystem.links.length,
      })),
    },
    lines.join('\n'),
  );
}

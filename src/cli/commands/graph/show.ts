/** `rainbow graph show`: a resource graph as a tree, equal siblings folded. */
import type { Command } from 'commander';
import type { Invocation, Run } from '../../invocation.ts';
import { readGraphFiles } from '../../graph-files.ts';
import { collectFiles, type NamedFile } from '../../options.ts';
import { countText, foldGraph, foldedLine, foldedTree } from '../../present/graph.ts';

interface Options {
  readonly subsystem?: readonly NamedFile[];
}

export function addShow(parent: Command, run: Run): void {
  parent
    .command('show')
    .description('draw a resource graph: a tree with equal siblings folded')
    .argument('<file>', 'resource graph, JGF version 2; - for standard input')
    .option('--subsystem <name=file>', 'a subsystem of it (repeatable)', collectFiles)
    .action(run(show));
}

async function show(invocation: Invocation, options: Options, args: readonly string[]): Promise<void> {
  const [file = '-'] = args;
  const { graph, subsystems } = await readGraphFiles(invocation.io, file, options.subsystem ?? []);
  const { resourceCounts } = await import('../../../core/graph/counts.ts');
  const counts = resourceCounts(graph);
  const folded = foldGraph(
    graph,
    subsystems.map(({ subsystem }) => subsystem),
  );
  invocation.result(
    { file, vertices: graph.size, shape: foldedLine(folded), tree: folded, resources: counts },
    () => `${foldedTree(folded, invocation.paint)}\n\n${foldedLine(folded)}\n${countText(counts)}`,
  );
}

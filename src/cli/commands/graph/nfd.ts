/** `rainbow graph nfd`: what is known of nodes, as the subsystem that images are matched with. */
import { counted } from '../../../core/translate/counted.ts';
import type { Command } from 'commander';
import type { NodeReport } from '../../../core/image/node-files.ts';
import { UsageError } from '../../exit.ts';
import { about, readInput, writeOutput } from '../../files.ts';
import { readGraphFiles } from '../../graph-files.ts';
import type { Invocation, Run } from '../../invocation.ts';
import { clean } from '../../paint.ts';

interface Options {
  readonly graph: string;
  readonly output?: string;
}

export function addNfd(parent: Command, run: Run): void {
  parent
    .command('nfd')
    .description('node features, from files of Node Feature Discovery or compspec, as the subsystem "nfd"')
    .argument('<file...>', 'FILE, or NODE=FILE where the file does not say which node it is about')
    .requiredOption('--graph <file>', 'resource graph that has the nodes, JGF version 2')
    .option('-o, --output <file>', 'write it there instead of printing it')
    .addHelpText(
      'after',
      `
Files are NodeFeature objects (YAML or JSON), what "nfd export features" writes,
feature files (NAME=VALUE) and extractions of compspec.

Example:
  kubectl get nodefeatures -A -o yaml > features.yaml
  rainbow graph nfd --graph cluster.json features.yaml -o nfd.json
  rainbow register subsystem --subsystem nfd --nodes-json nfd.json`,
    )
    .action(run(nfd));
}

async function nfd(invocation: Invocation, options: Options, files: readonly string[]): Promise<void> {
  const [{ featureSubsystem }, { readNodeFile }] = await Promise.all([
    import('../../../core/image/feature-subsystem.ts'),
    import('../../../core/image/node-files.ts'),
  ]);
  const now = invocation.io.system.clock.now();
  const { graph } = await readGraphFiles(invocation.io, options.graph, []);
  const reports: NodeReport[] = [];
  for (const given of files) {
    const at = given.indexOf('=');
    const [node, file] = at > 0 ? [given.slice(0, at), given.slice(at + 1)] : ['', given];
    const text = await readInput(invocation.io, file);
    for (const report of about(file, () => readNodeFile(text, 'features', now))) {
      if (report.node === '' && node === '') {
        throw new UsageError(`${file} does not say which node it is about: give NODE=${file}.`);
      }
      reports.push(node === '' ? report : { ...report, node });
    }
  }
  const { text, unknown, kinds } = about(options.graph, () => featureSubsystem(graph, reports));
  if (unknown.length > 0) {
    const more = unknown.length > 5 ? ', …' : '';
    invocation.say(
      `nothing is known of ${counted(unknown.length, 'node')}: ${clean(unknown.slice(0, 5).join(', '))}${more}`,
    );
  }
  if (options.output === undefined) return invocation.print(text);
  await writeOutput(options.output, `${text}\n`, 0o644);
  invocation.result(
    { file: options.output, kinds, unknown },
    `wrote ${clean(options.output)} (${kinds} kinds of nodes)`,
  );
}

/** `rainbow register subsystem`: a second graph, linked to a cluster's. */
import type { Command } from 'commander';
import { connect } from '../../connection.ts';
import { UsageError } from '../../exit.ts';
import { readInput } from '../../files.ts';
import type { Invocation, Run } from '../../invocation.ts';
import { clusterJson } from '../../present/cluster.ts';
import { clusterAccess } from '../../settings.ts';

interface Options {
  readonly subsystem: string;
  readonly nodesJson: string;
  readonly secret?: string;
  readonly replace?: boolean;
}

export function addSubsystem(parent: Command, run: Run): void {
  parent
    .command('subsystem')
    .description('register a subsystem of a cluster: a second graph, such as io or software, linked to the first')
    .requiredOption('--subsystem <name>', 'its name')
    .requiredOption('--nodes-json <file>', 'its graph, JGF version 2; - for standard input')
    .option('-s, --secret <secret>', 'the cluster’s secret [RAINBOW_SECRET; the configuration]')
    .option('--replace', 'instead of the one of that name that is there')
    .action(run(register));
}

async function register(invocation: Invocation, options: Options): Promise<void> {
  if (options.subsystem === 'cluster') {
    throw new UsageError('"cluster" is the resource graph itself; use: rainbow register cluster --replace');
  }
  const { name, secret, carries } = await clusterAccess(invocation, options.secret);
  const graph = await readInput(invocation.io, options.nodesJson);
  const { cluster } = await connect(invocation, { anonymous: true, carries }, (client, signal) =>
    client.clusters.registerSubsystem(
      { cluster: name, secret, subsystem: options.subsystem, graph, replace: options.replace === true },
      { signal },
    ),
  );
  invocation.result(
    {
      status: 'registered',
      subsystem: options.subsystem,
      cluster: cluster === undefined ? null : clusterJson(cluster),
    },
    `subsystem ${options.subsystem} of cluster ${name} registered`,
  );
}

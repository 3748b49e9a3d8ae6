/** `rainbow cluster show`: everything about one cluster. */
import type { Command } from 'commander';
import { connect } from '../../connection.ts';
import type { Invocation, Run } from '../../invocation.ts';
import { clusterJson, clusterText } from '../../present/cluster.ts';

export function addShow(parent: Command, run: Run): void {
  parent
    .command('show')
    .description('everything about one cluster')
    .argument('<name>', 'the cluster')
    .action(run(show));
}

async function show(invocation: Invocation, _options: object, args: readonly string[]): Promise<void> {
  const [name = ''] = args;
  const cluster = await connect(invocation, {}, (client, signal) => client.clusters.get({ name }, { signal }));
  invocation.result(clusterJson(cluster), () =>
    clusterText(invocation.paint, cluster, invocation.io.system.clock.now()),
  );
}

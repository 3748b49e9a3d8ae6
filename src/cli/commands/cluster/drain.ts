/** `rainbow cluster drain`: no new jobs for it, until it is resumed. */
import type { Command } from 'commander';
import { changedCluster, changeOptions } from '../../change-cluster.ts';
import { connect, type OperatorOptions } from '../../connection.ts';
import type { Invocation, Run } from '../../invocation.ts';
import { clean } from '../../paint.ts';
import { clusterJson } from '../../present/cluster.ts';

interface Options extends OperatorOptions {
  readonly reason?: string;
}

export function addDrain(parent: Command, run: Run): void {
  const command = parent
    .command('drain')
    .description('give it no new jobs until it is resumed; what it holds goes on')
    .argument('<name>', 'the cluster')
    .option('--reason <text>', 'why, for those whose jobs go elsewhere')
    .addHelpText('after', '\nExample:\n  rainbow cluster drain red --reason "new disks"');
  changeOptions(command).action(run(drain));
}

async function drain(invocation: Invocation, options: Options, args: readonly string[]): Promise<void> {
  const { name, secret, asking } = await changedCluster(invocation, options, args[0]);
  const cluster = await connect(invocation, asking, (client, signal) =>
    client.clusters.drain({ cluster: name, secret, reason: options.reason ?? '' }, { signal }),
  );
  invocation.result(
    clusterJson(cluster),
    `cluster ${clean(name)} is drained: it gets no new jobs until: rainbow cluster resume ${clean(name)}`,
  );
}

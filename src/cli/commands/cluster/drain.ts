/** `rainbow cluster drain`: no new jobs for it, until it is resumed. */
import type { Command } from 'commander';
import { connect } from '../../connection.ts';
import type { Invocation, Run } from '../../invocation.ts';
import { clean } from '../../paint.ts';
import { clusterJson } from '../../present/cluster.ts';
import { clusterAccess } from '../../settings.ts';

interface Options {
  readonly reason?: string;
  readonly secret?: string;
}

export function addDrain(parent: Command, run: Run): void {
  parent
    .command('drain')
    .description('give it no new jobs until it is resumed; what it holds goes on')
    .argument('<name>', 'the cluster')
    .option('--reason <text>', 'why, for those whose jobs go elsewhere')
    .option('-s, --secret <secret>', 'the cluster’s secret [RAINBOW_SECRET; the configuration]')
    .addHelpText('after', '\nExample:\n  rainbow cluster drain red --reason "new disks"')
    .action(run(drain));
}

async function drain(invocation: Invocation, options: Options, args: readonly string[]): Promise<void> {
  const { name, secret, carries } = await clusterAccess(invocation, options.secret, args[0]);
  const cluster = await connect(invocation, { anonymous: true, carries }, (client, signal) =>
    client.clusters.drain({ cluster: name, secret, reason: options.reason ?? '' }, { signal }),
  );
  invocation.result(
    clusterJson(cluster),
    `cluster ${clean(name)} is drained: it gets no new jobs until: rainbow cluster resume ${clean(name)}`,
  );
}

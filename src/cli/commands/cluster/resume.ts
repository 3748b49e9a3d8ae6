/** `rainbow cluster resume`: a drained cluster gets jobs again. */
import type { Command } from 'commander';
import { connect } from '../../connection.ts';
import type { Invocation, Run } from '../../invocation.ts';
import { clean } from '../../paint.ts';
import { clusterJson } from '../../present/cluster.ts';
import { clusterAccess } from '../../settings.ts';

interface Options {
  readonly secret?: string;
}

export function addResume(parent: Command, run: Run): void {
  parent
    .command('resume')
    .description('give a drained cluster jobs again')
    .argument('<name>', 'the cluster')
    .option('-s, --secret <secret>', 'the cluster’s secret [RAINBOW_SECRET; the configuration]')
    .action(run(resume));
}

async function resume(invocation: Invocation, options: Options, args: readonly string[]): Promise<void> {
  const { name, secret, carries } = await clusterAccess(invocation, options.secret, args[0]);
  const cluster = await connect(invocation, { anonymous: true, carries }, (client, signal) =>
    client.clusters.resume({ cluster: name, secret }, { signal }),
  );
  invocation.result(clusterJson(cluster), `cluster ${clean(name)} gets jobs again`);
}

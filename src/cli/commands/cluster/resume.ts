/** `rainbow cluster resume`: a drained cluster gets jobs again. */
import type { Command } from 'commander';
import { changedCluster, changeOptions } from '../../change-cluster.ts';
import { connect, type OperatorOptions } from '../../connection.ts';
import type { Invocation, Run } from '../../invocation.ts';
import { clean } from '../../paint.ts';
import { clusterJson } from '../../present/cluster.ts';

export function addResume(parent: Command, run: Run): void {
  const command = parent
    .command('resume')
    .description('give a drained cluster jobs again')
    .argument('<name>', 'the cluster');
  changeOptions(command).action(run(resume));
}

async function resume(invocation: Invocation, options: OperatorOptions, args: readonly string[]): Promise<void> {
  const { name, secret, asking } = await changedCluster(invocation, options, args[0]);
  const cluster = await connect(invocation, asking, (client, signal) =>
    client.clusters.resume({ cluster: name, secret }, { signal }),
  );
  invocation.result(clusterJson(cluster), `cluster ${clean(name)} gets jobs again`);
}

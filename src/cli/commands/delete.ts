/** `rainbow delete`: a cluster with all that hangs on it, or one subsystem. */
import type { Command } from 'commander';
import { connect } from '../connection.ts';
import type { Invocation, Run } from '../invocation.ts';
import { clusterAccess } from '../settings.ts';

interface Options {
  readonly deleteSubsystem?: string;
  readonly deleteSecret?: string;
  readonly secret?: string;
}

export function addDelete(parent: Command, run: Run): void {
  parent
    .command('delete')
    .description('delete a cluster with all that hangs on it, or one of its subsystems')
    .option('--delete-subsystem <name>', 'only this subsystem')
    .option('--delete-secret <secret>', 'the cluster’s secret [RAINBOW_SECRET; the configuration]')
    .option('-s, --secret <secret>', 'the same')
    .addHelpText('after', '\nExample:\n  rainbow delete --cluster-name red')
    .action(run(remove));
}

async function remove(invocation: Invocation, options: Options): Promise<void> {
  const { name, secret } = await clusterAccess(invocation, options.deleteSecret ?? options.secret);
  const subsystem = options.deleteSubsystem;
  if (subsystem !== undefined && subsystem !== '') {
    await connect(invocation, { anonymous: true }, (client, signal) =>
      client.clusters.deleteSubsystem({ cluster: name, secret, subsystem }, { signal }),
    );
    return invocation.result(
      { cluster: name, subsystem, deleted: true },
      `subsystem ${subsystem} of cluster ${name} deleted`,
    );
  }
  const { jobsReturned, jobsCanceled } = await connect(invocation, { anonymous: true }, (client, signal) =>
    client.clusters.delete({ name, secret }, { signal }),
  );
  invocation.result(
    { cluster: name, deleted: true, jobsReturned, jobsCanceled },
    `cluster ${name} deleted; jobs that went back to the queue: ${jobsReturned}, canceled: ${jobsCanceled}`,
  );
}

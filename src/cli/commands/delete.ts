/** `rainbow delete`: a cluster with all that hangs on it, or one subsystem. */
import type { Command } from 'commander';
import { RainbowError } from '../../core/errors.ts';
import { changedCluster, changeOptions } from '../change-cluster.ts';
import { connect, type OperatorOptions } from '../connection.ts';
import { forgetCredentials } from '../enroll.ts';
import { UsageError } from '../exit.ts';
import type { Invocation, Run } from '../invocation.ts';
import { configPath } from '../settings.ts';

interface Options extends OperatorOptions {
  readonly deleteSubsystem?: string;
  readonly deleteSecret?: string;
  readonly yes?: boolean;
}

export function addDelete(parent: Command, run: Run): void {
  const command = parent
    .command('delete')
    .description('delete a cluster with all that hangs on it, or one of its subsystems')
    .argument('[name]', 'the cluster; the same as --cluster-name')
    .option('--delete-subsystem <name>', 'only this subsystem')
    .option('--delete-secret <secret>', 'the same as --secret')
    .option('-y, --yes', 'delete the configuration’s cluster, where none is named')
    .addHelpText(
      'after',
      '\nA deleted cluster’s secret and token are taken out of the configuration, too.\n\nExample:\n  rainbow delete --cluster-name red',
    );
  changeOptions(command).action(run(remove));
}

async function remove(invocation: Invocation, options: Options, args: readonly string[]): Promise<void> {
  const [argument] = args;
  const { clusterName } = invocation.globals;
  if (argument !== undefined && clusterName !== undefined && argument !== clusterName) {
    throw new UsageError(`which cluster: ${argument}, or ${clusterName}? Name one.`);
  }
  const shown = { ...options, ...(options.deleteSecret === undefined ? {} : { secret: options.deleteSecret }) };
  const { name, secret, isNamed, asking } = await changedCluster(invocation, shown, argument ?? clusterName);
  const subsystem = options.deleteSubsystem;
  if (subsystem !== undefined && subsystem !== '') {
    await connect(invocation, asking, (client, signal) =>
      client.clusters.deleteSubsystem({ cluster: name, secret, subsystem }, { signal }),
    );
    return invocation.result(
      { cluster: name, subsystem, deleted: true },
      `subsystem ${subsystem} of cluster ${name} deleted`,
    );
  }
  if (!isNamed && options.yes !== true) {
    throw new UsageError(
      `this would delete cluster ${name}, the one in ${configPath(invocation)}, with all that hangs on it: ` +
        `name it (rainbow delete --cluster-name ${name}), or add --yes.`,
    );
  }
  const { jobsReturned, jobsCanceled } = await connect(invocation, asking, (client, signal) =>
    client.clusters.delete({ name, secret }, { signal }),
  );
  await forget(invocation, name);
  invocation.result(
    { cluster: name, deleted: true, jobsReturned, jobsCanceled },
    `cluster ${name} deleted; jobs that went back to the queue: ${jobsReturned}, canceled: ${jobsCanceled}`,
  );
}

/** It is deleted whatever becomes of the file. */
async function forget(invocation: Invocation, name: string): Promise<void> {
  const file = configPath(invocation);
  try {
    if (await forgetCredentials(invocation, name)) invocation.say(`its secret and token were taken out of ${file}`);
  } catch (error) {
    if (!(error instanceof RainbowError)) throw error;
    invocation.say(`its secret and token are still in ${file}: ${error.message}`);
  }
}

/** Who may change a cluster: whoever has its secret, or an operator with the server's. */
import { Option, type Command } from 'commander';
import type { Asking, OperatorOptions } from './connection.ts';
import { UsageError } from './exit.ts';
import type { Invocation } from './invocation.ts';
import { clusterAccess, readSettings } from './settings.ts';

export function changeOptions(command: Command): Command {
  return command
    .option('-s, --secret <secret>', 'the cluster’s secret [RAINBOW_SECRET; the configuration]')
    .addOption(
      new Option(
        '--operator',
        'as an operator: --secret is the server’s [RAINBOW_SERVER_SECRET; scheduler.secret of the configuration]',
      ),
    );
}

export interface ChangedCluster {
  readonly name: string;
  /** Is it named on the command line, or only in the configuration? */
  readonly isNamed: boolean;
  /** For the message: '' for an operator, who says who he is beside it. */
  readonly secret: string;
  readonly asking: Asking;
}

/** `named`: on the command line; else the configuration's own. */
export async function changedCluster(
  invocation: Invocation,
  { operator, secret }: OperatorOptions,
  named: string | undefined = invocation.globals.clusterName,
): Promise<ChangedCluster> {
  if (operator !== true) {
    const { carries, ...access } = await clusterAccess(
      invocation,
      secret,
      named,
      '; or say --operator, with the server’s',
    );
    return { ...access, asking: { anonymous: true, carries } };
  }
  const isNamed = named !== undefined && named !== '';
  const name = isNamed ? named : (await readSettings(invocation)).config.cluster?.name;
  if (name === undefined || name === '') throw new UsageError('which cluster? Give its name with --cluster-name NAME.');
  return { name, isNamed, secret: '', asking: { operator, ...(secret === undefined ? {} : { secret }) } };
}

/** `rainbow group update`: other clusters, the same token. */
import type { Command } from 'commander';
import { connect, secretOption, type OperatorOptions } from '../../connection.ts';
import type { Invocation, Run } from '../../invocation.ts';
import { collect } from '../../options.ts';
import { groupJson, groupLine } from '../../present/group.ts';

interface Options extends OperatorOptions {
  readonly cluster?: readonly string[];
}

export function addUpdate(parent: Command, run: Run): void {
  const command = parent
    .command('update')
    .description('set the clusters of a group; its token stays')
    .argument('<name>', 'the group')
    .option('--cluster <name>', 'a cluster of it (repeatable); without any, the group is empty', collect);
  secretOption(command).action(run(update));
}

async function update(invocation: Invocation, options: Options, args: readonly string[]): Promise<void> {
  const [name = ''] = args;
  const group = await connect(invocation, { ...options, operator: true }, (client, signal) =>
    client.groups.update({ name, clusters: [...(options.cluster ?? [])] }, { signal }),
  );
  invocation.result(groupJson(group), () => groupLine(group));
}

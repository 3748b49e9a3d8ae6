/** `rainbow group delete`: the group goes, its clusters stay. */
import type { Command } from 'commander';
import { connect, secretOption, type OperatorOptions } from '../../connection.ts';
import type { Invocation, Run } from '../../invocation.ts';

export function addDelete(parent: Command, run: Run): void {
  const command = parent
    .command('delete')
    .description('delete a group; its clusters stay, its token opens nothing any more')
    .argument('<name>', 'the group');
  secretOption(command).action(run(remove));
}

async function remove(invocation: Invocation, options: OperatorOptions, args: readonly string[]): Promise<void> {
  const [name = ''] = args;
  await connect(invocation, { ...options, operator: true }, (client, signal) =>
    client.groups.delete({ name }, { signal }),
  );
  invocation.result({ name, deleted: true }, `group ${name} deleted`);
}

/** `rainbow group list`: the groups and their clusters. */
import type { Command } from 'commander';
import { connect, secretOption, type OperatorOptions } from '../../connection.ts';
import type { Invocation, Run } from '../../invocation.ts';
import { groupJson, groupLine } from '../../present/group.ts';

export function addList(parent: Command, run: Run): void {
  const command = parent.command('list').description('the groups and their clusters');
  secretOption(command).action(run(list));
}

async function list(invocation: Invocation, options: OperatorOptions): Promise<void> {
  const { groups } = await connect(invocation, { ...options, operator: true }, (client, signal) =>
    client.groups.list({}, { signal }),
  );
  invocation.result(groups.map(groupJson), () =>
    groups.length === 0 ? 'no groups' : groups.map(groupLine).join('\n'),
  );
}

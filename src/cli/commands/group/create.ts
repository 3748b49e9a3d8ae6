/** `rainbow group create`: a group and its token, which is shown once. */
import type { Command } from 'commander';
import { connect, secretOption, type OperatorOptions } from '../../connection.ts';
import type { Invocation, Run } from '../../invocation.ts';
import { collect } from '../../options.ts';
import { groupJson } from '../../present/group.ts';
import { changeConfig, configPath } from '../../settings.ts';

interface Options extends OperatorOptions {
  readonly cluster?: readonly string[];
  readonly save?: boolean;
}

export function addCreate(parent: Command, run: Run): void {
  const command = parent
    .command('create')
    .description('make a group; prints its token, once')
    .argument('<name>', 'the group')
    .option('--cluster <name>', 'a cluster of it (repeatable)', collect)
    .option('--save', 'write the token into the configuration file');
  secretOption(command).action(run(create));
}

async function create(invocation: Invocation, options: Options, args: readonly string[]): Promise<void> {
  const [name = ''] = args;
  const answer = await connect(invocation, { ...options, operator: true }, (client, signal) =>
    client.groups.create({ name, clusters: [...(options.cluster ?? [])] }, { signal }),
  );
  const { token } = answer;
  if (options.save === true) {
    await changeConfig(invocation, (config) => ({
      ...config,
      groups: [...config.groups.filter((group) => group.name !== name), { name, token }],
    }));
    invocation.say(`saved in ${configPath(invocation)}`);
  }
  invocation.result(
    { ...groupJson(answer.group), token },
    () =>
      `group ${name} made\n` +
      `token: ${token}\n\n` +
      'The token is shown this once. Whoever may submit to the group puts it into their configuration:\n' +
      `  groups:\n    - name: ${name}\n      token: ${token}`,
  );
}

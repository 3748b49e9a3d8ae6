/** `rainbow version`: this program's, and with --server the server's. */
import type { Command } from 'commander';
import { connect } from '../connection.ts';
import type { Invocation, Run } from '../invocation.ts';
import { version } from '../version.ts';

interface Options {
  readonly server?: boolean;
}

export function addVersion(parent: Command, run: Run): void {
  parent
    .command('version')
    .description('the version of this program, and of the server')
    .option('--server', 'ask the server, too')
    .action(run(show));
}

async function show(invocation: Invocation, options: Options): Promise<void> {
  const own = version();
  if (options.server !== true) {
    return invocation.result({ version: own, node: process.version }, `rainbow ${own} (Node ${process.version})`);
  }
  const info = await connect(invocation, {}, (client) => client.server.getInfo({}));
  invocation.result(
    {
      version: own,
      node: process.version,
      server: {
        version: info.version,
        name: info.name,
        store: info.store,
        agentProtocols: info.agentProtocols,
        defaultPolicy: info.defaultPolicy,
        clientMayChoosePolicy: info.clientMayChoosePolicy,
      },
    },
    `rainbow ${own} (Node ${process.version})\nserver ${info.name} ${info.version} (store ${info.store}, policy ${info.defaultPolicy})`,
  );
}

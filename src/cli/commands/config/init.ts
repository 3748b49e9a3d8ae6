/** `rainbow config init`: a configuration file to begin with. */
import { access } from 'node:fs/promises';
import type { Command } from 'commander';
import { RainbowError } from '../../../core/errors.ts';
import type { Invocation, Run } from '../../invocation.ts';
import { clean } from '../../paint.ts';
import { configPath, DEFAULT_HOST } from '../../settings.ts';

interface Options {
  readonly force?: boolean;
}

export function addInit(parent: Command, run: Run): void {
  parent
    .command('init')
    .description('write a configuration file to begin with; --config-path says where')
    .option('--force', 'replace the one that is there')
    .action(run(init));
}

async function init(invocation: Invocation, options: Options): Promise<void> {
  const { globals } = invocation;
  const path = configPath(invocation);
  if (options.force !== true && (await isThere(path))) {
    throw new RainbowError('already_exists', `${path} is there already; change it by hand, or replace it with --force`);
  }
  const { initialClientConfig, writeClientConfig } = await import('../../../config/config.ts');
  await writeClientConfig(
    path,
    initialClientConfig({
      host: globals.host ?? DEFAULT_HOST,
      clusterName: globals.clusterName,
      selectAlgorithm: globals.selectAlgorithm,
      matchAlgorithm: globals.matchAlgorithm,
      graphDatabase: globals.graphDatabase,
    }),
  );
  invocation.result({ file: path }, `wrote ${clean(path)}`);
}

async function isThere(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}

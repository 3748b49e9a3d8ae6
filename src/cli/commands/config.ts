/** `rainbow config …`: the configuration file. */
import type { Command } from 'commander';
import type { Run } from '../invocation.ts';
import { addInit } from './config/init.ts';

export function addConfig(parent: Command, run: Run): void {
  const config = parent.command('config').description('the configuration file');
  addInit(config, run);
}

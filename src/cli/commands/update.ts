/** `rainbow update …`: what a cluster says about itself. */
import type { Command } from 'commander';
import type { Run } from '../invocation.ts';
import { addState } from './update/state.ts';

export function addUpdate(parent: Command, run: Run): void {
  const update = parent.command('update').description('update the state of a cluster');
  addState(update, run);
}

/** `rainbow group …`: cluster groups, for operators. */
import type { Command } from 'commander';
import type { Run } from '../invocation.ts';
import { addCreate } from './group/create.ts';
import { addDelete } from './group/delete.ts';
import { addList } from './group/list.ts';
import { addUpdate } from './group/update.ts';

export function addGroup(parent: Command, run: Run): void {
  const group = parent.command('group').description('cluster groups: clusters that one token opens; for operators');
  addCreate(group, run);
  addUpdate(group, run);
  addDelete(group, run);
  addList(group, run);
}

/** `rainbow db …`: the database as its operator meets it. */
import type { Command } from 'commander';
import type { Run } from '../invocation.ts';
import { addBackup } from './db/backup.ts';
import { addCheck } from './db/check.ts';
import { addCopy } from './db/copy.ts';
import { addRestore } from './db/restore.ts';

export function addDb(parent: Command, run: Run): void {
  const db = parent
    .command('db')
    .description('the server’s database, on its own machine: back it up, restore, copy, check');
  addBackup(db, run);
  addRestore(db, run);
  addCopy(db, run);
  addCheck(db, run);
}

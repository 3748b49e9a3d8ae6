/** `rainbow jobspec …`: check and read jobspecs, without a server. */
import type { Command } from 'commander';
import type { Run } from '../invocation.ts';
import { addShow } from './jobspec/show.ts';
import { addValidate } from './jobspec/validate.ts';

export function addJobspec(parent: Command, run: Run): void {
  const jobspec = parent.command('jobspec').description('check and read jobspecs');
  addValidate(jobspec, run);
  addShow(jobspec, run);
}

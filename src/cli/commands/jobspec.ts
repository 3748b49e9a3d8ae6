/** `rainbow jobspec …`: check, read and translate jobspecs, without a server. */
import type { Command } from 'commander';
import type { Run } from '../invocation.ts';
import { addConvert } from './jobspec/convert.ts';
import { addShow } from './jobspec/show.ts';
import { addValidate } from './jobspec/validate.ts';

export function addJobspec(parent: Command, run: Run): void {
  const jobspec = parent
    .command('jobspec')
    .description('check, read and translate jobspecs, batch scripts and Kubernetes Jobs');
  addValidate(jobspec, run);
  addConvert(jobspec, run);
  addShow(jobspec, run);
}

/** `rainbow jobspec show`: how Rainbow reads a jobspec, whatever its dialect. */
import type { Command } from 'commander';
import { readInput } from '../../files.ts';
import { about } from '../../graph-files.ts';
import type { Invocation, Run } from '../../invocation.ts';
import { jobspecText } from '../../present/jobspec.ts';

export function addShow(parent: Command, run: Run): void {
  parent
    .command('show')
    .description('how Rainbow reads a jobspec, whatever its dialect')
    .argument('<file>', 'jobspec, YAML or JSON; - for standard input')
    .action(run(show));
}

async function show(invocation: Invocation, _options: object, args: readonly string[]): Promise<void> {
  const { readJobspec } = await import('../../../core/jobspec/read.ts');
  const [file = '-'] = args;
  const text = await readInput(invocation.io, file);
  const jobspec = about(file, () => readJobspec(text));
  // JSON has no Infinity; a count without a bound has `max` null.
  if (invocation.json) {
    return invocation.print(
      JSON.stringify(jobspec, (_key, value: unknown) => (value === Number.POSITIVE_INFINITY ? null : value)),
    );
  }
  invocation.print(jobspecText(jobspec));
}

/** `rainbow jobspec show`: how Rainbow reads a jobspec, whatever its dialect, or a batch script or Kubernetes Job. */
import { Option, type Command } from 'commander';
import type { Form } from '../../../core/translate/translate.ts';
import { about } from '../../files.ts';
import type { Invocation, Run } from '../../invocation.ts';
import { jobspecText } from '../../present/jobspec.ts';
import { FORM_WORDS, readTranslated, sayReport } from '../../translated.ts';

export function addShow(parent: Command, run: Run): void {
  parent
    .command('show')
    .description('how Rainbow reads it, whatever its form')
    .argument('<file>', 'a jobspec, batch script, Flux command line or Kubernetes Jobs; - for standard input')
    .addOption(
      new Option('--from <form>', 'what the file is, where it could be several things').choices([...FORM_WORDS]),
    )
    .action(run(show));
}

async function show(invocation: Invocation, options: { readonly from?: Form }, args: readonly string[]): Promise<void> {
  const { readJobspec } = await import('../../../core/jobspec/read.ts');
  const [file = '-'] = args;
  const { form, jobs, report } = await readTranslated(invocation, { file, form: options.from });
  sayReport(invocation, file, report);
  for (const job of jobs) {
    const jobspec = about(file, () => readJobspec(job.jobspec));
    if (!invocation.json) {
      sayReport(invocation, file, job.report);
      invocation.print(jobspecText(jobspec));
      continue;
    }
    const document = form === 'jobspec' ? jobspec : { ...jobspec, form, jobspec: job.jobspec, report: job.report };
    // JSON has no Infinity; a count without a bound has `max` null.
    invocation.print(
      JSON.stringify(document, (_key, value: unknown) => (value === Number.POSITIVE_INFINITY ? null : value)),
    );
  }
}

/** `rainbow jobspec convert`: from any form that is read to any that is written, with a report of what is lost. */
import { Option, type Command } from 'commander';
import type { ReportLine } from '../../../core/translate/report.ts';
import type { Form } from '../../../core/translate/translate.ts';
import type { Target } from '../../../core/translate/render/render.ts';
import { UsageError } from '../../exit.ts';
import { about, writeOutput } from '../../files.ts';
import type { Invocation, Run } from '../../invocation.ts';
import { FORM_WORDS, readTranslated, refuse, sayReport } from '../../translated.ts';

interface Options {
  readonly to: Target;
  readonly from?: Form;
  readonly image?: string;
  readonly allowLossy?: boolean;
  readonly output?: string;
}

export function addConvert(parent: Command, run: Run): void {
  parent
    .command('convert')
    .description('translate to another form; says on standard error what became of everything')
    .argument('<file>', 'a jobspec, batch script, Flux command line or Kubernetes Jobs; - for standard input')
    .addOption(
      new Option('--to <form>', 'what to write')
        .choices(['rfc14', 'sbatch', 'flux', 'kubernetes'])
        .makeOptionMandatory(),
    )
    .addOption(
      new Option('--from <form>', 'what the file is, where it could be several things').choices([...FORM_WORDS]),
    )
    .option('--image <reference>', 'for kubernetes: the image, where the job names none')
    .option('--allow-lossy', 'even where something is lost')
    .option('-o, --output <file>', 'write to this file instead of standard output')
    .addHelpText(
      'after',
      `
Examples:
  rainbow jobspec convert job.sh --to rfc14
  rainbow jobspec convert jobspec.yaml --to sbatch -o job.sh
  rainbow jobspec convert job.sh --to kubernetes --image debian:stable-slim`,
    )
    .action(run(convert));
}

async function convert(invocation: Invocation, options: Options, args: readonly string[]): Promise<void> {
  const [file = '-'] = args;
  if (options.image !== undefined && options.to !== 'kubernetes')
    throw new UsageError('--image is for --to kubernetes.');
  const translation = await readTranslated(invocation, { file, form: options.from });
  const [{ render }, { isLossy }] = await Promise.all([
    import('../../../core/translate/render/render.ts'),
    import('../../../core/translate/report.ts'),
  ]);
  const jobs = translation.jobs.map(({ jobspec, report }) => {
    const rendered = about(file, () => render(jobspec, options.to, options.image ?? null));
    return { text: rendered.text, report: [...report, ...rendered.report] };
  });
  const lines: readonly ReportLine[] = [...translation.report, ...jobs.flatMap(({ report }) => report)];
  sayReport(invocation, file, lines);
  if (options.allowLossy !== true)
    refuse(
      file,
      'converted',
      lines.filter((line) => isLossy([line])),
    );
  if (jobs.length > 1 && (options.to === 'sbatch' || options.to === 'flux') && !invocation.json) {
    throw new UsageError(`${jobs.length} jobs make ${jobs.length} files: convert them one by one, or use --json.`);
  }
  const document = { file, form: translation.form, to: options.to, jobs, report: translation.report };
  const text = jobs.map((job) => job.text).join('---\n');
  if (options.output !== undefined) await writeOutput(options.output, text, options.to === 'sbatch' ? 0o755 : 0o644);
  if (invocation.json) invocation.print(JSON.stringify(document));
  else if (options.output === undefined) invocation.io.stdout.write(text);
}

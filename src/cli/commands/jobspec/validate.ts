/** `rainbow jobspec validate`: is each of these something that Rainbow takes? */
import { Option, type Command } from 'commander';
import { RainbowError } from '../../../core/errors.ts';
import type { Form } from '../../../core/translate/translate.ts';
import type { Invocation, Run } from '../../invocation.ts';
import { clean, cleanLines } from '../../paint.ts';
import { allLines, FORM_WORDS, readTranslated } from '../../translated.ts';

export function addValidate(parent: Command, run: Run): void {
  parent
    .command('validate')
    .description('is each of these something that Rainbow takes? Exits with 1 if one is not')
    .argument('<files...>', 'jobspecs, batch scripts, Kubernetes Jobs; - for standard input')
    .addOption(
      new Option('--from <form>', 'what the files are, where they could be several things').choices([...FORM_WORDS]),
    )
    .action(run(validate));
}

async function validate(
  invocation: Invocation,
  options: { readonly from?: Form },
  files: readonly string[],
): Promise<number> {
  const [{ readJobspec }, { obstacles }] = await Promise.all([
    import('../../../core/jobspec/read.ts'),
    import('../../../core/translate/report.ts'),
  ]);
  const { paint } = invocation;
  let failed = 0;
  for (const file of files) {
    try {
      const translation = await readTranslated(invocation, { file, form: options.from });
      const { form, jobs } = translation;
      const report = allLines(translation);
      const read = jobs.map((job) => readJobspec(job.jobspec));
      const [first] = read;
      const plain = { jobspec: file, valid: true, dialect: first!.dialect, name: first!.name };
      if (invocation.json) invocation.print(JSON.stringify(form === 'jobspec' ? plain : { ...plain, form, report }));
      else {
        const lost = obstacles(report).length;
        const said = form === 'jobspec' ? first!.dialect : form;
        const more = lost === 0 ? '' : `; ${lost === 1 ? 'one thing' : `${lost} things`} would need --allow-lossy`;
        const several = jobs.length > 1 ? `, ${jobs.length} jobs` : '';
        invocation.print(`${clean(file)}: ${paint.green('valid')} (${said}${several}${more})`);
      }
    } catch (error) {
      if (!(error instanceof RainbowError)) throw error;
      failed++;
      const answer = { jobspec: file, valid: false, error: { code: error.code, message: error.message } };
      if (invocation.json) invocation.print(JSON.stringify(answer));
      else
        invocation.print(`${clean(file)}: ${paint.red('not valid')}: ${cleanLines(withoutName(file, error.message))}`);
    }
  }
  return failed > 0 ? 1 : 0;
}

function withoutName(file: string, message: string): string {
  const name = `${file === '-' ? 'standard input' : file}: `;
  return message.startsWith(name) ? message.slice(name.length) : message;
}

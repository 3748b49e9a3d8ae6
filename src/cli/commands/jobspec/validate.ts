/** `rainbow jobspec validate`: is each of these a jobspec that Rainbow takes? */
import type { Command } from 'commander';
import { RainbowError } from '../../../core/errors.ts';
import { readInput } from '../../files.ts';
import type { Invocation, Run } from '../../invocation.ts';
import { clean, cleanLines } from '../../paint.ts';

export function addValidate(parent: Command, run: Run): void {
  parent
    .command('validate')
    .description('is each of these a jobspec that Rainbow takes? Exits with 1 if one is not')
    .argument('<files...>', 'jobspecs, YAML or JSON; - for standard input')
    .action(run(validate));
}

async function validate(invocation: Invocation, _options: object, files: readonly string[]): Promise<number> {
  const { readJobspec } = await import('../../../core/jobspec/read.ts');
  const { paint } = invocation;
  let failed = 0;
  for (const file of files) {
    try {
      const { dialect, name } = readJobspec(await readInput(invocation.io, file));
      const answer = { jobspec: file, valid: true, dialect, name };
      if (invocation.json) invocation.print(JSON.stringify(answer));
      else invocation.print(`${clean(file)}: ${paint.green('valid')} (${dialect})`);
    } catch (error) {
      if (!(error instanceof RainbowError)) throw error;
      failed++;
      const answer = { jobspec: file, valid: false, error: { code: error.code, message: error.message } };
      if (invocation.json) invocation.print(JSON.stringify(answer));
      else invocation.print(`${clean(file)}: ${paint.red('not valid')}: ${cleanLines(error.message)}`);
    }
  }
  return failed > 0 ? 1 : 0;
}

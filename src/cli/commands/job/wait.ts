/** `rainbow job wait`: until it has ended. */
import type { Command } from 'commander';
import { connect, operatorOptions, type OperatorOptions } from '../../connection.ts';
import { UsageError } from '../../exit.ts';
import type { Invocation, Run } from '../../invocation.ts';
import { jobId } from '../../options.ts';
import { jobJson, jobLine } from '../../present/job.ts';
import { stateWord } from '../../present/words.ts';
import { waitedExitCode, waitForEnd } from '../../wait.ts';

interface Options extends OperatorOptions {
  readonly propagateExit?: boolean;
}

export function addWait(parent: Command, run: Run): void {
  const command = parent
    .command('wait')
    .description('wait until jobs have ended; exits with 0 if all of them completed, else 1')
    .argument('<ids...>', 'the jobs', (text, before: readonly string[] | undefined) => [...(before ?? []), jobId(text)])
    .option('--propagate-exit', 'exit with the job’s own exit code; for one job');
  operatorOptions(command).action(run(wait));
}

async function wait(invocation: Invocation, options: Options, ids: readonly string[]): Promise<number> {
  if (options.propagateExit === true && ids.length > 1) {
    throw new UsageError('--propagate-exit is for one job, not several.');
  }
  return connect(invocation, options, async (client) => {
    let code = 0;
    for (const id of ids) {
      const job = await waitForEnd(invocation, client, id);
      if (invocation.json) invocation.print(JSON.stringify(jobJson(job)));
      else invocation.print(jobLine(invocation.paint, job));
      code ||= waitedExitCode(job, stateWord(job.state), options.propagateExit === true);
    }
    return code;
  });
}

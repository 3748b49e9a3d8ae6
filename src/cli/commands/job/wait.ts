/** `rainbow job wait`: until it has ended. */
import type { Command } from 'commander';
import { connect, operatorOptions, type OperatorOptions } from '../../connection.ts';
import { UsageError } from '../../exit.ts';
import type { Invocation, Run } from '../../invocation.ts';
import { jobId } from '../../options.ts';
import { jobJson, jobLine } from '../../present/job.ts';
import { stateWord } from '../../present/words.ts';
import { idOf } from '../../tasks.ts';
import { startTimeLimit } from '../../time-limit.ts';
import { waitedExitCode, waitForEnd } from '../../wait.ts';

interface Options extends OperatorOptions {
  readonly propagateExit?: boolean;
  readonly timeout?: string;
}

export function addWait(parent: Command, run: Run): void {
  const command = parent
    .command('wait')
    .description('wait until jobs, or all tasks of arrays, have ended; exits with 0 if all of them completed, else 1')
    .argument('<ids...>', 'the jobs', (text, before: readonly string[] | undefined) => [...(before ?? []), jobId(text)])
    .option('--propagate-exit', 'exit with the job’s own exit code; for one job')
    .option('--timeout <span>', 'wait at most so long, then exit with 1; the jobs go on: 90s, 10m, 1h30m');
  operatorOptions(command).action(run(wait));
}

async function wait(invocation: Invocation, options: Options, ids: readonly string[]): Promise<number> {
  if (options.propagateExit === true && ids.length > 1) {
    throw new UsageError('--propagate-exit is for one job, not several.');
  }
  const limit = startTimeLimit(invocation.io, options.timeout);
  try {
    return await connect(invocation, options, async (client, signal) => {
      let code = 0;
      let isReached = false;
      for (const named of ids) {
        const id = await idOf(client, named, signal);
        const job = await waitForEnd(invocation, client, id, { isReached, limit });
        isReached = true;
        if (invocation.json) invocation.print(JSON.stringify(jobJson(job)));
        else invocation.print(jobLine(invocation.paint, job));
        code ||= waitedExitCode(job, stateWord(job.state), options.propagateExit === true);
      }
      return code;
    });
  } finally {
    limit?.end();
  }
}

/** `rainbow job hold`: keep pending jobs from being placed; of an array its pending tasks. */
import type { Command } from 'commander';
import { connect, operatorOptions, type OperatorOptions } from '../../connection.ts';
import type { Invocation, Run } from '../../invocation.ts';
import { jobId } from '../../options.ts';
import { jobJson, jobLine } from '../../present/job.ts';
import { idOf } from '../../tasks.ts';

interface Options extends OperatorOptions {
  readonly message?: string;
}

export function addHold(parent: Command, run: Run): void {
  const command = parent
    .command('hold')
    .description('keep pending jobs from being placed; of an array its pending tasks')
    .argument('<ids...>', 'the jobs', (text, before: readonly string[] | undefined) => [...(before ?? []), jobId(text)])
    .option('--message <text>', 'why, for whoever asks');
  operatorOptions(command).action(run(hold));
}

async function hold(invocation: Invocation, options: Options, ids: readonly string[]): Promise<void> {
  await connect(invocation, options, async (client, signal) => {
    for (const named of ids) {
      const id = await idOf(client, named, signal);
      const job = await client.jobs.hold({ id, message: options.message ?? '' }, { signal });
      invocation.print(invocation.json ? JSON.stringify(jobJson(job)) : jobLine(invocation.paint, job));
    }
  });
}

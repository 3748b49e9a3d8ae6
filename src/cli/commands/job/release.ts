/** `rainbow job release`: let held jobs go. */
import type { Command } from 'commander';
import { connect, operatorOptions, type OperatorOptions } from '../../connection.ts';
import type { Invocation, Run } from '../../invocation.ts';
import { jobId } from '../../options.ts';
import { jobJson, jobLine } from '../../present/job.ts';
import { idOf } from '../../tasks.ts';

export function addRelease(parent: Command, run: Run): void {
  const command = parent
    .command('release')
    .description('let held jobs go')
    .argument('<ids...>', 'the jobs', (text, before: readonly string[] | undefined) => [
      ...(before ?? []),
      jobId(text),
    ]);
  operatorOptions(command).action(run(release));
}

async function release(invocation: Invocation, options: OperatorOptions, ids: readonly string[]): Promise<void> {
  await connect(invocation, options, async (client, signal) => {
    for (const named of ids) {
      const id = await idOf(client, named, signal);
      const job = await client.jobs.release({ id }, { signal });
      invocation.print(invocation.json ? JSON.stringify(jobJson(job)) : jobLine(invocation.paint, job));
    }
  });
}

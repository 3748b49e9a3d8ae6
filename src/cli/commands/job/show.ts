/** `rainbow job show`: everything about one job. */
import type { Command } from 'commander';
import { connect, operatorOptions, type OperatorOptions } from '../../connection.ts';
import type { Invocation, Run } from '../../invocation.ts';
import { jobId } from '../../options.ts';
import { cleanLines } from '../../paint.ts';
import { jobDetailJson, jobText } from '../../present/job.ts';

interface Options extends OperatorOptions {
  readonly jobspec?: boolean;
}

export function addShow(parent: Command, run: Run): void {
  const command = parent
    .command('show')
    .description('everything about one job')
    .argument('<id>', 'the job', jobId)
    .option('--jobspec', 'the jobspec alone, exactly as it was submitted');
  operatorOptions(command).action(run(show));
}

async function show(invocation: Invocation, options: Options, args: readonly string[]): Promise<void> {
  const [id = ''] = args;
  const job = await connect(invocation, options, (client, signal) => client.jobs.get({ id }, { signal }));
  if (options.jobspec === true && !invocation.json) {
    const { io } = invocation;
    io.stdout.write(io.stdout.isTTY ? `${cleanLines(job.jobspec)}\n` : job.jobspec);
    return;
  }
  invocation.result(jobDetailJson(job), () => jobText(invocation.paint, job, invocation.io.system.clock.now()));
}

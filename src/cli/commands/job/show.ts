/** `rainbow job show`: everything about one job. */
import type { Command } from 'commander';
import type { Job } from '../../../gen/rainbow/v1/job_pb.js';
import { connect, operatorOptions, type OperatorOptions } from '../../connection.ts';
import type { Invocation, Run } from '../../invocation.ts';
import { jobId } from '../../options.ts';
import { waitsForAgent } from '../../native-renderings.ts';
import { clean, cleanLines } from '../../paint.ts';
import { jobColumns, jobDetailJson, jobJson, jobText } from '../../present/job.ts';
import { table, tableWidth } from '../../table.ts';
import { wrapped } from '../../wrap.ts';
import { idOf, tasksOf } from '../../tasks.ts';

interface Options extends OperatorOptions {
  readonly jobspec?: boolean;
}

export function addShow(parent: Command, run: Run): void {
  const command = parent
    .command('show')
    .description('everything about one job; of an array also the table of its tasks')
    .argument('<id>', 'the job', jobId)
    .option('--jobspec', 'the jobspec alone, exactly as it was submitted');
  operatorOptions(command).action(run(show));
}

async function show(invocation: Invocation, options: Options, args: readonly string[]): Promise<void> {
  const [named = ''] = args;
  const { job, tasks, waits } = await connect(invocation, options, async (client, signal) => {
    const found = await client.jobs.get({ id: await idOf(client, named, signal) }, { signal });
    const all: Job[] = [];
    if (found.array !== undefined && options.jobspec !== true) {
      for await (const task of tasksOf(client, found.id, signal)) all.push(task);
    }
    const waits = await waitsForAgent(found, (name) => client.clusters.get({ name }, { signal }));
    return { job: found, tasks: all, waits };
  });
  if (options.jobspec === true && !invocation.json) {
    const { io } = invocation;
    io.stdout.write(io.stdout.isTTY ? `${cleanLines(job.jobspec)}\n` : job.jobspec);
    return;
  }
  const { io, paint } = invocation;
  const now = io.system.clock.now();
  const detail = { ...jobDetailJson(job), waitsForAgent: waits };
  const document = job.array === undefined ? detail : { ...detail, tasks: tasks.map(jobJson) };
  invocation.result(document, () => {
    const text = wrapped([jobText(paint, job, now), ...(waits === null ? [] : [clean(waits)])], io.stdout).join('\n');
    if (tasks.length === 0) return text;
    return `${text}\n\n${table(jobColumns(paint, now), tasks, (title) => paint.dim(title), tableWidth(io.stdout))}`;
  });
}
